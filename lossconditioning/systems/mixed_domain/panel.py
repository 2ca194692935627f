"""One painter between three losses: how much of each, on the reader's own photograph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.display import (
    COLORS,
    LiveFigure,
    Panel,
    Picture,
    Triangle,
    Upload,
    blank_pictures,
    explore,
    figure,
    to_bytes,
)
from lossconditioning.painting import FULL, in_time
from lossconditioning.systems.mixed_domain.settings import CORNERS
from lossconditioning.systems.mixed_domain.task import Costs
from lossconditioning.training.config import bfloat16_pays
from lossconditioning.training.devices import faster_in_half, in_half

SIDES = (FULL, 192, 128, 96)
"""Pixels a side that a picture may have while the point of the triangle moves."""
PATIENCE = 0.02
"""Seconds that such a picture may take by itself: in use, with a browser on the same cores, it takes about twice as long."""
Weights = tuple[float, float, float]
_MOST = {"reconstruction": 1.0, "perceptual": 0.25}  # what bars reach to


def play(model: nn.Module, photographs: Mapping[str, Tensor], costs: Costs) -> Panel:
    """A panel over S: a photograph, chosen or uploaded, what it is translated to, and the losses that need no opponent.

    While the point moves the picture has as many of `SIDES` pixels as this processor paints in time, which is tried out; once
    it is still, 256, and the bars show what it costs.

    Args:
        model: told S.
        photographs: name → ``(3, H, W)`` in [0, 1], cut to the square in the middle.
        costs: the losses it was trained with.
    """
    stage = _Stage(model, costs)
    names = [domain.replace("_", " ") for domain in costs.config.domains]
    return explore(
        stage.quick,
        refine=stage.full,
        presets={name: {"lam": corner} for name, corner in zip(names, CORNERS, strict=True)},
        lam=Triangle(names, CORNERS[0], label="weights S"),
        photograph=Upload(photographs, size=FULL, label="photograph"),
        strip=3,
        columns=1,
        photographs=True,
        alt="A photograph and what one network makes of it: with all weight on the first domain the photograph itself, with "
        "more weight on the second or third the look of a painter's pictures or of one painting.",
    )


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, model: nn.Module, costs: Costs):
        self.model, self.costs = model.eval(), costs
        corner = torch.eye(len(costs.names))[:1]
        blank = {side: torch.full((1, 3, side, side), 0.5) for side in SIDES}
        self.half = bfloat16_pays() and faster_in_half(lambda: model(blank[SIDES[-1]], corner))
        self.quicker = in_half(model) if self.half else model
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            self.side = in_time(lambda side: self.quicker(blank[side], corner), SIDES, PATIENCE)
        self.small = lru_cache(4)(lambda given: F.interpolate(given.pixels[None], (self.side, self.side), mode="area"))
        self.told = [name for name in ("reconstruction", "perceptual") if name in costs.names]
        made, axes = figure(3, size=(9.2, 3.2), width_ratios=[1, 1, 0.55])
        self.shown = blank_pictures(axes[:2], FULL, titles=("photograph", ""))
        self.title = axes[1].set_title("translated")
        self.bars = axes[2].barh(self.told, [0.0] * len(self.told), height=0.5, color=COLORS["conditional"])
        axes[2].set(xlim=(0, 1), title="losses, once still", xticks=[])
        axes[2].invert_yaxis()
        self.live = LiveFigure(made, [self.shown[1], self.title, *self.bars])
        self.still: Picture | None = None  # the photograph on show

    @torch.no_grad()
    def quick(self, photograph: Picture, lam: Weights) -> bytes:
        """A small picture, without its losses."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            painted = self.quicker(self.small(photograph), torch.tensor([lam]))
        for bar in self.bars:
            bar.set_alpha(0.3)  # the losses of the last picture that was still
        return self._frame(photograph, lam, F.interpolate(painted.float(), (FULL, FULL), mode="bilinear")[0])

    @torch.no_grad()
    def full(self, photograph: Picture, lam: Weights):
        """A large picture, its losses as bars and as numbers."""
        photo = photograph.pixels[None]
        painted, values = self.model(photo, torch.tensor([lam])), {}
        if "reconstruction" in self.told:
            values["reconstruction"] = float(self.costs.reconstruction(painted, photo))
        if "perceptual" in self.told:
            content = self.costs.loss.content_targets(photo)
            values["perceptual"] = float(sum(self.costs.perceptual(painted, content).values()))
        for name, bar in zip(self.told, self.bars, strict=True):
            bar.set(width=min(1.0, values[name] / _MOST[name]), alpha=1.0)
        return self._frame(photograph, lam, painted[0]), {"S": _said(lam), **values}

    def _frame(self, photograph: Picture, lam: Weights, painted: Tensor) -> bytes:
        self.title.set_text(f"translated, S = {_said(lam)}")
        self.shown[1].set_data(to_bytes(painted))
        if self.still != photograph:
            self.still = photograph
            self.shown[0].set_data(to_bytes(photograph.pixels))
            self.live.redraw()
        return self.live.frame()


def _said(lam: Weights) -> str:
    return f"({', '.join(f'{weight:.2f}' for weight in lam)})"
