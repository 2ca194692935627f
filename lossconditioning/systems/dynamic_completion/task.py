"""What a completed picture costs: O = L_L1 + λ L_adv (Dynamic-Net, section 4.3; Isola et al. 2017)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.losses import weighted
from lossconditioning.systems.dynamic_completion.models import in_hole
from lossconditioning.systems.dynamic_completion.recipes import Config


class Batch(NamedTuple):
    """What one step completes.

    Attributes:
        pictures: ``(B, 3, 64, 64)`` in [0, 1].
        hole: bool ``(B, 1, 64, 64)``, true where pixels are missing.
        discriminator: what completed pictures are judged by; None for those that cost L1 alone.
    """

    pictures: Tensor
    hole: Tensor
    discriminator: nn.Module | None = None

    @property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """The network's."""
        return self.pictures, self.hole


class Judged(NamedTuple):
    """What a critic learns from: as of `Batch`, and how far each completion is to be turned or blended, ``(B,)`` in [0, 1]."""

    pictures: Tensor
    hole: Tensor
    alpha: Tensor


def terms(model: nn.Module, batch: Batch | Judged, lam: Tensor | None = None) -> dict[str, Tensor]:
    """The losses of each picture, unweighted, each ``(B,)``.

    Returns:
        "l1", the mean absolute difference of colours in [0, 1] within the hole, and, where there is a discriminator,
        "adversarial", −log of how probably the hole's patches are real; of a critic, "discriminator", see `discrimination`.
    """
    if isinstance(batch, Judged):
        return {"discriminator": model(*batch)}
    completed = model(*batch.inputs)
    values = {"l1": l1(completed, batch.pictures, batch.hole)}
    if batch.discriminator is not None:
        values["adversarial"] = in_hole(F.softplus(-batch.discriminator(completed, batch.hole).float()), batch.hole)
    return values


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """O of each picture, ``(B,)``."""
    return weighted(terms, {"adversarial": lam} if "adversarial" in terms else {})


def l1(completed: Tensor, pictures: Tensor, hole: Tensor) -> Tensor:
    """Mean absolute difference within the hole: ``(B,)``."""
    return in_hole((completed - pictures).abs(), hole)


def discriminator_terms(config: Config, batch: Batch, completed: Tensor) -> dict[str, Tensor]:
    """What a network's opponent minimises, see `discrimination`."""
    return {"discriminator": discrimination(batch.discriminator, completed, batch.pictures, batch.hole)}


def discrimination(discriminator: nn.Module, completed: Tensor, pictures: Tensor, hole: Tensor) -> Tensor:
    """The discriminator's loss, real pictures against completed ones, without a gradient to the generator: ``(B,)``."""
    both, holes = torch.cat([pictures, completed.detach()]), torch.cat([hole, hole])
    real, fake = discriminator(both, holes).float().chunk(2)
    return (in_hole(F.softplus(-real), hole) + in_hole(F.softplus(fake), hole)) / 2
