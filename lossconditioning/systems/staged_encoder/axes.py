"""What the numbers of a code do: directions in which one factor of style changes, found by the factors that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets.pairs import Pairs
from lossconditioning.errors import ReaderError
from lossconditioning.systems.staged_encoder.distances import all_pairs
from lossconditioning.systems.staged_encoder.measures import codes_of
from lossconditioning.systems.staged_encoder.models import Translator

DIRECTIONS = 8
"""As many as a code has numbers."""


@dataclass(frozen=True, eq=False)
class Direction:
    """One way to move a code.

    Attributes:
        factor: that changes, such as "hour".
        ends: values of it at the lower end and at the upper one, such as ("night", "day").
        vector: ``(Z,)``: from the one to the other, everything else being equal.
    """

    factor: str
    ends: tuple[str, str]
    vector: Tensor

    @property
    def label(self) -> str:
        """Such as "night – day"."""
        return " – ".join(self.ends)


def directions(
    codes: Tensor, factors: Tensor, names: tuple[str, ...], values: tuple[tuple[str, ...], ...]
) -> list[Direction]:
    """Eight directions at most, the longest first.

    Codes are explained by a sum of one vector for each value of each factor (least squares): what a value adds, everything else
    being equal. A factor's vectors lie farthest apart along their principal axes; each axis gives a direction, between the two
    values that are farthest apart along it.

    Args:
        codes: ``(N, Z)``, of pictures whose style is known.
        factors: ``(N, F)``.
        names, values: see `datasets.Pairs`.

    Raises:
        ReaderError: where no factors are known.
    """
    if not names:
        raise ReaderError("Directions are found by known factors of style; these pictures have none. Use the valley's.")
    found: dict[tuple[str, ...], tuple[float, Direction]] = {}
    for number, (name, known) in enumerate(zip(names, values, strict=True)):
        there = factors[:, number].unique()  # values that no picture has add nothing that could be known
        added = contributions(codes, factors, values)[number][there]  # (V, Z)
        axes = torch.linalg.svd(added - added.mean(0), full_matrices=False).Vh[: len(there) - 1]
        for places in (added @ axes.T).T:
            low, high = int(places.argmin()), int(places.argmax())
            vector = added[high] - added[low]
            ends = known[there[low]], known[there[high]]
            found.setdefault((name, *sorted(ends)), (float(vector.norm()), Direction(name, ends, vector)))
    longest = sorted(found.values(), key=lambda pair: -pair[0])
    return [direction for _, direction in longest[:DIRECTIONS]]


def contributions(codes: Tensor, factors: Tensor, values: tuple[tuple[str, ...], ...]) -> list[Tensor]:
    """What each value of each factor adds to a code: ``(V, Z)`` for a factor of V values.

    The sum of one row of each is the least-squares prediction of a code. Of the many solutions, which differ by constants, the
    smallest.
    """
    given = [F.one_hot(factors[:, number], len(known)).to(codes) for number, known in enumerate(values)]
    solution = torch.linalg.pinv(torch.cat(given, 1)) @ codes
    return list(solution.split([len(known) for known in values]))


@torch.no_grad()
def effects(
    model: Translator, ways: Sequence[Direction], layouts: Tensor, pictures: Tensor, factors: Tensor, gallery: Pairs
) -> Tensor:
    """How often each factor changes when a code moves from one end of a direction to the other: ``(D, F)`` in [0, 1].

    Each layout is painted with its picture's code, where that has the value of either end, and with the code that is moved to
    the other end. Which factors a painting shows is told by the picture of the gallery whose code is nearest to that of the
    painting. A direction with neither end among the pictures has nan.

    Args:
        ways: see `directions`.
        layouts, pictures: ``(N, 3, S, S)`` in [0, 1].
        factors: of the pictures, ``(N, F)``.
        gallery: pictures whose factors are known.
    """
    known, z = codes_of(model.encoder, gallery.pictures).z, model.encoder(pictures).z

    def shown(layouts: Tensor, z: Tensor) -> Tensor:
        painted = model.generator(layouts, z)
        return gallery.factors[all_pairs(model.encoder(painted).z, known).argmin(1)]

    before, changed = shown(layouts, z), []
    for way in ways:
        number = gallery.names.index(way.factor)
        rows = []
        for end, sign in zip(way.ends, (1, -1), strict=True):
            there = factors[:, number] == gallery.values[number].index(end)
            if there.any():
                rows.append(shown(layouts[there], z[there] + sign * way.vector) != before[there])
        unknown = torch.full((len(gallery.names),), torch.nan, dtype=torch.float64)
        changed.append(torch.cat(rows).double().mean(0) if rows else unknown)
    return torch.stack(changed)
