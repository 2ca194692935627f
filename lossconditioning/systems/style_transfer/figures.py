"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.systems.style_transfer.task import WEIGHTS, settings

BARS = {"single": ("baseline", ".."), "fixed": ("fixed", "//"), "yoto": ("conditional", "")}
"""Figure 6a's methods → role for their colour, and hatching, by which they are told apart without."""
LABELS = {
    "fixed": "fixed-weight models",
    "yoto": "one network, told five weights",
    "specialist": "one network, told λ_c",
    "interpolation": "mixed pictures",
    "single": "model of the default weights",
}
"""Method → its name in legends."""
ROLES = {"fixed": "fixed", "yoto": "conditional", "specialist": "accent", "interpolation": "baseline"}


def setting_bars(metrics: Mapping[str, float]) -> Figure:
    """Figure 6a: the full loss of three methods under ten settings, as bars."""
    names = list(settings())
    made, (axis,) = figure(size=(10.5, 3.8))
    for offset, (method, (role, hatch)) in zip((-0.27, 0.0, 0.27), BARS.items(), strict=True):
        values = [metrics[f"fig6a_{method}_{name}"] for name in names]
        places = np.arange(len(names)) + offset
        axis.bar(places, values, 0.26, color=COLORS[role], hatch=hatch, ec="w", label=LABELS[method])
    said = [name.replace("_low", " ÷ 10").replace("_high", " × 10").replace("_", " ") for name in names]
    axis.set_xticks(range(len(names)), said, fontsize=8)
    axis.tick_params(axis="x", rotation=30)
    axis.set(yscale="log", ylabel="full loss (log scale)", title="full loss when one weight changes tenfold")
    for put in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        put(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "1246" else "")  # plain numbers, not powers of ten
    axis.legend(fontsize=8)
    return made


def content_style_plot(curves: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Figure 6b: content loss against the sum of style losses, see `content_style_curves`."""
    made, (axis,) = figure(size=(6.4, 4.2))
    for method, values in curves.items():
        axis.plot(values["content"], values["style"], label=LABELS[method], **look(ROLES[method], size=5))
    axis.set(xlabel="content loss", ylabel="sum of style losses", title="content against style, λ_c from 0.2 to 20")
    axis.legend(fontsize=8)
    return made


def sensitivity_map(changes: Tensor) -> Figure:
    """Which weight changes which loss, ``(5, 5)``: see `sensitivities`."""
    made, (axis,) = figure(size=(5.6, 4.2))
    changes = np.asarray(changes)
    reach = np.abs(changes).max()
    shown = axis.imshow(changes, cmap="RdBu_r", vmin=-reach, vmax=reach)
    for (row, column), change in np.ndenumerate(changes):
        color = "w" if abs(change) > 0.6 * reach else "k"
        axis.text(column, row, f"{change:+.2f}", ha="center", va="center", color=color, fontsize=8)
    names = [name.replace("_", " ") for name in WEIGHTS]
    axis.set_xticks(range(5), names, fontsize=8)
    axis.set_yticks(range(5), names, fontsize=8)
    axis.set(xlabel="loss", ylabel="weight, × 100", title="log₁₀ of the factor the loss changes by")
    made.colorbar(shown, ax=axis, shrink=0.8)
    return made
