"""What a completed picture costs: O = L_L1 + λ L_adv (Dynamic-Net, section 4.3; Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.systems.dynamic_net.completion.networks import in_hole


def l1(completed: Tensor, pictures: Tensor, hole: Tensor) -> Tensor:
    """Mean absolute difference of colours in [0, 1] within the hole: ``(B,)``."""
    return in_hole((completed - pictures).abs(), hole)


def adversarial(discriminator: nn.Module, completed: Tensor, hole: Tensor) -> Tensor:
    """−log of how probably each hole's patches are real, to a discriminator: ``(B,)``."""
    return in_hole(F.softplus(-discriminator(completed, hole).float()), hole)


def terms(
    completed: Tensor, pictures: Tensor, hole: Tensor, discriminator: nn.Module | None = None
) -> dict[str, Tensor]:
    """The generator's losses, unweighted; each ``(B,)``; "adversarial" only where there is a discriminator."""
    values = {"l1": l1(completed, pictures, hole)}
    if discriminator is not None:
        values["adversarial"] = adversarial(discriminator, completed, hole)
    return values


def objective(values: Mapping[str, Tensor], lam: float) -> Tensor:
    """O of each picture: terms ``(B,)`` and λ to ``(B,)``."""
    return values["l1"] + lam * values["adversarial"] if "adversarial" in values else values["l1"]


def discrimination(discriminator: nn.Module, completed: Tensor, pictures: Tensor, hole: Tensor) -> Tensor:
    """The discriminator's loss, real pictures against completed ones, without a gradient to the generator: ``(B,)``."""
    both, holes = torch.cat([pictures, completed.detach()]), torch.cat([hole, hole])
    real, fake = discriminator(both, holes).float().chunk(2)
    return (in_hole(F.softplus(-real), hole) + in_hole(F.softplus(fake), hole)) / 2
