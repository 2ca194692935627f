"""The notebook's figures of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from lossconditioning.display import COLORS, figure, look
from lossconditioning.errors import ReaderError
from lossconditioning.systems.staged_encoder.comparisons import LEVELS
from lossconditioning.systems.staged_encoder.recipes import TOLD
from lossconditioning.systems.staged_encoder.variants import LPIPS_OF_PAPER, VARIANTS

_WIDTH = 9.5  # inches
# Colour, marker and its area in square points, for all to look about as large. Okabe and Ito's eight, of which six have roles.
_LOOKS = (
    (COLORS["conditional"], "o", 16),
    ("#E69F00", "s", 13),
    (COLORS["baseline"], "v", 18),
    (COLORS["accent"], "^", 18),
    (COLORS["optimum"], "D", 12),
    ("#56B4E9", "P", 20),
    (COLORS["fixed"], "X", 20),
    (COLORS["data"], "*", 28),
)


# Codes --------------------------------------------------------------------------------------------------------------------


def tsne(codes: Tensor, seed: int = 0) -> Tensor:
    """Codes ``(N, Z)`` laid out in the plane by t-SNE, so that near ones stay near: ``(N, 2)``.

    It begins with the first two principal components. Distances between clusters and their sizes say nothing.

    Raises:
        ReaderError: for fewer than five codes.
    """
    from sklearn.manifold import TSNE  # takes a second, and only this needs it

    if codes.dim() != 2 or len(codes) < 5:
        raise ReaderError(f"t-SNE lays out at least five codes (N, Z); got {tuple(codes.shape)}.")
    perplexity = min(30.0, (len(codes) - 1) / 3)  # scikit-learn's, of few codes a third
    layout = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return torch.from_numpy(layout.fit_transform(codes.detach().cpu().numpy()))


def embedding(codes_by_title: Mapping[str, tuple[Tensor, Tensor]], values: Sequence[str]) -> Figure:
    """Figures 6 and 7: codes in the plane, a panel for each encoder, coloured by a known factor of style.

    Args:
        codes_by_title: title → points ``(N, 2)``, see `tsne`, and the number of each one's value, ``(N,)``.
        values: of the factor, such as ``pairs.values[0]``; eight at most.

    Raises:
        ReaderError: for more values than there are colours.
    """
    if len(values) > len(_LOOKS):
        raise ReaderError(
            f"{len(_LOOKS)} values at most can be told apart in a plot; got {len(values)}. Choose another factor."
        )
    count = len(codes_by_title)
    wide = min(4.0, _WIDTH / count)
    columns = min(len(values), max(1, int(wide * count / 1.15)))  # inches that a name takes
    made, axes = figure(count, size=(wide * count, wide + 0.35 + 0.2 * -(-len(values) // columns)))
    for axis, (title, (points, labels)) in zip(axes, codes_by_title.items(), strict=True):
        for number, (name, (color, marker, area)) in enumerate(zip(values, _LOOKS, strict=False)):
            x, y = points[labels == number].T
            axis.scatter(x, y, s=area, c=color, marker=marker, alpha=0.75, lw=0, label=name)
        axis.set(xticks=[], yticks=[], title=title)
        axis.spines[["top", "right"]].set_visible(True)
    handles = axes[0].get_legend_handles_labels()
    made.legend(*handles, loc="outside lower center", ncols=columns, fontsize=9, markerscale=1.6)
    return made


# Tables -------------------------------------------------------------------------------------------------------------------


def ladder(metrics: Mapping[str, float]) -> Figure:
    """Table 4: LPIPS of each row, on outlines here and on edges → handbags in the paper, with deviations.

    Args:
        metrics: ``ladder_lpips_VARIANT``, and ``ladder_lpips_VARIANT_deviation`` where a row was repeated; see `recall`.

    Raises:
        ReaderError: if there is no such row.
    """
    names = [name for name in VARIANTS if f"ladder_lpips_{name}" in metrics]
    if not names:
        raise ReaderError(
            "A ladder needs metrics ladder_lpips_VARIANT; got none. Those of recorded_evaluation() have them."
        )
    found = [(metrics[f"ladder_lpips_{name}"], metrics.get(f"ladder_lpips_{name}_deviation", 0.0)) for name in names]
    titles = {"here, outlines": found, "in the paper, edges → handbags": [LPIPS_OF_PAPER[name] for name in names]}
    made, axes = figure(2, size=(_WIDTH, 0.29 * len(names) + 1.0), sharey=True)
    for axis, (title, values), fill in zip(axes, titles.items(), ("full", "none"), strict=True):
        for place, (name, (mean, deviation)) in enumerate(zip(names, values, strict=True)):
            style = {**look("conditional" if VARIANTS[name].pretrained else "baseline", size=7), "ls": "none"}
            axis.errorbar(mean, place, xerr=deviation, capsize=3, elinewidth=1.4, fillstyle=fill, **style)
            axis.annotate(f"{mean:.3f}", (mean, place), (0, 5), textcoords="offset points", ha="center", fontsize=7.5)
        axis.grid(axis="y", color="#e6e6e6", lw=0.8)
        axis.margins(x=0.1)
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set(title=title, xlabel="LPIPS (left is better)")
    axes[0].set_yticks(range(len(names)), [row_name(name) for name in names])
    axes[0].set_ylim(len(names) - 0.4, -0.8)
    return made


def row_name(variant: str) -> str:
    """A row of Table 4 as the paper calls it: "Bicycle v1.2"."""
    first, *numbers = variant.split("_")
    return f"{first.capitalize()} {'.'.join(numbers)}"


def told_frontier(metrics: Mapping[str, float], prefix: str = "") -> Figure:
    """Reconstruction against realness of one generator that is told λ, and of three that have one each.

    Args:
        metrics: ``told_psnr_0`` to ``_4`` and ``told_realness_0`` to ``_4``; ``lively_psnr``, ``lively_realness`` and
            the same of "fixed" and "faithful", as far as they are there: see `evaluation.frontier`.
        prefix: of all these names; "valley_" in the metrics of an evaluation.
    """

    def point(name: str, end: str = "") -> tuple[float, float]:
        return tuple(metrics[f"{prefix}{name}_{what}{end}"] for what in ("psnr", "realness"))

    low, high = TOLD
    shares = [low * (high / low) ** (number / (LEVELS - 1)) for number in range(LEVELS)]
    told = [point("told", f"_{number}") for number in range(LEVELS)]
    ends = {"lively": low, "fixed": 1.0, "faithful": high}
    fixed = {share: point(name) for name, share in ends.items() if f"{prefix}{name}_psnr" in metrics}
    made, (axis,) = figure(size=(7.0, 4.2))
    axis.plot(*zip(*told, strict=True), label="one generator, told λ", **look("conditional", size=7))
    if fixed:
        style = {**look("fixed", size=8), "ls": "none"}
        axis.plot(*zip(*fixed.values(), strict=True), label="a generator for each λ", **style)
    width = abs(told[-1][0] - told[0][0])
    for number, (share, spot) in enumerate(zip(shares, told, strict=True)):
        said = {0.25: "λ/4", 0.5: "λ/2", 1: "λ"}.get(share, f"{share:g} λ")
        other = fixed.get(share)
        up = other is None or spot[1] >= other[1]  # the higher one's label above it, the lower one's below
        near = number and abs(spot[0] - told[number - 1][0]) < 0.05 * width  # two labels would stand in one place
        _name(axis, said, spot, COLORS["conditional"], up and not near)
        if other is not None:
            _name(axis, said, other, COLORS["fixed"], not up)
    axis.margins(0.12)
    axis.set(
        xlabel="reconstruction: PSNR in dB (right is better)",
        ylabel="realness by the critic (up is better)",
        title="λ: what reconstruction weighs in all other networks",
    )
    axis.legend(fontsize=9)
    return made


def _name(axis: Axes, said: str, spot: tuple[float, float], color: str, up: bool) -> None:
    """A label above or below a point, readable where a line runs behind it."""
    placed = {
        "xytext": (0, 7 if up else -7),
        "textcoords": "offset points",
        "ha": "center",
        "va": "bottom" if up else "top",
    }
    axis.annotate(said, spot, color=color, path_effects=[withStroke(linewidth=2.5, foreground="white")], **placed)


def direction_effects(table: Tensor, labels: Sequence[str], names: Sequence[str]) -> Figure:
    """How much each direction moves each factor of style, as a heat map with numbers.

    Args:
        table: ``(D, F)``.
        labels: of the D directions, such as `Direction.label`.
        names: of the F factors.
    """
    if table.shape != (len(labels), len(names)):
        raise ReaderError(
            f"The table has a row for each of {len(labels)} directions and a column for each of {len(names)} factors; got "
            f"{tuple(table.shape)}."
        )
    values = np.asarray(table.detach())
    reach, signed = max(float(np.abs(values).max()), 1e-9), bool((values < 0).any())
    made, (axis,) = figure(size=(2.4 + 1.1 * len(names), 0.38 * len(labels) + 0.9))
    axis.imshow(values, cmap="RdBu_r" if signed else "Blues", vmin=-reach if signed else 0, vmax=reach, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        color = "w" if abs(value) > 0.6 * reach else "k"
        axis.text(column, row, f"{round(float(value), 2) + 0.0:.2f}", ha="center", va="center", color=color, fontsize=9)
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel="factor of style", ylabel="direction")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return made
