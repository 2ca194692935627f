"""What Figure 6 of "Dynamic-Net" shows, as numbers: how an attribute, and what else, changes with α."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import TuningBlocks, at_every_alpha
from lossconditioning.evaluation.alphas import ALPHAS, monotonicity
from lossconditioning.systems.dynamic_faces.data import HELD_OUT, held_out_faces
from lossconditioning.systems.dynamic_faces.measures import (
    CODES,
    accuracy,
    codes,
    distance,
    diversity,
    made,
    spread,
    told,
)
from lossconditioning.systems.dynamic_faces.models import Classifier, signed
from lossconditioning.systems.dynamic_faces.recipes import CLASSIFIER, MAIN, TURNED
from lossconditioning.training import Run, Trained

TURNS = 128
"""How many generated faces are turned."""


@dataclass(frozen=True)
class Turn:
    """What turning one set of blocks on does to faces, at P values of α.

    Attributes:
        attribute: which the blocks are for.
        names: of all A attributes that were measured.
        alphas: ``(P,)``.
        probability, logit: means over all faces, ``(P, A)``.
        spread: difference in mean probability of real faces with and without each attribute, ``(A,)``.
        diversity: of the faces at α = 1 over that at α = 0.
    """

    attribute: str
    names: tuple[str, ...]
    alphas: Tensor
    probability: Tensor
    logit: Tensor
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
        """Mean absolute shift of all attributes but the one that is meant to turn."""
        each = [abs(shift) for name, shift in self.shifts.items() if name != self.attribute]
        return sum(each) / len(each) if each else 0.0


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


def compared(run: Run) -> tuple[str, ...]:
    """Everything: blocks turn a generator's faces, which the classifier looks at."""
    return (CLASSIFIER, MAIN, *TURNED)


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """All numbers of face generation, named "face_…"; those of one set of blocks end in its attribute.

    Returns:
        "face_accuracy" of the classifier; "face_diversity" and "face_distance" of the main network's faces against held-out
        ones; for each set of blocks "face_monotonicity_…", "face_shift_…", "face_others_…" (mean absolute shift of the other
        attributes) and "face_diversity_…" (at α = 1 over α = 0); "face_monotonicity" and "face_shift" of the attribute that
        follows least.
    """
    count, people = (32, 8) if run.smoke else (HELD_OUT, CODES)
    classifier, main = trained[CLASSIFIER].model, trained[MAIN].model
    everyone = held_out_faces(trained[CLASSIFIER].config, count, run.data)
    alike = signed(held_out_faces(trained[MAIN].config, people, run.data).images)
    latents, real = codes(people, main.latent), spread(classifier, everyone)
    faces = made(main, latents)
    found = {
        "face_accuracy": float(accuracy(classifier, everyone).mean()),
        "face_diversity": diversity(faces, alike),
        "face_distance": distance(faces, alike),
    }
    turns = [turn(main, trained[name].model, classifier, what, latents[:TURNS], real) for name, what in TURNED.items()]
    for each in turns:
        found |= {
            f"face_monotonicity_{each.attribute}": each.monotonicity,
            f"face_shift_{each.attribute}": each.shifts[each.attribute],
            f"face_others_{each.attribute}": each.others,
            f"face_diversity_{each.attribute}": each.diversity,
        }
    found["face_monotonicity"] = min(each.monotonicity for each in turns)
    found["face_shift"] = min(each.shifts[each.attribute] for each in turns)
    return found
