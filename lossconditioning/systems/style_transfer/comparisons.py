"""What Figures 6a and 6b of "You Only Train Once" compare, and what they leave open: which weight does what, and new styles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from lossconditioning.evaluation import hypervolume
from lossconditioning.systems.style_transfer.measures import Measure, Values, curve, full_loss
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.task import DEFAULT, FACTOR, WEIGHTS, content_grid, settings

FIXED_CURVE = ("fixed_content_low", "fixed_content_1", "fixed_default", "fixed_content_3", "fixed_content_high")
"""The fixed-weight models of Figure 6b, by growing λ_c."""


def figure_6a(models: Mapping[str, Painter], measure: Measure) -> dict[str, float]:
    """The full loss of three methods under ten settings, ``fig6a_METHOD_SETTING``.

    Methods: "fixed" (the model trained for the setting), "yoto" (told the setting) and "single" (the fixed-weight model of the
    default setting, whatever the setting).
    """
    single = measure.means(models["fixed_default"], torch.tensor(DEFAULT))
    found = {}
    for name, values in settings().items():
        lam = torch.tensor(values)
        found[f"fig6a_fixed_{name}"] = full_loss(measure.means(models[f"fixed_{name}"], lam), lam)
        found[f"fig6a_yoto_{name}"] = full_loss(measure.means(models["yoto"], lam), lam)
        found[f"fig6a_single_{name}"] = full_loss(single, lam)
    fixed, yoto, baseline = (
        torch.tensor([found[f"fig6a_{method}_{name}"] for name in settings()]) for method in ("fixed", "yoto", "single")
    )
    found["fig6a_gap"] = float(yoto.mean() / fixed.mean() - 1)
    found["fig6a_settings_below_baseline"] = float((yoto < baseline).sum())
    return found


def figure_6b(models: Mapping[str, Painter], measure: Measure) -> dict[str, float]:
    """Content loss against the sum of style losses as λ_c goes from a tenth of its default to ten times.

    ``fig6b_METHOD_content_I`` and ``…_style_I``, five points each; and ``fig6b_hypervolume_METHOD``, as a share of the fixed
    models'. "interpolation" mixes the pictures of the two extreme fixed-weight models.
    """
    grid = content_grid(len(FIXED_CURVE))
    found = {
        "fixed": join(measure.means(models[name], lam) for name, lam in zip(FIXED_CURVE, grid, strict=True)),
        "yoto": curve(lambda lam: measure.means(models["yoto"], lam), grid),
        "specialist": curve(lambda lam: measure.means(models["specialist"], lam), grid),
    }
    low, high = (measure.paint(models[FIXED_CURVE[end]], grid[end]) for end in (0, -1))
    mixes = [measure.terms(torch.lerp(low, high, share)) for share in torch.linspace(0, 1, len(grid)).tolist()]
    found["interpolation"] = join({name: float(value.mean()) for name, value in mix.items()} for mix in mixes)
    metrics = {
        f"fig6b_{method}_{term}_{i}": float(value)
        for method, values in found.items()
        for term in ("content", "style")
        for i, value in enumerate(values[term])
    }
    volumes = hypervolumes(found)
    return {
        **metrics,
        **{f"fig6b_hypervolume_{method}": volume / volumes["fixed"] for method, volume in volumes.items()},
    }


def join(rows: Iterable[Mapping[str, float]]) -> Values:
    """Averaged terms of several models as a curve, see `measures.curve`."""
    rows = list(rows)
    return curve(lambda index: rows[int(index)], torch.arange(len(rows)))


def hypervolumes(curves: Mapping[str, Values]) -> dict[str, float]:
    """Hypervolume of each curve in (content, style), below the worst content and the worst style on the fixed models' curve.

    The corner is moved out by a tenth of the curve's extent, so that its two ends count too.
    """
    fixed = torch.stack([curves["fixed"]["content"], curves["fixed"]["style"]], dim=1)
    worst, best = fixed.max(0).values, fixed.min(0).values
    corner = worst + 0.1 * (worst - best)
    return {
        name: hypervolume(torch.stack([values["content"], values["style"]], dim=1), corner)
        for name, values in curves.items()
    }


def monotonicity(model: Painter, measure: Measure, count: int = 9) -> dict[str, float]:
    """Rank correlation (Spearman) of λ_c with both sides of the trade-off, over ``count`` values of λ_c: 1 for monotone.

    Content falls as λ_c grows and style rises; ``monotonicity`` is the smaller of the two.
    """
    values = curve(lambda lam: measure.means(model, lam), content_grid(count))
    order = range(count)
    falls, rises = -spearmanr(order, values["content"]).statistic, spearmanr(order, values["style"]).statistic
    return {
        "monotonicity_content": float(falls),
        "monotonicity_style": float(rises),
        "monotonicity": float(np.minimum(falls, rises)),  # not a number if either is not
    }


def sensitivity(model: Painter, measure: Measure) -> Tensor:
    """Which weight changes which loss: ``(5, 5)``, row = weight, column = term.

    By what factor a term's mean grows when one weight goes from a tenth of its default to ten times, as a base-10 logarithm.
    """
    rows = []
    for index in range(len(WEIGHTS)):
        ends = []
        for factor in (1 / FACTOR, FACTOR):
            lam = torch.tensor(DEFAULT)
            lam[index] *= factor
            means = measure.means(model, lam)
            ends.append(torch.tensor([means[name] for name in WEIGHTS], dtype=torch.float64))
        rows.append((ends[1] / ends[0]).log10())
    return torch.stack(rows)


def unseen(
    model: Painter,
    measure: Measure,
    paintings: Mapping[str, Tensor],
    described: Tensor,
) -> dict[str, float]:
    """How well a model paints, under the default setting, in styles it was not trained on.

    Args:
        measure: of the styles it knows.
        paintings: the others, name → uint8 ``(3, H, W)``.
        described: their descriptions, ``(S, F)``.

    Returns:
        ``style_left_unseen`` and ``style_left_seen``: the sum of style losses, as a share of what the unpainted photographs
        have; ``content_unseen`` and ``content_seen``, the content losses.
    """
    lam, found = torch.tensor(DEFAULT), {}
    strangers = measure.with_styles(paintings)
    for name, group, painted in (
        ("seen", measure, measure.paint(model, lam)),
        ("unseen", strangers, strangers.paint(model, lam, described)),
    ):
        after, before = (group.terms(pictures) for pictures in (painted, group.photographs))
        left, had = (sum(float(values[f"style_{i}"].mean()) for i in (1, 2, 3, 4)) for values in (after, before))
        found.update({f"style_left_{name}": left / had, f"content_{name}": float(after["content"].mean())})
    return found
