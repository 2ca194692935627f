"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.systems.beta_vae.evaluation import box
from lossconditioning.systems.beta_vae.task import Values, full_loss


def frontiers(curves: Mapping[str, tuple[str, Sequence[Values]]], grid: Tensor, title: str) -> Figure:
    """Figure 2: the frontier, and the full loss minus that of the separate networks.

    Args:
        curves: label → (role for its colour, the frontiers of all seeds). Each seed is compared with the same seed of role
            "fixed", the separate networks; a line is a mean over seeds, a band spans them.
        grid: β, ``(G,)``.
    """
    made, (left, right) = figure(2, size=(10.5, 3.6))
    fixed = [full_loss(values, grid) for role, seeds in curves.values() if role == "fixed" for values in seeds]
    for label, (role, seeds) in curves.items():
        style = {**look(role), "label": label}
        rate, distortion = (torch.stack([v[name] for v in seeds]).mean(0) for name in ("kl", "reconstruction"))
        left.plot(rate, distortion, **style)
        pairs = zip(
            seeds, fixed, strict=False
        )  # what was trained with one seed is compared with the first of the others
        difference = torch.stack([full_loss(values, grid) - separate for values, separate in pairs])
        right.plot(grid, difference.mean(0), **style)
        if len(seeds) > 1:
            right.fill_between(grid, difference.amin(0), difference.amax(0), color=COLORS[role], alpha=0.2, lw=0)
    left.set(xscale="symlog", xlabel="KL (nats, log scale)", ylabel="reconstruction (nats)", title=f"{title}: frontier")
    right.set(xscale="log", xlabel="β", ylabel="L(β) minus separate", title="full loss against separate networks")
    right.set_yscale("symlog", linthresh=100)
    left.legend(fontsize=8)
    return made


def dominated(frontiers: Mapping[str, Values], of: Mapping[str, str]) -> Figure:
    """What a hypervolume is: within the box that all frontiers span, the part where some point of one is better in both terms.

    Args:
        frontiers: label → values, ``(G,)`` each, as for `hypervolumes`.
        of: labels of those to be shown, one beside the other → the role that colours each.
    """
    points, ideal, reference = box(frontiers)
    (least, low), (most, high) = ideal.tolist(), reference.tolist()
    made, axes = figure(len(of), size=(3.6 * len(of), 3), sharey=True)
    for axis, (label, role) in zip(axes, of.items(), strict=True):
        rows = points[label][points[label][:, 1].argsort()]  # by growing rate
        # The least error at this rate or a smaller one; once more at the box's edge.
        best = torch.cat([rows[:, 0].cummin(0).values, rows[:, 0].min()[None]])
        rates = torch.cat([rows[:, 1], reference[1:]])
        axis.fill_between(rates, best, most, step="post", color=COLORS[role], alpha=0.25, lw=0)
        axis.plot(rows[:, 1], rows[:, 0], **{**look(role), "ls": ""})
        axis.set(xlim=(low, high), ylim=(least, most), xlabel="log(1 + KL)", title=label)
    axes[0].set_ylabel("reconstruction (nats)")
    return made
