"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.datasets import sym_toy
from lossconditioning.display import COLORS, LINES, figure
from lossconditioning.losses import weighted
from lossconditioning.systems.toy.task import losses, optimum
from lossconditioning.training import Ensemble

_POINTS = 801


@torch.no_grad()
def outputs(model: Ensemble, lam: Tensor, points: int = _POINTS) -> Tensor:
    """p(x) of every member at one weight vector, shape ``(M, points)``."""
    x = sym_toy(points)[0].expand(len(model), -1, -1)
    return model(x, lam.expand(len(model), points, 2)).sigmoid().squeeze(-1)


def loss_map(lam: Tensor, rows: int = 200) -> Tensor:
    """The weighted loss of answering p at x, for the colour maps of Figure 5; shape ``(rows, points)``, p from 0 to 1."""
    _, y_r, y_c = sym_toy(_POINTS)
    p = torch.linspace(0.002, 0.998, rows).unsqueeze(1)
    logit = p.logit().unsqueeze(-1).expand(rows, _POINTS, 1)
    return weighted(losses(logit, y_r, y_c.expand_as(logit)), lam.expand(rows, _POINTS, 2))


def color_maps(curves: Mapping[str, Sequence[Tensor]], weights: Tensor) -> Figure:
    """Figure 5: the loss of every answer as a colour map, one panel per weight vector, with outputs drawn on top.

    Args:
        curves: label → one output curve per weight vector, each ``(801,)``; drawn in the colours of the course.
        weights: the weight vectors, shape ``(G, 2)``.
    """
    made, axes = figure(len(weights), size=(11, 3.9), sharey=True)
    x, y_r, y_c = sym_toy(_POINTS)
    roles = ("conditional", "fixed", "baseline")
    for axis, lam, *lines in zip(axes, weights, *curves.values(), strict=True):
        values = loss_map(lam)
        axis.imshow(
            values.clamp(max=float(values.quantile(0.97))),
            origin="lower",
            extent=(-1, 1, 0, 1),
            aspect="auto",
            cmap="Greys",
            alpha=0.75,
        )
        axis.plot(x, optimum(y_r, y_c, lam), color=COLORS["optimum"], ls=LINES["optimum"], label="optimum")
        for (label, _), line, role in zip(curves.items(), lines, roles, strict=True):
            axis.plot(x, line, color=COLORS[role], ls=LINES[role], label=label)
        axis.set(title=f"S = ({lam[0]:g}, {lam[1]:g})", xlabel="x", ylim=(-0.02, 1.02))
    axes[0].set_ylabel("output p")
    made.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return made
