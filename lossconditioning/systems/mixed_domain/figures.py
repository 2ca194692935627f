"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor, nn

from lossconditioning.display import COLORS, LiveFigure, blank_pictures, figure, look, to_bytes
from lossconditioning.painting import middle_square
from lossconditioning.systems.mixed_domain.models import CONDITIONING
from lossconditioning.systems.mixed_domain.recipes import MIXED
from lossconditioning.systems.mixed_domain.settings import TABLE_3, letters

NAMES = {
    "ccam": "CCAM",
    "concatenation": "concatenation",
    "central_biasing": "central biasing",
    "film": "FiLM",
}
"""Way to tell S → its name in labels."""
PLACED = {"stem": "after the stem", "down": "after downsampling", "blocks": "after the residual blocks"}


def said(lam: Sequence[float]) -> str:
    """S in a label: "(½, ½, 0)"."""
    words = {0.5: "½", 0.25: "¼", 0.75: "¾", 1 / 3: "⅓"}
    return f"({', '.join(words.get(weight, f'{weight:g}') for weight in lam)})"


def table_dots(metrics: Mapping[str, float]) -> Figure:
    """Table 3: L_G and the three losses at seven S, of the one network and of separate ones; log scales."""
    made, axes = figure(4, size=(11.5, 3.4), sharey=True)
    places = np.arange(len(TABLE_3))
    for axis, loss in zip(axes, ("objective", *MIXED), strict=True):
        for offset, method, role, label in (
            (-0.12, "sym", "conditional", "one network, told S"),
            (0.12, "separate", "fixed", "a network for each S"),
        ):
            values = [metrics[f"table3_{method}_{loss}_{letters(lam)}"] for lam in TABLE_3]
            axis.plot(values, places + offset, label=label, **{**look(role, size=6), "ls": "none"})
        axis.set(xscale="log", title="weighted loss L_G" if loss == "objective" else f"{loss} loss")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(axis="y", color="#e6e6e6", lw=0.8)
    axes[0].set_yticks(places, [said(lam) for lam in TABLE_3])
    axes[0].invert_yaxis()
    axes[0].set_ylabel("S")
    axes[0].legend(fontsize=7)
    return made


def injection_bars(metrics: Mapping[str, float]) -> Figure:
    """Figures 8 and 11 in numbers: response, interference and mean weighted loss of four ways to tell S."""
    titles = {
        "response": "response to S ↑",
        "interference": "a domain of weight zero shows ↓",
        "objective": "mean weighted loss ↓",
    }
    made, axes = figure(len(titles), size=(10.5, 2.9), sharey=True)
    ways = list(CONDITIONING)
    colors = [COLORS["conditional" if way == "ccam" else "baseline"] for way in ways]
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        values = [metrics[f"{name}_{way}"] for way in ways]
        axis.barh([NAMES[way] for way in ways], values, color=colors, height=0.6)
        for row, value in enumerate(values):
            axis.text(max(value, 0), row, f" {round(value, 2) + 0.0:.2f}", va="center", fontsize=8)  # no "-0.00"
        axis.set(title=title)
        axis.margins(x=0.2)
    if "interference_separate" in metrics:
        line = metrics["interference_separate"]
        axes[1].axvline(line, color=COLORS["fixed"], ls="--", lw=1.4, label="separate networks")
        axes[1].legend(fontsize=7)
    axes[0].invert_yaxis()
    return made


def gate_curves(gates: Mapping[str, Tensor], lams: Sequence[tuple[float, ...]]) -> Figure:
    """Figure 10: how far each channel is let through at three places, for up to four S; see `channel_gates`.

    Channels stand by how far they are open under the first S.
    """
    made, axes = figure(len(gates), size=(11.5, 3.1), sharey=True)
    roles = ("conditional", "fixed", "baseline", "accent")
    for axis, (place, values) in zip(axes, gates.items(), strict=True):
        order = values[0].argsort(descending=True)
        for lam, row, role in zip(lams, values, roles, strict=False):
            axis.plot(row[order].numpy(), label=f"S = {said(lam)}", **{**look(role, size=3.5), "ls": "none"})
        axis.set(title=PLACED[place], xlabel="channel", ylim=(-0.03, 1.03))
    axes[0].set_ylabel("let through")
    made.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(lams), fontsize=8)
    return made


_CORNERS = np.array([[0.5, 0.75**0.5], [0.0, 0.0], [1.0, 0.0]])
"""Where S of one domain alone stands in a drawn triangle, as in the panel's: A on top, B at the left, C at the right."""


@torch.no_grad()
def walk(model: nn.Module, photograph: Tensor, lams: Tensor, names: Sequence[str], side: int = 160) -> list[bytes]:
    """A photograph translated under one S after the other, and where in the triangle each is: a JPEG for each.

    Args:
        photograph: uint8 ``(3, H, W)``; the square in its middle is shown.
        lams: ``(G, 3)``.
        names: of the corners A, B and C.
        side: pixels a side that it is translated in.
    """
    photo = middle_square(photograph, side)
    made, axes = figure(3, size=(5.4, 2.0), width_ratios=[1, 1, 0.9])
    still, moving = blank_pictures(axes[:2], side, titles=("photograph", "translated"))
    still.set_data(to_bytes(photo))
    axes[2].fill(*_CORNERS.T, fc="#f0f0f0", ec=COLORS["data"])
    for corner, name, offset in zip(_CORNERS, names, (0.1, -0.1, -0.1), strict=True):
        axes[2].text(corner[0], corner[1] + offset, name, ha="center", va="center", fontsize=8)
    axes[2].set(xlim=(-0.25, 1.25), ylim=(-0.15, 1.05), aspect="equal")
    axes[2].axis("off")
    (point,) = axes[2].plot([0], [0], "o", ms=9, color=COLORS["conditional"])
    live, frames = LiveFigure(made, [moving, point]), []
    for lam in lams:
        moving.set_data(to_bytes(model(photo[None], lam[None])[0]))
        place = lam.numpy() @ _CORNERS
        point.set_data(place[:1], place[1:])
        frames.append(live.frame())
    return frames
