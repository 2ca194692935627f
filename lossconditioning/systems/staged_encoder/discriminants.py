"""What the numbers of a code do: directions in which one factor of style changes and the others hardly do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError

DIRECTIONS = 8
"""As many as a code has numbers."""
_RIDGE = 1e-3
"""Of the spread within classes, added to it: some directions hardly vary."""


@dataclass(frozen=True, eq=False)
class Direction:
    """One way to move a code.

    Attributes:
        factor: that changes, such as "hour".
        ends: values of it at the lower end and at the upper one, such as ("night", "day").
        vector: ``(Z,)``: from the mean of the codes of one end to that of the other.
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
    """Eight directions at most, by linear discriminants of each factor, the most telling first.

    For each factor the codes' means at its values are told apart where the codes of one value spread least (Fisher's
    discriminants). A factor of V values has V − 1 of them. Their ends are the two values that lie farthest apart along them.

    Args:
        codes: ``(N, Z)``, of pictures whose style is known.
        factors: ``(N, F)``.
        names, values: see `datasets.Pairs`.

    Raises:
        ReaderError: where no factors are known.
    """
    if not names:
        raise ReaderError(
            "Directions are found by the known factors of style; these pictures have none. Use the valley's."
        )
    found = []
    for number, name in enumerate(names):
        labels = factors[:, number]
        means = torch.stack([codes[labels == value].mean(0) for value in range(len(values[number]))])
        within = (codes - means[labels]).T @ (codes - means[labels]) / len(codes)
        within = within + _RIDGE * within.diagonal().mean() * torch.eye(len(within))
        between = (means - means.mean(0)).T @ (means - means.mean(0)) / len(means)
        # Generalised eigenvectors, by whitening: the codes move along `within` times the discriminant.
        root = torch.linalg.cholesky(within)
        whitened = torch.linalg.solve_triangular(root, between, upper=False)
        whitened = torch.linalg.solve_triangular(root, whitened.T, upper=False)
        strength, vectors = torch.linalg.eigh((whitened + whitened.T) / 2)
        for rank in range(1, len(values[number])):
            found.append(
                (float(strength[-rank]), _along(root @ vectors[:, -rank], means, within, name, values[number]))
            )
    found.sort(key=lambda pair: -pair[0])
    return [direction for _, direction in found[:DIRECTIONS]]


def _along(vector: Tensor, means: Tensor, within: Tensor, name: str, values: tuple[str, ...]) -> Direction:
    """The direction with its two ends, as long as they are apart along it."""
    places = means @ torch.linalg.solve(within, vector)
    low, high = int(places.argmin()), int(places.argmax())
    length = (places[high] - places[low]) / (vector @ torch.linalg.solve(within, vector))
    return Direction(name, (values[low], values[high]), length * vector)
