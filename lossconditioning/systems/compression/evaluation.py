"""Holds one conditional codec against the fixed-weight ones it replaces, and both against JPEG and WebP."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from lossconditioning.codec import Codec
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation import as_curve, as_metrics, bd_rate
from lossconditioning.systems.compression.data import held_out_photographs, measured_on
from lossconditioning.systems.compression.measures import NAMES, QUALITIES, Curve, curve, reference_curve
from lossconditioning.systems.compression.recipes import FIXED_NAMES
from lossconditioning.systems.compression.task import lam_grid
from lossconditioning.training import Run, Trained
from lossconditioning.training.cards import Card


def compared(run: Run) -> tuple[str, ...]:
    """The fixed-weight models, which conditional ones are compared with."""
    return FIXED_NAMES


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Measure finished networks anew, from real files of photographs.

    Returns:
        ``bd_rate_NAME`` and ``bd_rate_ms_ssim_NAME`` of every conditional model against the fixed-weight ones, in
        percent of the rate; ``bd_rate_vs_jpeg_NAME`` and ``…_webp_…`` of every learned curve, ``bd_rate_vs_jpeg`` being
        the largest of them; ``size_error``, by how much files differ from the models' own estimate, as a share: the mean over
        pictures, at the worst point of all curves; ``pictures``, how many there were; and
        the curves, ``lambda_0``, ``yoto_rate_0``, ``yoto_psnr_0``, ``yoto_ms_ssim_0``…
    """
    found = measured_on(run.data, few=True) if run.smoke else held_out_photographs(run.data)
    grid, codecs = lam_grid().tolist(), {name: Codec(item.model) for name, item in trained.items()}
    fixed = [(codecs.pop(name), lam) for name, lam in zip(FIXED_NAMES, grid, strict=True)]
    points = {"fixed": fixed, **{name: [(codec, lam) for lam in grid] for name, codec in codecs.items()}}
    learned = {name: curve(row, found.pictures) for name, row in points.items()}
    metrics = summary(learned, {name: reference_curve(name, found.pictures) for name in QUALITIES})
    return {**metrics, **as_metrics("", {"lambda": grid}), "pictures": len(found.pictures)}


def summary(learned: Mapping[str, Curve], references: Mapping[str, Curve]) -> dict[str, float]:
    """All comparisons and curves as numbers; see `compare`. ``learned`` holds the fixed-weight models as "fixed"."""
    metrics: dict[str, float] = {}
    for name, ours in learned.items():
        if name != "fixed":
            metrics[f"bd_rate_{name}"] = bd_rate_between(ours, learned["fixed"])
            metrics[f"bd_rate_ms_ssim_{name}"] = bd_rate_between(ours, learned["fixed"], "ms_ssim")
        for other, reference in references.items():
            metrics[f"bd_rate_vs_{other}_{name}"] = bd_rate_between(ours, reference)
    against_jpeg = [metrics[f"bd_rate_vs_jpeg_{name}"] for name in learned]
    metrics["bd_rate_vs_jpeg"] = max(against_jpeg) if all(map(math.isfinite, against_jpeg)) else math.nan
    metrics["size_error"] = max(float(ours["size_error"].abs().max()) for ours in learned.values())
    for name, found in {**learned, **references}.items():
        metrics.update(as_metrics(name, {key: found[key] for key in NAMES}))
    return metrics


def bd_rate_between(ours: Curve, reference: Curve, quality: str = "psnr") -> float:
    """BD-rate in percent of one curve against another, see `bd_rate`; nan where one is no curve at all.

    That is so for models that were hardly trained, which put out the same picture at every weight.
    """
    try:
        return bd_rate(ours["rate"], ours[quality], reference["rate"], reference[quality])
    except ReaderError:
        return math.nan


def recorded_curve(found: Mapping[str, Card], name: str) -> Curve:
    """A curve as it was measured when the cards were written: `NAMES`.

    Args:
        found: cards by name, see `System.recorded`.
        name: a conditional model's experiment, or "fixed" for the fixed-weight models together.
    """
    curves = [as_curve(found[each].metrics, "", NAMES) for each in (FIXED_NAMES if name == "fixed" else [name])]
    return {key: torch.cat([points[key] for points in curves]) for key in NAMES}


def recall(found: Mapping[str, Card]) -> dict[str, float]:
    """BD-rates of conditional models as their cards have them, also of those too many to ship: ``recorded_bd_rate_NAME``."""
    if not set(FIXED_NAMES) <= set(found):
        return {}
    fixed = recorded_curve(found, "fixed")
    yoto = (name for name, card in found.items() if card.config["kind"] == "yoto")
    return {f"recorded_bd_rate_{name}": bd_rate_between(recorded_curve(found, name), fixed) for name in yoto}
