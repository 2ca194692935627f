"""What Figures 3, 4, 5 and 8 of "Dynamic-Net" compare, and other ways to one network for every strength of a style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import DynamicNet, TuningBlocks
from lossconditioning.evaluation import hypervolume
from lossconditioning.systems.dynamic_net.alphas import ALPHAS, WIDE
from lossconditioning.systems.dynamic_net.stylisation.measures import Measure, Painter, told, turned
from lossconditioning.systems.dynamic_net.stylisation.recipes import STYLES, strengths

BACK = ("middle", "weak", "none")
"""Tuning blocks that lead back from the strongest style, by growing gap; the last to content alone (Figure 8)."""
FEW = ALPHAS[::2]
"""α where a few points show it."""
Curve = dict[str, Tensor]
"""Term → its mean at every point, ``(P,)``."""


def curve(points: Iterable[Mapping[str, float]]) -> Curve:
    """Means of several painters, point by point."""
    rows = list(points)
    return {name: torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in rows[0]}


def volumes(
    curves: Mapping[str, Curve], reference: str, axes: tuple[str, str] = ("content", "style")
) -> dict[str, float]:
    """Hypervolume of each curve below the reference's worst ends, as a share of the reference's.

    Neighbouring points are joined by straight lines, so that curves of few points do not suffer for it. The corner is moved
    out by a tenth of the reference's extent, so that its two ends count too.
    """
    points = {name: torch.stack([values[axis] for axis in axes], dim=1) for name, values in curves.items()}
    worst, best = points[reference].max(0).values, points[reference].min(0).values
    corner = worst + 0.1 * (worst - best)
    found = {name: hypervolume(joined(value), corner) for name, value in points.items()}
    return {name: value / found[reference] for name, value in found.items()}


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
    first, last = (strength / (1 + strength) for strength in ends)
    share = torch.linspace(first, last, count, dtype=torch.float64)[:, None]
    return ((1 - share) * values["content"] + share * values["style"]).min(1).values


def mixed_pictures(
    measure: Measure, first: Tensor, second: Tensor, style: tuple[Tensor, ...], shares: Iterable[float] = ALPHAS
) -> Curve:
    """Two painters' pictures ``(N, 3, S, S)``, blended."""
    return curve(measure.means(torch.lerp(first, second, share), style) for share in shares)


def mixed_weights(first: nn.Module, second: nn.Module, share: float) -> nn.Module:
    """A network whose weights are a mixture of two networks' of one shape."""
    mixed = deepcopy(first)
    with torch.no_grad():
        for weight, other in zip(mixed.parameters(), second.parameters(), strict=True):
            weight.lerp_(other, share)
    return mixed


def figure_3(models: Mapping[str, nn.Module], measure: Measure) -> dict[str, Curve]:
    """Content against style on the way from λ₀ to λ₁, five ways.

    "fixed" networks, one for each of `strengths`; "dynamic", the weakest with tuning blocks of the strongest λ, at eleven α;
    "pictures" and "weights", of the weakest and the strongest network, blended; "conditional", one network told λ.
    """
    style = measure.style()
    fixed = [models[f"style_fixed_{i}"] for i in range(len(strengths()))]
    weak, strong = fixed[0], fixed[-1]
    with DynamicNet(weak, {"tuned": models["style_blocks"]}) as model:
        tuned = curve(measure.means(turned(model, alpha), style) for alpha in ALPHAS)
    return {
        "fixed": curve(measure.means(network, style) for network in fixed),
        "dynamic": tuned,
        "pictures": mixed_pictures(measure, measure.paint(weak), measure.paint(strong), style),
        "weights": curve(measure.means(mixed_weights(weak, strong, share), style) for share in FEW),
        "conditional": curve(
            measure.means(told(models["style_conditional"], lam), style) for lam in strengths(len(ALPHAS))
        ),
    }


def figure_4(models: Mapping[str, nn.Module], measure: Measure) -> dict[str, Curve]:
    """From one painting's style to another's: both style losses ("style" and "other") and content, three ways.

    "dynamic": a network of the first style with blocks of the second; "pictures" of two networks, blended; "two": one network
    with a set of instance normalisations for each, interpolated (Dumoulin et al. 2017).
    """
    first, second = (measure.style(name) for name in STYLES)

    def both(painted: Painter | Tensor) -> dict[str, float]:
        return measure.means(painted, first, other=second)

    strong, other = models[f"style_fixed_{len(strengths()) - 1}"], models["style_other"]
    with DynamicNet(strong, {"tuned": models["style_blocks_other"]}) as model:
        tuned = curve(both(turned(model, alpha)) for alpha in ALPHAS)
    ends = measure.paint(strong), measure.paint(other)
    shares = [torch.tensor([1 - share, share]) for share in ALPHAS]
    return {
        "dynamic": tuned,
        "pictures": curve(both(torch.lerp(*ends, share)) for share in ALPHAS),
        "two": curve(both(told(models["style_two"], share)) for share in shares),
    }


def figure_5(models: Mapping[str, nn.Module], measure: Measure) -> Curve:
    """From fine to coarse strokes, and beyond: style losses against both, and "grain", at the α of `WIDE`."""
    fine, coarse = measure.style(), measure.style(zoom=2)
    rows = []
    with DynamicNet(models[f"style_fixed_{len(strengths()) - 1}"], {"tuned": models["style_blocks_coarse"]}) as model:
        for alpha in WIDE:
            painted = measure.paint(turned(model, alpha))
            found = measure.means(painted, fine, coarse=coarse)
            rows.append({"fine": found["style"], "coarse": found["coarse"], "grain": grain(painted)})
    return curve(rows)


def grain(pictures: Tensor) -> float:
    """How coarse pictures ``(N, 3, S, S)`` are: the wavelength, in pixels, of the mean frequency of their brightness.

    Frequencies are averaged by amplitude, the mean brightness left out.
    """
    grey = pictures.mean(1)
    amplitude = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs()
    down = torch.fft.fftfreq(grey.shape[1], device=grey.device)[:, None]
    across = torch.fft.fftfreq(grey.shape[2], device=grey.device)[None]
    return float(amplitude.sum() / (amplitude * (down.square() + across.square()).sqrt()).sum())


def figure_8(models: Mapping[str, nn.Module], measure: Measure) -> dict[str, dict[str, Curve]]:
    """Back from the strongest style over ever wider gaps: "dynamic" beside blended "pictures", by gap, at the α of `FEW`.

    Where no style is asked for at all, the photograph itself is what pictures are blended with, as in the paper.
    """
    style = measure.style()
    fixed = [models[f"style_fixed_{i}"] for i in range(len(strengths()))]
    ends: dict[str, Callable[[], Tensor]] = {
        "middle": lambda: measure.paint(fixed[len(fixed) // 2]),
        "weak": lambda: measure.paint(fixed[0]),
        "none": lambda: measure.photographs,
    }
    strong, found = measure.paint(fixed[-1]), {}
    for name in BACK:
        with DynamicNet(fixed[-1], {"tuned": models[f"style_back_{name}"]}) as model:
            tuned = curve(measure.means(turned(model, alpha), style) for alpha in FEW)
        found[name] = {"dynamic": tuned, "pictures": mixed_pictures(measure, strong, ends[name](), style, FEW)}
    return found


def grid(main: nn.Module, blocks: TuningBlocks, measure: Measure, values: Iterable[float]) -> tuple[Tensor, Curve]:
    """The cyan dots of Figure 3: every combination of α₀, α₁, α₂ from ``values``: ``(V³, 3)``, and the losses of each."""
    alphas = torch.cartesian_prod(*[torch.tensor(list(values))] * len(blocks))
    style = measure.style()
    with DynamicNet(main, {"tuned": blocks}) as model:
        return alphas, curve(measure.means(turned(model, row), style) for row in alphas.tolist())
