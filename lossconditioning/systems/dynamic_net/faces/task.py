"""What faces cost: DCGAN's adversarial loss, O = L_adv of one set of faces or of another (Dynamic-Net, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def discriminator_terms(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> dict[str, Tensor]:
    """Binary cross-entropy of a discriminator's logits ``(B,)`` of real faces and of generated ones; each ``(B,)``.

    Args:
        smoothing: real faces count as real by 1 − this much.
    """
    return {"real": softplus(-real) + smoothing * real, "fake": softplus(fake)}


def generator_loss(fake: Tensor) -> Tensor:
    """The non-saturating loss −log D(G(z)), from the logits ``(B,)`` of generated faces; ``(B,)``."""
    return softplus(-fake)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, keep: float, step: int) -> None:
    """Move the running averages of weights and of statistics towards a model's.

    Args:
        keep: the share that the averages keep; less in the first steps, so that the initial weights are soon forgotten.
        step: number of the optimizer step that was made, from 0.
    """
    keep = min(keep, (step + 1) / (step + 10))
    theirs: Mapping[str, Tensor] = model.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1 - keep)
        else:
            value.copy_(theirs[name])
