"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.evaluation import as_curve
from lossconditioning.evaluation.alphas import ALPHAS
from lossconditioning.systems.dynamic_style.comparisons import Curve

ROLES = {
    "fixed": "fixed",
    "dynamic": "conditional",
    "conditional": "accent",
    "two": "accent",
    "weights": "data",
    "pictures": "baseline",
}
"""Method → role for its colour."""
LABELS = {
    "fixed": "fixed networks, one for each λ",
    "dynamic": "tuning blocks, α from 0 to 1",
    "conditional": "one network told λ",
    "two": "two sets of instance norms",
    "weights": "blended weights",
    "pictures": "blended pictures",
}
"""Method → its name in legends."""
GAPS = {"middle": "to the middle λ", "weak": "to the smallest λ", "none": "to content alone"}
"""Gap that blocks lead back over → what its panel says."""


def curves(
    metrics: Mapping[str, float], prefix: str, methods: Iterable[str], terms: Sequence[str] = ("content", "style")
) -> dict[str, Curve]:
    """Recorded curves, ``PREFIX_METHOD_TERM_I``: method → term → its points; methods that were not measured are left out."""
    found = {method: as_curve(metrics, f"{prefix}_{method}", terms) for method in methods}
    return {method: values for method, values in found.items() if all(map(len, values.values()))}


def _draw(axis: Axes, found: Mapping[str, Curve], across: str, up: str) -> None:
    """Curves of two terms, a marker on every point."""
    for method, values in found.items():
        axis.plot(values[across], values[up], label=LABELS[method], **look(ROLES[method], 4.5))


def strength(metrics: Mapping[str, float]) -> Figure:
    """Content against style on the way from λ₀ to λ₁, and the grid of one α for each block if it was measured (Figure 3)."""
    made, (axis,) = figure(size=(6.8, 4.4))
    for point in curves(metrics, "style", ["grid"]).values():
        said = "tuning blocks, one α for each"
        axis.plot(point["content"], point["style"], ".", ms=3, color="#56B4E9", label=said)
    _draw(
        axis, curves(metrics, "style", ("fixed", "dynamic", "conditional", "weights", "pictures")), "content", "style"
    )
    for point in curves(metrics, "style", ["long"]).values():
        said = "fixed, λ₁, trained as long as both phases"
        axis.plot(point["content"], point["style"], "*", ms=13, color=COLORS["fixed"], label=said)
    axis.set(xlabel="content loss", ylabel="style loss", title="content against style, from λ₀ to λ₁")
    axis.legend(fontsize=8)
    return made


def two_styles(metrics: Mapping[str, float]) -> Figure:
    """The losses of two styles against each other, and content along the way (Figure 4)."""
    found = curves(metrics, "styles", ("dynamic", "two", "pictures"), ("content", "style", "other"))
    made, axes = figure(2, size=(9.6, 3.7))
    _draw(axes[0], found, "style", "other")
    axes[0].set(xlabel="loss of the first style", ylabel="loss of the second", title="between two styles")
    axes[0].legend(fontsize=8)
    for method, values in found.items():
        axes[1].plot(ALPHAS, values["content"], **look(ROLES[method], 4.5))
    axes[1].set(xlabel="α", ylabel="content loss", title="what is kept of the photograph")
    return made


def failure(metrics: Mapping[str, float]) -> Figure:
    """Tuning blocks against blended pictures over three gaps (Figure 8)."""
    made, axes = figure(len(GAPS), size=(10.5, 3.4))
    fixed = curves(metrics, "style", ["fixed"])
    for axis, (gap, said) in zip(axes, GAPS.items(), strict=True):
        _draw(axis, {**fixed, **curves(metrics, f"back_{gap}", ("dynamic", "pictures"))}, "content", "style")
        axis.set(xlabel="content loss", title=said)
    axes[0].set(ylabel="style loss")
    axes[0].legend(fontsize=8, loc="upper right")
    return made


def arrows(ways: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """The toy's two losses, one panel for each gap: method → points ``(P, 2)``, "optimum" among them."""
    made, axes = figure(len(ways), size=(4.3 * len(ways), 3.3))
    named = {"optimum": "the best there is", "dynamic": LABELS["dynamic"], "pictures": "blended outputs"}
    for axis, (title, found) in zip(axes, ways.items(), strict=True):
        for method, points in found.items():
            first, second = torch.as_tensor(points).T
            (line,) = axis.plot(first, second, label=named[method], **look(ROLES.get(method, method)))
            if method == "optimum":
                line.set_linestyle("none")  # between its points it may jump
        axis.set(xlabel="first loss", title=title)
    axes[0].set(ylabel="second loss")
    axes[0].legend(fontsize=8)
    return made
