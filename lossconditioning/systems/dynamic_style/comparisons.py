"""What Figures 3, 4, 5 and 8 of "Dynamic-Net" compare, and other ways to one network for every strength of a style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import TuningBlocks, at_every_alpha
from lossconditioning.evaluation import cross_objectives, curve_of, hypervolume_shares
from lossconditioning.evaluation.alphas import ALPHAS, WIDE
from lossconditioning.systems.dynamic_style.measures import Means, Measure, Paint, told
from lossconditioning.systems.dynamic_style.recipes import FIXED, STRONG, STYLES, WEAK, lam_grid
from lossconditioning.systems.dynamic_style.task import Targets

BACK = ("middle", "weak", "none")
"""Tuning blocks that lead back from the strongest style, by growing gap; the last to content alone (Figure 8)."""
FEW = ALPHAS[::2]
"""α where a few points show it."""
Models = Mapping[str, nn.Module]
"""Experiment → its network, or its tuning blocks."""
Curve = dict[str, Tensor]
"""Term → its mean at every point, ``(P,)``."""


# Curves -------------------------------------------------------------------------------------------------------------------


def volumes(
    curves: Mapping[str, Curve], reference: str, axes: tuple[str, str] = ("content", "style")
) -> dict[str, float]:
    """`hypervolume_shares`, neighbouring points joined by straight lines: curves of few points do not suffer for it."""
    points = {name: torch.stack([values[axis] for axis in axes], dim=1) for name, values in curves.items()}
    return hypervolume_shares({name: joined(value) for name, value in points.items()}, reference)


def joined(points: Tensor, between: int = 200) -> Tensor:
    """Points ``(P, 2)`` and ``between`` steps of a straight line from each to the next."""
    steps = torch.linspace(0, 1, between + 1, dtype=points.dtype)[:, None]
    lines = [torch.lerp(start, end, steps) for start, end in pairwise(points)]
    return torch.cat(lines)


def best_costs(values: Curve, ends: tuple[float, float], count: int = 11) -> Tensor:
    """What the best point of a curve costs under each of ``count`` objectives, mixed evenly from one λ's to another's.

    An objective is ``(content + λ style) / (1 + λ)``, so that strong and weak styles count alike.

    Args:
        ends: λ of the first and the last objective.

    Returns:
        ``(count,)``
    """
    first, last = (lam / (1 + lam) for lam in ends)
    share = torch.linspace(first, last, count, dtype=torch.float64)
    weights = torch.stack([1 - share, share], dim=1)
    return cross_objectives({name: values[name] for name in ("content", "style")}, weights).amin(0)


# Ways from one objective to another ---------------------------------------------------------------------------------------


def along(main: nn.Module, blocks: TuningBlocks, alphas: Iterable, means: Callable[[Paint], Means]) -> Curve:
    """A network with tuning blocks, at every α."""
    return curve_of(at_every_alpha(main, {"tuned": blocks}, alphas, means))


def mixed_pictures(
    measure: Measure, first: Tensor, second: Tensor, style: Targets, shares: Iterable[float] = ALPHAS, **others: Targets
) -> Curve:
    """Two networks' pictures ``(N, 3, S, S)``, blended."""
    return curve_of(measure.means(torch.lerp(first, second, share), style, **others) for share in shares)


def mixed_weights(first: nn.Module, second: nn.Module, share: float) -> nn.Module:
    """A network whose weights are a mixture of two networks' of one shape."""
    mixed = deepcopy(first)
    with torch.no_grad():
        for weight, other in zip(mixed.parameters(), second.parameters(), strict=True):
            weight.lerp_(other, share)
    return mixed


def grid(main: nn.Module, blocks: TuningBlocks, measure: Measure, values: Iterable[float]) -> tuple[Tensor, Curve]:
    """The cyan dots of Figure 3: every combination of α₀, α₁, α₂ from ``values``: ``(V³, 3)``, and the losses of each."""
    alphas, style = torch.cartesian_prod(*[torch.tensor(list(values))] * len(blocks)), measure.style()
    return alphas, along(main, blocks, alphas.tolist(), lambda paint: measure.means(paint, style))


def grain(pictures: Tensor) -> float:
    """How coarse pictures ``(N, 3, S, S)`` are: the wavelength, in pixels, of the mean frequency of their brightness.

    Frequencies are averaged by amplitude, the mean brightness left out.
    """
    grey = pictures.mean(1)
    amplitude = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs()
    down = torch.fft.fftfreq(grey.shape[1], device=grey.device)[:, None]
    across = torch.fft.fftfreq(grey.shape[2], device=grey.device)[None]
    return float(amplitude.sum() / (amplitude * (down.square() + across.square()).sqrt()).sum())


# The paper's figures ------------------------------------------------------------------------------------------------------


def weak_to_strong(models: Models, measure: Measure) -> dict[str, Curve]:
    """Content against style on the way from λ₀ to λ₁, five ways (Figure 3).

    "fixed" networks, one for each of `lam_grid`; "dynamic", the weakest with tuning blocks of the strongest λ, at eleven α;
    "pictures" and "weights", of the weakest and the strongest network, blended; "conditional", one network told λ.
    """
    style, weak, strong = measure.style(), models[WEAK], models[STRONG]

    def means(paint: Paint) -> Means:
        return measure.means(paint, style)

    return {
        "fixed": curve_of(means(models[name]) for name in FIXED),
        "dynamic": along(weak, models["style_blocks"], ALPHAS, means),
        "pictures": mixed_pictures(measure, measure.paint(weak), measure.paint(strong), style),
        "weights": curve_of(means(mixed_weights(weak, strong, share)) for share in FEW),
        "conditional": curve_of(means(told(models["style_conditional"], lam)) for lam in lam_grid(len(ALPHAS))),
    }


def style_to_style(models: Models, measure: Measure) -> dict[str, Curve]:
    """From one painting's style to another's: both style losses ("style" and "other") and content, three ways (Figure 4).

    "dynamic": a network of the first style with blocks of the second; "pictures" of two networks, blended; "two": one network
    with a set of instance normalisations for each, interpolated (Dumoulin et al. 2017).
    """
    first, second = (measure.style(name) for name in STYLES)

    def means(paint: Paint) -> Means:
        return measure.means(paint, first, other=second)

    ends = measure.paint(models[STRONG]), measure.paint(models["style_other"])
    shares = [torch.tensor([1 - share, share]) for share in ALPHAS]
    return {
        "dynamic": along(models[STRONG], models["style_blocks_other"], ALPHAS, means),
        "pictures": mixed_pictures(measure, *ends, first, other=second),
        "two": curve_of(means(told(models["style_two"], share)) for share in shares),
    }


def fine_to_coarse(models: Models, measure: Measure) -> Curve:
    """From fine to coarse strokes, and beyond: style losses against both, and "grain", at the α of `WIDE` (Figure 5)."""
    fine, coarse = measure.style(), measure.style(zoom=2)

    def means(paint: Paint) -> Means:
        painted = measure.paint(paint)
        found = measure.means(painted, fine, coarse=coarse)
        return {"fine": found["style"], "coarse": found["coarse"], "grain": grain(painted)}

    return along(models[STRONG], models["style_blocks_coarse"], WIDE, means)


def strong_to_weak(models: Models, measure: Measure) -> dict[str, dict[str, Curve]]:
    """Back from the strongest style over ever wider gaps: "dynamic" and blended "pictures", by gap, at `FEW` α (Figure 8).

    Where no style is asked for at all, the photograph itself is what pictures are blended with, as in the paper.
    """
    style, strong = measure.style(), measure.paint(models[STRONG])
    middle, weak = (measure.paint(models[name]) for name in (FIXED[len(FIXED) // 2], WEAK))
    found = {}
    for gap, end in zip(BACK, (middle, weak, measure.photographs), strict=True):
        blocks = models[f"style_back_{gap}"]
        found[gap] = {
            "dynamic": along(models[STRONG], blocks, FEW, lambda paint: measure.means(paint, style)),
            "pictures": mixed_pictures(measure, strong, end, style, FEW),
        }
    return found
