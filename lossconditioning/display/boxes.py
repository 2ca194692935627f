"""Boxes and arrows, of which drawings of networks are made."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lossconditioning.display.figures import COLORS, figure

LAYER = "#f0f0f0"
"""Fill of a layer that knows of no weights."""
TOLD = "#d6e8f5"
"""Fill of what reads the weights."""
OTHER = "#f9e2d3"
"""Fill of what helps the network, or works against it."""


def canvas(width: float, height: float, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Empty axes from (0, 0) to (width, height), in a figure of ``size`` inches."""
    made, (axis,) = figure(size=size)
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    return made, axis


def box(axis: Axes, x: float, y: float, wide: float, high: float, label: str, color: str = LAYER) -> None:
    """A rounded box, its lower left corner at (x, y), with a label in the middle."""
    axis.add_patch(FancyBboxPatch((x, y), wide, high, "round,pad=0,rounding_size=0.12", fc=color, ec="#595959", lw=0.9))
    axis.text(x + wide / 2, y + high / 2, label, ha="center", va="center", size=8)


def arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], color: str = COLORS["data"]) -> None:
    """An arrow from one place to another."""
    axis.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
    )
