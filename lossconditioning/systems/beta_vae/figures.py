"""The notebook's larger figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.systems.beta_vae.task import Values, full_loss


def frontiers(curves: Mapping[str, tuple[str, Sequence[Values]]], grid: Tensor, title: str) -> Figure:
    """Figure 2: the frontier, and the full loss minus that of the separate networks.

    Args:
        curves: label → (role for its colour, the frontiers of all seeds). The mean of role "fixed" over its seeds is what
            all are compared with; a line is a mean over seeds, a band spans them.
        grid: β, ``(G,)``.
    """
    made, (left, right) = figure(2, size=(10.5, 3.6))
    fixed = [full_loss(values, grid) for role, seeds in curves.values() if role == "fixed" for values in seeds]
    reference = torch.stack(fixed).mean(0)
    for label, (role, seeds) in curves.items():
        style = {**look(role), "label": label}
        rate, distortion = (torch.stack([v[name] for v in seeds]).mean(0) for name in ("kl", "reconstruction"))
        left.plot(rate, distortion, **style)
        difference = torch.stack([full_loss(values, grid) for values in seeds]) - reference
        right.plot(grid, difference.mean(0), **style)
        if len(seeds) > 1:
            right.fill_between(grid, difference.amin(0), difference.amax(0), color=COLORS[role], alpha=0.2, lw=0)
    left.set(xscale="symlog", xlabel="KL (nats, log scale)", ylabel="reconstruction (nats)", title=f"{title}: frontier")
    right.set(xscale="log", xlabel="β", ylabel="L(β) minus separate", title="full loss against separate networks")
    right.set_yscale("symlog", linthresh=100)
    left.legend(fontsize=8)
    return made
