"""The notebook's figures of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.errors import ReaderError, one_of

_KINDS = {"two embeddings": "conditional", "one for both": "fixed"}
_SCORES = {
    "sifid": "SIFID (smaller is better)",
    "msifid": "mSIFID (smaller is better)",
    "diversity": "diversity (larger is better)",
}


def collapse_curves(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Propositions 3 and 4: what real pictures score, and how large codes are, while gradient descent goes on.

    Args:
        histories: "two embeddings" and "one for both" → what `collapse.descend` notes.
    """
    made, axes = figure(2)
    titles = ("mean absolute score of real pictures", "root mean square of codes")
    for axis, key, title in zip(axes, ("scores", "norm"), titles, strict=True):
        for label, history in histories.items():
            role = _KINDS[one_of("curve", label, _KINDS)]
            options = {**look(role), "marker": ""}
            axis.plot([step[key] for step in history], label=label, **options)
        axis.set(title=title, xlabel="step of gradient descent")
    axes[0].set_yscale("log")
    axes[1].set_ylim(bottom=0)
    axes[0].legend()
    return made


def smoothness_curves(found: Tensor) -> Figure:
    """Figure 8: how fast a blend changes with α, for blends from each scale on.

    Args:
        found: see `Measure.smoothness`.
    """
    if found.ndim != 2 or not found.shape[1]:
        raise ReaderError(f"Speeds are (scales, steps − 1), see Measure.smoothness; got {tuple(found.shape)}.")
    made, (axis,) = figure(1, size=(6.2, 3.2))
    alphas = torch.linspace(0.1, 0.9, found.shape[1] + 1)
    middles = (alphas[1:] + alphas[:-1]) / 2
    roles, lines = ("conditional", "baseline", "accent", "fixed"), ("o", "s", "^", "D")
    for number, row in enumerate(found):
        axis.plot(
            middles,
            row,
            color=COLORS[roles[number % 4]],
            marker=lines[number % 4],
            ms=4,
            label=f"from scale {number + 1}",
        )
    axis.set(xlabel="α, the share of A", ylabel="change per unit of α", title="speed of blends")
    axis.set_ylim(bottom=0)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return made


def growing(metrics: Mapping[str, float], counts: Sequence[int], score: str = "sifid") -> Figure:
    """Table 3 as a curve: scores of learned and unseen pictures over the number that was learned from.

    Args:
        metrics: with "grown_N_SCORE" and "grown_N_unseen_SCORE", see `recollection.recall`.
        counts: N.
        score: "sifid", "msifid" or "diversity".
    """
    one_of("score", score, _SCORES)
    names = [f"grown_{count}_{part}{score}" for count in counts for part in ("", "unseen_")]
    missing = [name for name in names if name not in metrics]
    if missing:
        raise ReaderError(f"The curves need {missing}, which were not measured: leave out counts without a network.")
    made, (axis,) = figure(1, size=(6.2, 3.2))
    for part, role, label in (("unseen_", "fixed", "unseen pictures"), ("", "conditional", "learned pictures")):
        values = [metrics[f"grown_{count}_{part}{score}"] for count in counts]
        axis.plot(counts, values, label=label, **look(role))
    axis.set(xscale="log", xlabel="pictures learned from", ylabel=_SCORES[score])
    axis.set_xticks(list(counts), [str(count) for count in counts])
    axis.minorticks_off()
    axis.set_ylim(bottom=0)
    axis.legend()
    return made
