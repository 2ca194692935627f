"""Adam, and how its learning rate changes over a run."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import nn


class Scheduled(Protocol):
    """What a configuration says of its optimizer; ``schedule`` is one of `SCHEDULES`."""

    learning_rate: float
    schedule: str
    steps: int


SCHEDULES = ("constant", "cosine")
"""The same throughout; or half a cosine, down to zero at the last step, after a warm-up over the first hundredth."""


def optimizer_and_schedule(
    config: Scheduled,
    model: nn.Module,
    betas: tuple[float, float] = (0.9, 0.999),
    learning_rate: float | None = None,
):
    """Adam over all of a model's parameters, and its schedule, to be stepped after every step.

    Args:
        betas: Adam's two decay rates.
        learning_rate: in place of the configuration's.
    """
    rate = config.learning_rate if learning_rate is None else learning_rate
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, betas=betas, fused=True)

    def share(step: int) -> float:
        if config.schedule == "constant":
            return 1.0
        warm = min(1.0, 100 * (step + 1) / config.steps)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)
