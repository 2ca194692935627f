"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, LINES, figure, picture_grid
from lossconditioning.systems.dynamic_faces.models import pixels
from lossconditioning.systems.dynamic_faces.turns import Turn


def scores(turns: Sequence[Turn]) -> Figure:
    """What a classifier says of generated faces: one column for each set of blocks.

    Above, means over people as α grows, one line for each attribute; named are the attribute that is meant and the other that
    moves most between α = 0 and 1. Below, each person by themselves: by how much the probability of every attribute has changed
    at α = 1, on average, and the share of people for whom the verdict flips.
    """
    made, axes = figure(len(turns), 2, size=(4.6 * len(turns), 6.2))
    for number, turn in enumerate(turns):
        _means(axes[number], turn)
        _people(axes[len(turns) + number], turn)
    axes[0].set(ylabel="mean probability")
    return made


def _means(axis: Axes, turn: Turn) -> None:
    meant = turn.names.index(turn.attribute)
    between = turn.probability[(turn.alphas >= 0) & (turn.alphas <= 1)]
    moved = between.amax(0) - between.amin(0)
    moved[meant] = -1
    most = int(moved.argmax())
    for number, name in enumerate(turn.names):
        values = turn.probability[:, number]
        (line,) = axis.plot(turn.alphas, values, color=COLORS["data"], ls=LINES["data"], lw=0.8)
        if number in (meant, most):
            role = "conditional" if number == meant else "accent"
            line.set(color=COLORS[role], ls=LINES[role], lw=2.6 if number == meant else 1.6)
            line.set_label(name.replace("_", " "))
    axis.axvspan(0, 1, color="#F0F0F0", zorder=0)
    axis.set(xlabel="α", ylim=(-0.04, 1.04), title=f"blocks for {turn.attribute.replace('_', ' ')}")
    axis.legend(fontsize=8, loc="upper left")


def _people(axis: Axes, turn: Turn) -> None:
    names = [name.replace("_", " ") for name in turn.names]
    colors = [COLORS["conditional" if name == turn.attribute else "accent"] for name in turn.names]
    bars = axis.barh(names, list(turn.changes.values()), color=colors)
    axis.bar_label(bars, [f"{100 * share:.0f} % flip" for share in turn.flips.values()], padding=3, fontsize=8)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.25), xticks=(0, 0.5, 1), xlabel="mean change of a person's probability")


def face_sheet(sheet: Tensor, columns: Sequence[str], rows: Sequence[str] = (), side: float = 0.95) -> Figure:
    """People, or settings, in rows, settings in columns: ``(N, P, 3, 64, 64)`` in [−1, 1]."""
    labels = rows or [" " * number for number in range(len(sheet))]
    named = {label: list(pixels(row)) for label, row in zip(labels, sheet, strict=True)}
    return picture_grid(named, columns, side=side)
