"""How something is trained or measured: all that is not part of an experiment's configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROFILES = ("smoke", "demo", "laptop", "paper")
"""Seconds, every line exercised; shipped checkpoints; training on two cores; the paper's own scale."""


def never() -> bool:
    """Nobody asks for an end."""
    return False


@dataclass(frozen=True)
class Run:
    """One way to run a system, handed on as it is.

    Attributes:
        out: folder of finished checkpoints; resumable ones stand in its ``unfinished``.
        profile: one of `PROFILES`.
        seed: of initial weights, order of the data, and drawn loss weights.
        minutes: time budget; the same call continues.
        progress: whether to show a bar.
        data: folder where data files are looked up; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        weights: of pretrained networks, a file or a folder; see `PerceptualFeatures`.
        mixed_precision: "no", "fp16" or "bf16", in place of the configuration's.
        thorough: measure also what takes minutes.
        stop: asked after every step whether to stop, saved, as when time is up.
        start: folder of finished checkpoints: training begins with the weights of the network of the same name there, at the
            step where it ended; its optimizer begins anew.
    """

    out: Path | str | None = None
    profile: str = "laptop"
    seed: int = 0
    minutes: float | None = None
    progress: bool = True
    data: Path | None = None
    weights: Path | str | None = None
    mixed_precision: str | None = None
    thorough: bool = False
    stop: Callable[[], bool] = never
    start: Path | str | None = None

    @property
    def smoke(self) -> bool:
        """Whether as little as possible is to be trained and measured, to see that every line runs."""
        return self.profile == "smoke"
