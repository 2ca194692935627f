"""What the paper does not have: a generator that is told λ beside fixed ones, and what the directions of a code change."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

import torch
from torch import nn

from lossconditioning.systems.staged_encoder.axes import directions, effects
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.data import features_for
from lossconditioning.systems.staged_encoder.distances import style_codes
from lossconditioning.systems.staged_encoder.measures import Measure, codes_of, realness
from lossconditioning.training import Run

LEVELS = 5
"""At how many λ the frontier of the generator that is told it is measured."""
Models = Mapping[str, nn.Module]


def frontier(models: Models, measure: Measure) -> dict[str, float]:
    """Reconstruction against the critic's score, of the generator that is told λ and of those with one λ each.

    Returns:
        ``told_psnr_0`` to ``_4`` and ``told_realness_0`` to ``_4`` from the least λ to the largest; the same of "lively",
        "fixed" and "faithful"; ``told_span_db``, by how much PSNR rises from end to end.
    """
    if not {"valley_told", "valley_critic"} <= set(models):
        return {}
    told, critic, found = models["valley_told"], models["valley_critic"], {}
    low, high = float(told.prior.low), float(told.prior.high)
    for number in range(LEVELS):
        lam = low * (high / low) ** (number / (LEVELS - 1))
        found |= _point(told, critic, measure, f"told_{{}}_{number}", lam)
    for name, model in (("lively", "valley_lively"), ("fixed", "valley_stage2"), ("faithful", "valley_faithful")):
        if model in models:
            found |= _point(models[model], critic, measure, f"{name}_{{}}")
    return {**found, "told_span_db": found[f"told_psnr_{LEVELS - 1}"] - found["told_psnr_0"]}


def _point(
    model: nn.Module, critic: nn.Module, measure: Measure, name: str, lam: float | None = None
) -> dict[str, float]:
    made = measure.translate(model, lam=lam)
    values = measure.closeness(made)
    real = realness(critic, measure.layouts, made)
    return {name.format("psnr"): values["psnr"], name.format("lpips"): values["lpips"], name.format("realness"): real}


def sliders(model: nn.Module, measure: Measure) -> dict[str, float]:
    """``slider_focus``: by which factor a direction's own factor changes more often than any other, the mean over directions.

    And ``slider_apart``, for which share of the directions it does so at least three times as often. Directions that no
    held-out picture can be moved along are left out.
    """
    gallery = measure.gallery
    ways = directions(codes_of(model.encoder, gallery.pictures).z, gallery.factors, gallery.names, gallery.values)
    moved, focus = effects(model, ways, measure.layouts, measure.pictures, measure.factors, gallery), []
    for way, row in zip(ways, moved.tolist(), strict=True):
        own = row.pop(measure.names.index(way.factor))
        if not math.isnan(own):
            focus.append(own / max(*row, 1 / len(measure.layouts)))
    return {
        "slider_focus": statistics.fmean(focus),
        "slider_apart": sum(each >= 3 for each in focus) / len(focus),
    }


@torch.no_grad()
def by_other_means(config: Config, measure: Measure, run: Run) -> dict[str, float]:
    """``neighbour_by_colours``, ``_style`` and ``_axes``: what `Measure.neighbours` would be without an encoder.

    By means and deviations of the three colours; by the style distance; by its codes' first principal axes, as many as z has
    numbers.
    """
    features = features_for(config, run)
    pictures = (255 * measure.pictures).round().byte(), measure.gallery.pictures
    colours = [torch.cat([each.float().mean((2, 3)), each.float().std((2, 3))], 1) for each in pictures]
    codes = [style_codes(each, features) for each in pictures]
    middle = codes[1].mean(0)
    centred = codes[1] - middle
    strength, first = torch.linalg.eigh(centred @ centred.T)  # smaller than the codes' own covariance
    axes = centred.T @ (first / strength.clamp(min=1e-12).sqrt())[:, -config.z_size :]
    ways = {"colours": colours, "style": codes, "axes": [(each - middle) @ axes for each in codes]}
    return {f"neighbour_by_{name}": measure.agreement(*both)["neighbour_accuracy"] for name, both in ways.items()}


def played(finished: Mapping[str, object]) -> str:
    """Which of the finished experiments' networks readers play with: the long-trained one, where it is there."""
    return "play" if "play" in finished else "valley"
