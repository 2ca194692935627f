"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, LINES, MARKERS, figure
from lossconditioning.systems.style_transfer.task import WEIGHTS, settings

METHODS = {"single": "baseline", "fixed": "fixed", "yoto": "conditional"}
"""Figure 6a's methods → role for their colour."""
_HATCHES = {"single": "..", "fixed": "//", "yoto": ""}  # told apart without colours, too
LABELS = {
    "fixed": "fixed-weight models",
    "yoto": "one network, told five weights",
    "specialist": "one network, told λ_c",
    "interpolation": "mixed pictures",
    "single": "model of the default weights",
}
"""Method → its name in legends."""
ROLES = {"fixed": "fixed", "yoto": "conditional", "specialist": "accent", "interpolation": "baseline"}


def figure_6a(metrics: Mapping[str, float]) -> Figure:
    """The full loss of three methods under ten settings, as bars."""
    names = list(settings())
    made, (axis,) = figure(size=(10.5, 3.8))
    places = np.arange(len(names))
    for offset, (method, role) in zip((-0.27, 0.0, 0.27), METHODS.items(), strict=True):
        values = [metrics[f"fig6a_{method}_{name}"] for name in names]
        axis.bar(
            places + offset, values, 0.26, color=COLORS[role], hatch=_HATCHES[method], ec="w", label=LABELS[method]
        )
    said = [name.replace("_low", " ÷ 10").replace("_high", " × 10").replace("_", " ") for name in names]
    axis.set_xticks(places, said, fontsize=8)
    axis.tick_params(axis="x", rotation=30)
    axis.set(yscale="log", ylabel="full loss (log scale)", title="full loss when one weight changes tenfold")
    for put in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        put(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "1246" else "")  # plain numbers, not powers of ten
    axis.legend(fontsize=8)
    return made


def figure_6b(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Content loss against the sum of style losses: method → {"content", "style"}."""
    made, (axis,) = figure(size=(6.4, 4.2))
    for method, values in curves.items():
        style = {"color": COLORS[ROLES[method]], "ls": LINES[ROLES[method]], "marker": MARKERS[ROLES[method]], "ms": 5}
        axis.plot(values["content"], values["style"], label=LABELS[method], **style)
    axis.set(xlabel="content loss", ylabel="sum of style losses", title="content against style, λ_c from 0.2 to 20")
    axis.legend(fontsize=8)
    return made


def curves_6b(metrics: Mapping[str, float]) -> dict[str, dict[str, list[float]]]:
    """Figure 6b's curves out of the metrics of an `Evaluation`."""
    return {
        method: {term: [metrics[f"fig6b_{method}_{term}_{i}"] for i in range(5)] for term in ("content", "style")}
        for method in ROLES
    }


def sensitivity_map(changes: np.ndarray | Tensor) -> Figure:
    """Which weight changes which loss, ``(5, 5)``: see `evaluation.sensitivity`."""
    changes = np.asarray(changes)
    made, (axis,) = figure(size=(5.6, 4.2))
    reach = float(np.abs(changes).max())
    shown = axis.imshow(changes, cmap="RdBu_r", vmin=-reach, vmax=reach)
    for row, column in np.ndindex(changes.shape):
        dark = abs(changes[row, column]) > 0.6 * reach
        axis.text(
            column,
            row,
            f"{changes[row, column]:+.2f}",
            ha="center",
            va="center",
            color="w" if dark else "k",
            fontsize=8,
        )
    names = [name.replace("_", " ") for name in WEIGHTS]
    axis.set_xticks(range(5), names, fontsize=8)
    axis.set_yticks(range(5), names, fontsize=8)
    axis.set(xlabel="loss", ylabel="weight, × 100", title="log₁₀ of the factor the loss changes by")
    made.colorbar(shown, ax=axis, shrink=0.8)
    return made


def picture_grid(
    rows: Mapping[str, Sequence[Tensor]], columns: Sequence[str], side: float = 1.45, below: Sequence[str] = ()
) -> Figure:
    """Rows of pictures with labels, as in Figures 7 and 11.

    Args:
        rows: label → pictures ``(3, H, W)`` in [0, 1], one per column.
        columns: a label for each.
        side: inches per picture.
        below: labels for the last row, under its pictures.
    """
    count = len(columns)
    made, axes = figure(count, len(rows), size=(side * count + 1.2, side * len(rows) + 0.4))
    for index, (label, pictures) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            axis = axes[index * count + column]
            axis.imshow(to_bytes(picture), interpolation="antialiased")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if index == 0:
                axis.set_title(columns[column], fontsize=9, loc="center")
            if below and index == len(rows) - 1:
                axis.set_xlabel(below[column], fontsize=9)
            if column == 0:
                axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return made


def to_bytes(picture: Tensor) -> np.ndarray:
    """``(3, H, W)`` in [0, 1] as uint8 ``(H, W, 3)``."""
    return (255 * picture.detach().clamp(0, 1)).round().to(torch.uint8).permute(1, 2, 0).numpy()
