"""Sliders on the tuning blocks of a painter: one α for all, one for each block, or one for each of two sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy
from torch import Tensor

from lossconditioning.conditioning import DynamicNet
from lossconditioning.display import (
    COLORS,
    LiveFigure,
    Panel,
    Picture,
    Slider,
    Upload,
    blank_pictures,
    exact_axes,
    explore,
    to_bytes,
)
from lossconditioning.painting import FULL, SIDES, in_time
from lossconditioning.training.config import bfloat16_pays
from lossconditioning.training.devices import faster_in_half


def play(
    model: DynamicNet,
    photographs: Mapping[str, Tensor],
    *,
    labels: Mapping[str, str] | None = None,
    per_block: bool = False,
    beyond: float = 0.25,
) -> Panel:
    """A panel over α: a photograph, chosen or uploaded, and what becomes of it.

    With one set of blocks there is one slider, or one for each block; with several sets one for each. Two sliders make a pad:
    a point moves over the square that they span. While a slider moves the painting has as many of `painting.SIDES` pixels as
    this processor paints in time, which is tried out; once it is still, 256. Every frame says α.

    Args:
        model: a painter with its blocks.
        photographs: name → ``(3, H, W)`` in [0, 1], cut to the square in the middle.
        labels: set's name → what its slider says.
        per_block: a slider for each block of the one set.
        beyond: how far sliders go beyond 0 and 1.
    """
    sliders = _sliders(model, dict(labels or {}), per_block, beyond)
    stage = _Stage(model, {name: slider.label for name, slider in sliders.items()}, beyond)
    return explore(
        partial(stage.draw, stage.side),
        refine=partial(stage.draw, FULL),
        strip=4 if len(sliders) == 1 else 2,
        photographs=True,
        presets={f"all at {share:g}": dict.fromkeys(sliders, share) for share in (0.0, 0.5, 1.0)},
        **sliders,
        photograph=Upload(photographs, size=FULL, label="photograph"),
        alt=_alt(model, per_block),
    )


def _alt(model: DynamicNet, per_block: bool) -> str:
    if per_block:
        return (
            "A photograph and its painting, in which every block is turned on by a slider of its own: with all at 0 it is "
            "as the main network paints it, with all at 1 as if that had been trained for the other objective."
        )
    if len(model.sets) > 1:
        return (
            "A photograph and its painting, in which each of several sets of blocks is turned on by its slider; a point in "
            "a square says how far two of them are."
        )
    return (
        "A photograph and its painting: at α = 0 as the main network paints it, at 1 as if that had been trained for the other "
        "objective, and in between on the way from one to the other."
    )


def _sliders(model: DynamicNet, labels: dict[str, str], per_block: bool, beyond: float) -> dict[str, Slider]:
    if per_block:
        ((_, blocks),) = model.sets.items()
        said = {f"block_{number}": f"α behind {name}" for number, name in enumerate(blocks.at)}
    else:
        said = {name: labels.get(name, "α" if len(model.sets) == 1 else f"α of {name}") for name in model.sets}
    return {name: Slider(0.0, 1.0, value=0.0, beyond=beyond, label=label) for name, label in said.items()}


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, model: DynamicNet, labels: dict[str, str], beyond: float):
        self.model, self.labels, names = model, labels, list(labels)
        halfway = self.alpha(dict.fromkeys(names, 0.5))
        blank = {side: torch.zeros(1, 3, side, side) for side in SIDES}
        self.half = bfloat16_pays() and faster_in_half(lambda: model(blank[SIDES[-1]], alpha=halfway))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            self.side = in_time(lambda side: model(blank[side], alpha=halfway))
        pad = len(names) == 2
        made, axes = exact_axes(2 + pad, FULL, below=28)
        self.shown = blank_pictures(axes[:2], FULL, titles=("photograph", "painted"))
        below = offset_copy(axes[0].transAxes, made, 0, -6, units="dots")
        self.said = axes[0].text(0, 0, "", transform=below, va="top", size=11)
        self.point = self._pad(axes[2], list(labels.values()), beyond) if pad else []
        self.live = LiveFigure(made, [self.shown[1], *self.point, self.said])
        self.photograph: Picture | None = None  # on show
        self.unmoved = lru_cache(4)(self._unmoved)

    @staticmethod
    def _pad(axis: Axes, labels: list[str], beyond: float) -> list[Line2D]:
        """The square that two α span; returns the point in it."""
        left, bottom, width, height = axis.get_position().bounds
        axis.set_position([left + 0.24 * width, bottom + 0.12 * height, 0.76 * width, 0.76 * height])  # room for labels
        axis.set(xlim=(-beyond, 1 + beyond), ylim=(-beyond, 1 + beyond), title="α of both")
        axis.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axis.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
        axis.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color=COLORS["baseline"], lw=1)  # what was trained, and between
        return axis.plot([0], [0], "o", ms=9, color=COLORS["conditional"])

    def alpha(self, alphas: Mapping[str, float]):
        """What sliders say, as `DynamicNet.forward` takes it."""
        if set(self.labels) == set(self.model.sets):
            return dict(alphas)
        return {next(iter(self.model.sets)): tuple(alphas[name] for name in self.labels)}

    def paint(self, given: Tensor, alphas: Mapping[str, float]) -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.half and given.shape[-1] < FULL):
            return self.model(given, alpha=self.alpha(alphas)).float()

    def _unmoved(self, photograph: Picture, side: int) -> tuple[Tensor, Tensor]:
        """A photograph, ``(1, 3, side, side)``, and its painting with every α at 0."""
        given = F.interpolate(photograph.pixels[None], (side, side), mode="area")
        return given, self.paint(given, dict.fromkeys(self.labels, 0.0))

    def draw(self, side: int, /, photograph: Picture, **alphas: float) -> tuple[bytes, dict[str, str]]:
        """A frame, painted at a size, and the numbers below it."""
        given, unmoved = self.unmoved(photograph, side)
        painted = self.paint(given, alphas)
        large = painted if side == FULL else F.interpolate(painted, (FULL, FULL), mode="bilinear")
        self.shown[1].set_data(to_bytes(large[0]))
        for point in self.point:
            point.set_data(*([alphas[name]] for name in self.labels))
        self.said.set_text("     ".join(f"{label} = {alphas[name]:.2f}" for name, label in self.labels.items()))
        if photograph != self.photograph:
            self.photograph = photograph
            self.shown[0].set_data(to_bytes(photograph.pixels))
            self.live.redraw()
        compared = {"mean change of a pixel from the photograph, %": given, "from the painting at α = 0, %": unmoved}
        # Three digits, for a step of the slider may change no more than the last of them.
        change = {said: f"{100 * float((painted - other).abs().mean()):.3f}" for said, other in compared.items()}
        return self.live.frame(), change
