"""Training a finished network further: from its weights, at the step where it ended."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from lossconditioning.errors import ReaderError
from lossconditioning.training.cards import load_published
from lossconditioning.training.config import Config
from lossconditioning.training.runs import Run


@dataclass(frozen=True)
class Start:
    """What a training begins with; as it stands, drawn weights at step 0.

    Attributes:
        steps: of the finished network, which count as this training's own.
        digest: of its weights' file; empty if there is none.
        weights: its state_dict.
    """

    steps: int = 0
    digest: str = ""
    weights: dict[str, Tensor] | None = None

    def noted(self) -> dict[str, Any]:
        """What cards and checkpoints say of it; nothing of drawn weights."""
        return {"steps": self.steps, "digest": self.digest} if self.digest else {}

    def give(self, model: nn.Module, label: str) -> nn.Module:
        """The model, with the finished network's weights.

        Raises:
            ReaderError: if they do not fit.
        """
        if self.weights is None:
            return model
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            problem = str(error).splitlines()[-1].strip()
            raise ReaderError(
                f"Training of {label} can not begin with the finished network of that name, which is another one ({problem}). "
                "Give another folder as start, or none."
            ) from None
        print(f"{label}: beginning with a network of {self.steps:,} steps.", file=sys.stderr)
        return model

    def advance(self, optimizer: torch.optim.Optimizer, schedule: LRScheduler) -> None:
        """Set a schedule to where the finished network ended. The optimizer, which has no gradients yet, stays as it is."""
        if self.steps:
            optimizer.step()  # changes nothing; PyTorch warns of schedules that are moved before it
            schedule.last_epoch = self.steps - 1
            schedule.step()


def start_of(system: str, config: Config, run: Run) -> Start:
    """What a training begins with: the network of its name in ``run.start``, or drawn weights if that is None.

    Raises:
        CheckpointError: if there is no such network, or it is damaged.
        ReaderError: if it has as many steps as are asked for.
    """
    if run.start is None:
        return Start()
    card, weights = load_published(run.start, config.name, system)
    if card.steps >= config.steps:
        raise ReaderError(
            f"The network {config.name} in {run.start} has {card.steps:,} steps, and {config.steps:,} are asked for: nothing "
            "is left to train. Ask for more, or give another folder as start."
        )
    return Start(card.steps, card.digest, weights)
