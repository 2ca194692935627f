"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor
from torchvision.io import write_png

from lossconditioning.datasets import photographs
from lossconditioning.display import COLORS, LINES, MARKERS, figure
from lossconditioning.evaluation import Evaluation
from lossconditioning.systems.dynamic_net import completion, faces, stylisation
from lossconditioning.systems.dynamic_net.alphas import ALPHAS
from lossconditioning.systems.dynamic_net.claims import claims
from lossconditioning.systems.dynamic_net.evaluation import evaluate, load, recorded_evaluation
from lossconditioning.systems.dynamic_net.recipes import experiments
from lossconditioning.systems.style_transfer.figures import picture_grid

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
MEASURES = {
    "l1": "L1 in the hole ↓",
    "ssim": "SSIM in the hole ↑",
    "distance": "feature distance ↓",
    "realism": "critic's logit ↑",
}
"""Measure of completions → what its panel says, and which way is better."""
GAPS = {
    "middle": "to the middle λ",
    "weak": "to the smallest λ",
    "none": "to content alone",
}
Curve = dict[str, list[float]]


def evaluation(profile: str, folder: Path | None) -> Evaluation:
    """What the notebook's numbers come from.

    Args:
        profile: "demo": the recorded result; "smoke": one photograph, two faces and random filters, to exercise every line;
            others: everything is measured anew.
        folder: of the finished checkpoints.
    """
    if profile == "demo":
        return recorded_evaluation()
    if profile != "smoke":
        return evaluate(folder)
    configs = experiments("smoke")
    trained = {name: load(name, folder).model for name in configs}
    with TemporaryDirectory() as one:
        write_png(photographs()["chelsea"], str(Path(one) / "chelsea.png"))
        painted = stylisation.evaluate(trained.__getitem__, configs["style_blocks"], Path(one))
    drawn = faces.evaluate_faces(trained.__getitem__, {name: configs[name] for name in faces.experiments("smoke")})
    completed = completion.evaluate_completion(trained.__getitem__, configs["hole_sharp"], count=2)
    for number in ("monotonicity", "shift"):
        drawn[f"face_{number}"] = min(drawn[f"face_{number}_{attribute}"] for attribute in faces.TURNED.values())
    metrics = {**painted, **drawn, **completed}
    return Evaluation(str(folder), metrics, claims(metrics))


def curves(metrics: Mapping[str, float], prefix: str, methods: Iterable[str], terms: Sequence[str]) -> dict[str, Curve]:
    """Recorded curves, ``PREFIX_METHOD_TERM_I``: method → term → its points; methods that were not measured are left out."""
    found = {}
    for method in methods:
        points = {term: _points(metrics, f"{prefix}_{method}_{term}_") for term in terms}
        if all(points.values()):
            found[method] = points
    return found


def _points(metrics: Mapping[str, float], prefix: str) -> list[float]:
    count = sum(1 for name in metrics if name.startswith(prefix) and name.removeprefix(prefix).isdigit())
    return [metrics[f"{prefix}{i}"] for i in range(count)]


def _draw(axis, found: Mapping[str, Curve], across: str, up: str) -> None:
    """Curves of two terms, a marker on every point."""
    for method, values in found.items():
        role = ROLES[method]
        style = {"color": COLORS[role], "ls": LINES[role], "marker": MARKERS[role], "ms": 4.5}
        axis.plot(values[across], values[up], label=LABELS[method], **style)


def strength(metrics: Mapping[str, float]) -> Figure:
    """Content against style on the way from λ₀ to λ₁, and the grid of one α for each block if it was measured (Figure 3)."""
    made, (axis,) = figure(size=(6.8, 4.4))
    grid = curves(metrics, "style", ["grid"], ("content", "style"))
    if grid:
        axis.plot(
            grid["grid"]["content"],
            grid["grid"]["style"],
            ".",
            ms=3,
            color="#56B4E9",
            label="tuning blocks, one α for each",
        )
    methods = ("fixed", "dynamic", "conditional", "weights", "pictures")
    _draw(axis, curves(metrics, "style", methods, ("content", "style")), "content", "style")
    for point in curves(metrics, "style", ["long"], ("content", "style")).values():
        axis.plot(
            point["content"],
            point["style"],
            "*",
            ms=13,
            color=COLORS["fixed"],
            label="fixed, λ₁, trained as long as both phases",
        )
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
        role = ROLES[method]
        axes[1].plot(ALPHAS, values["content"], color=COLORS[role], ls=LINES[role], marker=MARKERS[role], ms=4.5)
    axes[1].set(xlabel="α", ylabel="content loss", title="what is kept of the photograph")
    return made


def failure(metrics: Mapping[str, float]) -> Figure:
    """Tuning blocks against blended pictures over three gaps (Figure 8)."""
    made, axes = figure(len(GAPS), size=(10.5, 3.4))
    fixed = curves(metrics, "style", ["fixed"], ("content", "style"))
    for axis, (gap, said) in zip(axes, GAPS.items(), strict=True):
        found = curves(metrics, f"back_{gap}", ("dynamic", "pictures"), ("content", "style"))
        _draw(axis, {**fixed, **found}, "content", "style")
        axis.set(xlabel="content loss", title=said)
    axes[0].set(ylabel="style loss")
    axes[0].legend(fontsize=8, loc="upper right")
    return made


def scores(turns: Sequence[faces.Turn]) -> Figure:
    """What a classifier says of generated faces as α grows: one panel for each set of blocks, one line for each attribute.

    Named are the attribute that is meant and the other that moves most between α = 0 and 1.
    """
    made, axes = figure(len(turns), size=(4.6 * len(turns), 3.5))
    for axis, turn in zip(axes, turns, strict=True):
        meant = turn.names.index(turn.attribute)
        between = turn.probability[(turn.alphas >= 0) & (turn.alphas <= 1)]
        moved = between.amax(0) - between.amin(0)
        moved[meant] = -1
        most = int(moved.argmax())
        for number, name in enumerate(turn.names):
            line = axis.plot(turn.alphas, turn.probability[:, number], color=COLORS["data"], ls=LINES["data"], lw=0.8)[
                0
            ]
            if number in (meant, most):
                role = "conditional" if number == meant else "accent"
                line.set(color=COLORS[role], ls=LINES[role], lw=2.6 if number == meant else 1.6)
                line.set_label(name.replace("_", " "))
        axis.axvspan(0, 1, color="#F0F0F0", zorder=0)
        axis.set(xlabel="α", ylim=(-0.04, 1.04), title=f"blocks for {turn.attribute.replace('_', ' ')}")
        axis.legend(fontsize=8, loc="upper left")
    axes[0].set(ylabel="mean probability")
    return made


def face_sheet(sheet: Tensor, columns: Sequence[str], rows: Sequence[str] = (), side: float = 0.95) -> Figure:
    """People, or settings, in rows, settings in columns: ``(N, P, 3, 64, 64)`` in [−1, 1]."""
    labels = rows or [" " * number for number in range(len(sheet))]
    named = {label: list(faces.pixels(row)) for label, row in zip(labels, sheet, strict=True)}
    return picture_grid(named, columns, side=side)


def completions(metrics: Mapping[str, float]) -> Figure:
    """Four measures of completed pictures against α, by tuning blocks and by blended pictures (Figure 7, in numbers)."""
    made, axes = figure(len(MEASURES), size=(11.5, 3.1))
    for axis, (name, said) in zip(axes, MEASURES.items(), strict=True):
        for method, prefix in (("dynamic", "completion"), ("pictures", "completion_pictures")):
            values, role = _points(metrics, f"{prefix}_{name}_alpha_"), ROLES[method]
            axis.plot(
                ALPHAS, values, color=COLORS[role], ls=LINES[role], marker=MARKERS[role], ms=4, label=LABELS[method]
            )
        axis.set(xlabel="α", title=said)
    axes[0].legend(fontsize=7)
    return made


def own_alphas(metrics: Mapping[str, float]) -> Figure:
    """For how many pictures each α completes best, by tuning blocks and by blended pictures."""
    made, (axis,) = figure(size=(6.4, 3))
    for offset, (method, prefix) in zip(
        (-0.02, 0.02), (("dynamic", "completion"), ("pictures", "completion_pictures")), strict=True
    ):
        counts = _points(metrics, f"{prefix}_own_alpha_count_")
        hatch = "" if method == "dynamic" else "//"
        places = np.array(ALPHAS) + offset
        axis.bar(places, counts, 0.036, color=COLORS[ROLES[method]], hatch=hatch, ec="w", label=LABELS[method])
    axis.set(xlabel="α with the smallest feature distance", ylabel="pictures", title="the best α of each picture")
    axis.set_xticks(ALPHAS)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8)
    return made


def arrows(ways: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """The toy's two losses, one panel for each gap: method → points ``(P, 2)``, "optimum" among them."""
    made, axes = figure(len(ways), size=(4.3 * len(ways), 3.3))
    named = {"optimum": "the best there is", "dynamic": LABELS["dynamic"], "pictures": "blended outputs"}
    for axis, (title, found) in zip(axes, ways.items(), strict=True):
        for method, points in found.items():
            role = ROLES.get(method, method)
            first, second = torch.as_tensor(points).T
            line = "none" if method == "optimum" else LINES[role]  # between its points it may jump
            axis.plot(first, second, color=COLORS[role], ls=line, marker=MARKERS[role], ms=4, label=named[method])
        axis.set(xlabel="first loss", title=title)
    axes[0].set(ylabel="second loss")
    axes[0].legend(fontsize=8)
    return made
