"""Adam, and how its learning rate changes over a run."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from lossconditioning.training.config import Config

SCHEDULES = ("constant", "cosine", "steps", "linear")
"""The same throughout; half a cosine, down to zero at the last step, after a warm-up; a factor at each milestone; or the same
for the first half, then straight down to zero (CycleGAN's)."""


def optimizer_and_schedule(
    config: Config,
    model: nn.Module | Iterable[dict],
    betas: tuple[float, float] = (0.9, 0.999),
    *,
    learning_rate: float | None = None,
    warm_up: float = 0.01,
    milestones: tuple[float, ...] = (),
    factor: float = 0.1,
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Adam over all of a model's parameters, and its schedule, to be stepped after every step.

    Args:
        model: or its parameters in groups, as Adam takes them.
        betas: Adam's two decay rates.
        learning_rate: in place of the configuration's.
        warm_up: share of the steps over which a cosine's rate rises to its full height.
        milestones: shares of the steps after which the rate of "steps" is multiplied by ``factor``.
    """
    rate = config.learning_rate if learning_rate is None else learning_rate
    parameters = model.parameters() if isinstance(model, nn.Module) else model
    optimizer = torch.optim.Adam(parameters, lr=rate, betas=betas, fused=True)
    turns = [round(milestone * config.steps) for milestone in milestones]

    def share(step: int) -> float:
        if config.schedule == "constant":
            return 1.0
        if config.schedule == "steps":
            return factor ** sum(step >= turn for turn in turns)
        if config.schedule == "linear":
            return max(0.0, min(1.0, 2 * (1 - step / config.steps)))
        warm = min(1.0, (step + 1) / (warm_up * config.steps)) if warm_up else 1.0
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)
