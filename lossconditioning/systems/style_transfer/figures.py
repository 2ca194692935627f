"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.systems.style_transfer.task import WEIGHTS, settings

LABELS = {
    "fixed": "fixed-weight models",
    "yoto": "one network, told five weights",
    "specialist": "one network, told λ_c",
    "interpolation": "mixed pictures",
    "single": "model of the default weights",
}
"""Method → its name in legends."""
ROLES = {
    "fixed": "fixed",
    "yoto": "conditional",
    "specialist": "accent",
    "interpolation": "baseline",
    "single": "baseline",
}


def setting_dots(metrics: Mapping[str, float]) -> Figure:
    """Figure 6a: the full loss of two methods under ten settings, over that of the network trained for the setting."""
    names = list(settings())
    made, (axis,) = figure(size=(8.5, 4.2))
    axis.axvline(1.0, label=LABELS["fixed"], color=COLORS["fixed"], ls="--", lw=1.4)
    places = np.arange(len(names))
    for method in ("yoto", "single"):
        ratios = [metrics[f"fig6a_{method}_{name}"] / metrics[f"fig6a_fixed_{name}"] for name in names]
        axis.plot(ratios, places, label=LABELS[method], **{**look(ROLES[method], size=7), "ls": "none"})
    said = [name.replace("_low", " ÷ 10").replace("_high", " × 10").replace("_", " ") for name in names]
    axis.set_yticks(places, said)
    axis.invert_yaxis()
    axis.grid(axis="y", color="#e6e6e6", lw=0.8)
    axis.set(xlabel="full loss, over that of the network trained for the setting", title="one weight changes tenfold")
    axis.legend(fontsize=8, loc="upper right")
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
