"""Holds one conditional painter against the fixed-weight ones it replaces: Figures 6a and 6b of "You Only Train Once".

And what they leave open: which weight does what, and new styles.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lossconditioning.datasets import paintings
from lossconditioning.evaluation import as_curve, as_metrics, hypervolume_shares
from lossconditioning.evaluation.alphas import monotonicity
from lossconditioning.painting import weights_for
from lossconditioning.painting.photographs import PAINTING_SIDE
from lossconditioning.paths import data_cache
from lossconditioning.systems.style_transfer.limits import limit_for, limits
from lossconditioning.systems.style_transfer.measures import Measure, Values, curve, full_loss
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.recipes import fixed_settings, played
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.systems.style_transfer.task import DEFAULT, WEIGHTS, content_grid, settings
from lossconditioning.systems.style_transfer.training import measure_for
from lossconditioning.training import Run, Trained

FIXED_CURVE = ("fixed_content_low", "fixed_content_1", "fixed_default", "fixed_content_3", "fixed_content_high")
"""The fixed-weight models of Figure 6b, by growing λ_c."""
METHODS = ("fixed", "yoto", "specialist", "interpolation")
"""What Figure 6b compares."""
SIDES = ("content", "style")
"""Its axes."""


def full_loss_by_setting(models: Mapping[str, Painter], measure: Measure) -> dict[str, float]:
    """Figure 6a: the full loss of three methods under ten settings, ``fig6a_METHOD_SETTING``.

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


def content_against_style(models: Mapping[str, Painter], measure: Measure) -> dict[str, float]:
    """Figure 6b: content loss and sum of style losses as λ_c goes from a tenth of its default to ten times.

    A curve of five points for each of `METHODS`, see `content_style_curves`; and ``fig6b_hypervolume_METHOD``, as a share of
    the fixed models', see `hypervolume_shares`. "interpolation" mixes the pictures of the two extreme fixed-weight models.
    """
    grid = content_grid(len(FIXED_CURVE))
    low, high = (measure.paint(models[FIXED_CURVE[end]], grid[end]) for end in (0, -1))
    mixes = [measure.terms(torch.lerp(low, high, share)) for share in torch.linspace(0, 1, len(grid)).tolist()]
    found = {
        "fixed": curve(measure.means(models[name], lam) for name, lam in zip(FIXED_CURVE, grid, strict=True)),
        "yoto": curve(measure.means(models["yoto"], lam) for lam in grid),
        "specialist": curve(measure.means(models["specialist"], lam) for lam in grid),
        "interpolation": curve({name: float(value.mean()) for name, value in mix.items()} for mix in mixes),
    }
    metrics = {}
    for method, values in found.items():
        metrics |= as_metrics(f"fig6b_{method}", {side: values[side] for side in SIDES})
    points = {name: torch.stack([values[side] for side in SIDES], dim=1) for name, values in found.items()}
    return metrics | {f"fig6b_hypervolume_{name}": share for name, share in hypervolume_shares(points, "fixed").items()}


def content_style_curves(metrics: Mapping[str, float]) -> dict[str, Values]:
    """Figure 6b's curves out of metrics: method → {"content", "style"}, five points each."""
    return {method: as_curve(metrics, f"fig6b_{method}", SIDES) for method in METHODS}


def obedience(model: Painter, measure: Measure, count: int = 9) -> dict[str, float]:
    """Rank correlation (Spearman) of λ_c with both sides of the trade-off, over ``count`` values of λ_c: 1 for monotone.

    Content falls as λ_c grows and style rises; ``monotonicity`` is the smaller of the two.
    """
    values = curve(measure.means(model, lam) for lam in content_grid(count))
    falls, rises = -monotonicity(values["content"]), monotonicity(values["style"])
    return {
        "monotonicity_content": falls,
        "monotonicity_style": rises,
        "monotonicity": float(np.minimum(falls, rises)),  # not a number if either is not
    }


def sensitivity(model: Painter, measure: Measure) -> dict[str, float]:
    """Which weight changes which loss, ``sensitivity_WEIGHT_TERM``.

    By what factor a term's mean grows when one weight goes from a tenth of its default to ten times, as a base-10 logarithm.
    """
    found, asked = {}, settings()
    for weight in WEIGHTS:
        ends = curve(measure.means(model, torch.tensor(asked[f"{weight}_{way}"])) for way in ("low", "high"))
        found |= {f"sensitivity_{weight}_{term}": float((ends[term][1] / ends[term][0]).log10()) for term in WEIGHTS}
    return found


def sensitivities(metrics: Mapping[str, float]) -> Tensor:
    """`sensitivity` out of metrics, float64 ``(5, 5)``: row = weight, column = term."""
    rows = [[metrics[f"sensitivity_{weight}_{term}"] for term in WEIGHTS] for weight in WEIGHTS]
    return torch.tensor(rows, dtype=torch.float64)


def unseen(model: Painter, measure: Measure, paintings: Mapping[str, Tensor], described: Tensor) -> dict[str, float]:
    """How well a model paints, under the default setting, in styles it was not trained on.

    Args:
        measure: of the styles it knows.
        paintings: the others, name → uint8 ``(3, H, W)``.
        described: their descriptions, ``(S, F)``.

    Returns:
        ``style_left_unseen`` and ``style_left_seen``: the sum of style losses, as a share of what the unpainted photographs
        have; ``content_unseen`` and ``content_seen``, the content losses.
    """
    found = {}
    for name, group, given in (("seen", measure, None), ("unseen", measure.with_styles(paintings), described)):
        painted = group.paint(model, torch.tensor(DEFAULT), given)
        after, before = (group.terms(pictures) for pictures in (painted, group.batch.photographs))
        left, had = (sum(float(values[f"style_{i}"].mean()) for i in (1, 2, 3, 4)) for values in (after, before))
        found |= {f"style_left_{name}": left / had, f"content_{name}": float(after["content"].mean())}
    return found


# `lossconditioning evaluate style_transfer` -------------------------------------------------------------------------------


def compared(run: Run) -> tuple[str, ...]:
    """The experiments without which there is nothing to compare."""
    return ("yoto", "specialist", *fixed_settings())


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """All models on held-out photographs, and what each weight does.

    Returns:
        metrics: see `full_loss_by_setting`, `content_against_style`, `obedience` and `sensitivity`; for the network that
        readers play with, see `limits.limits`; where the data folder has ``paintings/pointillism``, see `unseen`;
        ``photographs``, how many there were.
    """
    models = {name: item.model for name, item in trained.items()}
    measure = measure_for(trained["yoto"].config, run)
    return {
        **full_loss_by_setting(models, measure),
        **content_against_style(models, measure),
        **obedience(models["yoto"], measure),
        **sensitivity(models["yoto"], measure),
        **limits(models, played(models), measure, limit_for(trained["yoto"].config, run)),
        **_strangers(trained["yoto"], measure, run),
        "photographs": len(measure.batch.photographs),
    }


def _strangers(yoto: Trained, measure: Measure, run: Run) -> dict[str, float]:
    place = Path(run.data or data_cache()) / "paintings" / "pointillism"
    if not place.is_dir():
        return {}
    strangers = paintings(place, size=PAINTING_SIDE)
    describing, _ = describer(yoto.config.described_by, weights_for(yoto.config.pretrained, run))
    return unseen(yoto.model, measure, strangers, describe(strangers.values(), describing))
