"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lossconditioning.display import COLORS, figure, look
from lossconditioning.evaluation import as_curve
from lossconditioning.evaluation.alphas import ALPHAS

METHODS = {
    "completion": ("conditional", "tuning blocks, α from 0 to 1"),
    "completion_pictures": ("baseline", "blended pictures"),
}
"""Prefix of a method's metrics → its role and its name in legends."""
MEASURES = {
    "l1": "L1 in the hole ↓",
    "ssim": "SSIM in the hole ↑",
    "distance": "feature distance ↓",
    "realism": "critic's logit ↑",
}
"""Measure of completions → what its panel says, and which way is better."""


def completions(metrics: Mapping[str, float]) -> Figure:
    """Four measures of completed pictures against α, by tuning blocks and by blended pictures (Figure 7, in numbers)."""
    made, axes = figure(len(MEASURES), size=(11.5, 3.1))
    for axis, (name, said) in zip(axes, MEASURES.items(), strict=True):
        for prefix, (role, label) in METHODS.items():
            (values,) = as_curve(metrics, prefix, [f"{name}_alpha"]).values()
            axis.plot(ALPHAS, values, label=label, **look(role))
        axis.set(xlabel="α", title=said)
    axes[0].legend(fontsize=7)
    return made


def own_alphas(metrics: Mapping[str, float]) -> Figure:
    """For how many pictures each α completes best, by tuning blocks and by blended pictures."""
    made, (axis,) = figure(size=(6.4, 3))
    for offset, hatch, (prefix, (role, label)) in zip((-0.02, 0.02), ("", "//"), METHODS.items(), strict=True):
        (counts,) = as_curve(metrics, prefix, ["own_alpha_count"]).values()
        axis.bar(
            np.array(ALPHAS) + offset, counts.tolist(), 0.036, color=COLORS[role], hatch=hatch, ec="w", label=label
        )
    axis.set(xlabel="α with the smallest feature distance", ylabel="pictures", title="the best α of each picture")
    axis.set_xticks(ALPHAS)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8)
    return made
