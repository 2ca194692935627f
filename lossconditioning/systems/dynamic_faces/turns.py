"""One set of tuning blocks, turned on: how an attribute, and what else, changes with α, for all people and for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import TuningBlocks, at_every_alpha
from lossconditioning.evaluation.alphas import ALPHAS, monotonicity
from lossconditioning.systems.dynamic_faces.measures import diversity, made, told
from lossconditioning.systems.dynamic_faces.models import Classifier


@dataclass(frozen=True)
class Turn:
    """What turning one set of blocks on does to faces, at P values of α.

    Attributes:
        attribute: which the blocks are for.
        names: of all A attributes that were measured.
        alphas: ``(P,)``.
        probability, logit: means over all faces, ``(P, A)``.
        before, after: logits of each of N faces at α = 0 and at α = 1, ``(N, A)``.
        spread: difference in mean probability of real faces with and without each attribute, ``(A,)``.
        diversity: of the faces at α = 1 over that at α = 0.
    """

    attribute: str
    names: tuple[str, ...]
    alphas: Tensor
    probability: Tensor
    logit: Tensor
    before: Tensor
    after: Tensor
    spread: Tensor
    diversity: float

    @property
    def shifts(self) -> dict[str, float]:
        """Attribute → change in mean probability from α = 0 to α = 1, as a share of that between real faces."""
        before, after = _ends(self.alphas)
        change = (self.probability[after] - self.probability[before]) / self.spread
        return dict(zip(self.names, change.tolist(), strict=True))

    @property
    def monotonicity(self) -> float:
        """Rank correlation (Spearman) of the attribute's mean logit with α: 1 if it always rises.

        Logits, for probabilities that are 0 or 1 to the last digit have no order left.
        """
        return monotonicity(self.logit[:, self.names.index(self.attribute)])

    @property
    def others(self) -> float:
        """Mean absolute shift of all attributes but the one that is meant to turn.

        Of means over people: it is 0, too, where as many people gain a beard as lose theirs. See `person_change`.
        """
        each = [abs(shift) for name, shift in self.shifts.items() if name != self.attribute]
        return sum(each) / len(each) if each else 0.0

    @property
    def changes(self) -> dict[str, float]:
        """Attribute → mean over people of the absolute change in its probability from α = 0 to α = 1."""
        change = (self.after.sigmoid() - self.before.sigmoid()).abs().mean(0)
        return dict(zip(self.names, change.tolist(), strict=True))

    @property
    def flips(self) -> dict[str, float]:
        """Attribute → share of people for whom the verdict, a probability above 1/2, is another at α = 1 than at α = 0."""
        flipped = self._flipped().float().mean(0)
        return dict(zip(self.names, flipped.tolist(), strict=True))

    @property
    def person_change(self) -> float:
        """The largest of `changes`, of all attributes but the one that is meant to turn."""
        return max((change for name, change in self.changes.items() if name != self.attribute), default=0.0)

    @property
    def person_flips(self) -> float:
        """Share of people for whom at least one verdict flips that is not about the attribute that is meant to turn."""
        others = [number for number, name in enumerate(self.names) if name != self.attribute]
        return float(self._flipped()[:, others].any(1).float().mean())

    def _flipped(self) -> Tensor:
        return (self.before > 0) != (self.after > 0)


def turn(
    main: nn.Module,
    blocks: TuningBlocks,
    classifier: Classifier,
    attribute: str,
    latents: Tensor,
    real: Tensor,
    alphas: Iterable[float] = ALPHAS,
) -> Turn:
    """Measure one set of blocks.

    Args:
        attribute: which the blocks are for.
        latents: ``(N, L)``.
        real: `spread` of real faces.
    """
    alphas = torch.tensor(tuple(alphas))
    faces = at_every_alpha(main, {attribute: blocks}, alphas.tolist(), lambda make: made(make, latents))
    logits = [told(classifier, each) for each in faces]
    before, after = _ends(alphas)
    return Turn(
        attribute,
        classifier.names,
        alphas,
        torch.stack([each.sigmoid().mean(0) for each in logits]),
        torch.stack([each.mean(0) for each in logits]),
        logits[before],
        logits[after],
        real,
        diversity(faces[after], faces[before]),
    )


def _ends(alphas: Tensor) -> tuple[int, int]:
    """Which α are 0 and 1, or nearest."""
    return int(alphas.abs().argmin()), int((alphas - 1).abs().argmin())


def sheet(main: nn.Module, sets: Mapping[str, TuningBlocks], latents: Tensor, alphas: Iterable) -> Tensor:
    """The same people at several α, ``(N, P, 3, 64, 64)`` in [−1, 1].

    Args:
        alphas: each as `DynamicNet.forward` takes it; ``{name: α}`` with several sets.
    """
    return torch.stack(at_every_alpha(main, sets, alphas, lambda make: made(make, latents)), dim=1)
