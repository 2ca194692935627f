"""The toy's slider panel: turn the weight from regression to classification and watch the network follow."""

from __future__ import annotations

import torch
from torch import nn

from lossconditioning.datasets import sym_toy
from lossconditioning.datasets.sym_toy import h
from lossconditioning.display import COLORS, LINES, LiveFigure, Panel, Slider, explore, figure
from lossconditioning.losses import weighted
from lossconditioning.systems.toy.task import losses, optimal_terms, optimum

BEYOND = 0.2  # S = (1.2, -0.2) is the far end of the slider
_POINTS = 801


def play(model: nn.Module) -> Panel:
    """A panel over the weight s₁ on regression (s₂ = 1 − s₁): the curve, the optimum, and the three losses.

    Args:
        model: one network of the toy, ``model(x, lam)``.
    """
    x, y_r, y_c = sym_toy(_POINTS)
    live, curve, best, title, bars, marks = _stage(x, y_r, y_c)

    @torch.no_grad()
    def render(s1: float):
        lam = torch.tensor([s1, 1 - s1])
        logit = model(x, lam.expand(_POINTS, 2))
        curve.set_ydata(logit.sigmoid().squeeze(1))
        values = {name: value.mean() for name, value in losses(logit, y_r, y_c).items()}
        values["objective"] = weighted({k: v.view(1) for k, v in values.items()}, lam.view(1, 2))[0]
        trained = 0 <= s1 <= 1
        best.set_visible(trained)
        marks.set_visible(trained)
        if trained:
            best.set_ydata(optimum(y_r, y_c, lam).squeeze(1))
            least = {name: value.mean() for name, value in optimal_terms(y_r, y_c, lam).items()}
            least["objective"] = weighted({k: v.view(1) for k, v in least.items()}, lam.view(1, 2).double())[0]
            marks.set_data([float(v) for v in least.values()], range(3))
        title.set_text(f"One network at S = ({s1:.2f}, {1 - s1:.2f})")
        for bar, value in zip(bars, values.values(), strict=True):
            bar.set_width(max(0.0, float(value)))
        return live.frame(), {
            "S": f"({s1:.2f}, {1 - s1:.2f})",
            **{f"L {name}" if name != "objective" else name: float(value) for name, value in values.items()},
            "regret": float(values["objective"] - least["objective"]) if trained else "not defined",
        }

    return explore(
        render,
        s1=Slider(0.0, 1.0, value=0.5, beyond=BEYOND, label="weight on regression s₁"),
        alt="One network's output over x as the weight moves from classification (a step function between 0 and 1) to "
        "regression (the smooth polynomial g), with the best possible curve dotted, and bars of the three losses.",
    )


def _stage(x, y_r, y_c):
    """The still parts of the picture, and the artists that move."""
    made, (left, right) = figure(2, size=(8.4, 3.0), width_ratios=[2.2, 1])
    flat = x.squeeze(1)
    left.plot(flat, y_r.squeeze(1), color=COLORS["data"], ls=LINES["data"], lw=1, label="g(x), regression target")
    left.plot(flat, h(flat), color=COLORS["data"], lw=1, ls=(0, (1, 3)), label="h(x); class 1 where g < h")
    left.fill_between(flat, 0, 1, where=y_c.squeeze(1) > 0.5, color=COLORS["data"], alpha=0.12, lw=0)
    (best,) = left.plot(flat, flat * 0, color=COLORS["optimum"], ls=LINES["optimum"], label="optimum")
    (curve,) = left.plot(flat, flat * 0, color=COLORS["conditional"], lw=2.2, label="network")
    left.set(xlim=(-1, 1), ylim=(-0.05, 1.3), yticks=[0, 0.25, 0.5, 0.75, 1], xlabel="x", ylabel="output p", title=" ")
    left.legend(loc="upper left", fontsize=8, ncols=2)
    title = left.set_title("One network", loc="left")
    names = ["regression", "classification", "objective"]
    bars = right.barh(range(3), [0, 0, 0], height=0.55, color=COLORS["conditional"])
    (marks,) = right.plot([0, 0, 0], range(3), "|", color=COLORS["optimum"], ms=22, mew=2)
    right.set(xlim=(0, 0.45), yticks=range(3), yticklabels=names, title="Its losses (│ optimum)")
    right.invert_yaxis()
    return LiveFigure(made, [best, curve, title, *bars, marks]), curve, best, title, bars, marks
