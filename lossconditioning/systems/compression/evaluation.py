"""Holds one conditional codec against the fixed-weight ones it replaces, and both against JPEG and WebP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.errors import CheckpointError, ReaderError
from lossconditioning.evaluation import Evaluation, bd_rate
from lossconditioning.paths import shipped
from lossconditioning.systems.compression.claims import claims
from lossconditioning.systems.compression.codec import Codec
from lossconditioning.systems.compression.measures import NAMES, Values, curve
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.pictures import held_out_photographs
from lossconditioning.systems.compression.recipes import FIXED, SYSTEM, Config, build
from lossconditioning.systems.compression.references import QUALITIES, reference_curve
from lossconditioning.systems.compression.task import lambda_grid
from lossconditioning.training.cards import Card, cards, finished, load_network


@dataclass(frozen=True)
class Trained:
    """A finished experiment: its configuration, card and network."""

    config: Config
    card: Card
    model: ScaleHyperprior


def load(name: str, folder: Path | None = None) -> Trained:
    """Load a finished experiment, verified; from the shipped checkpoints if no folder is given."""
    folder = folder or shipped("checkpoints") / SYSTEM
    card, model = load_network(folder, name, SYSTEM, lambda card: build(Config(**card.config)))
    return Trained(Config(**card.config), card, model)


def fixed_names() -> list[str]:
    """Names of the fixed-weight models' experiments, by growing λ."""
    return [f"fixed_{index}" for index in range(FIXED)]


def recorded(folder: Path | None = None) -> dict[str, Card]:
    """Cards of finished experiments by name: of a folder's; or of all that the notebook shows, those too many to ship too."""
    folders = [folder] if folder else [shipped("checkpoints") / SYSTEM, shipped("records") / SYSTEM]
    return {card.name: card for each in folders for card in cards(each, SYSTEM)}


def recorded_evaluation() -> Evaluation:
    """The recorded result of `evaluate` on the shipped checkpoints, with Kodak's 24 photographs."""
    return Evaluation.read(shipped("records") / f"{SYSTEM}.json")


def recorded_curve(found: Mapping[str, Card], name: str) -> Values:
    """A curve as it was measured when the cards were written, name → ``(G,)``.

    Args:
        found: cards by name, see `recorded`.
        name: a conditional model's experiment, or "fixed" for the fixed-weight models together.
    """
    if name == "fixed":
        rows = [found[each].metrics for each in fixed_names()]
        return {key: torch.tensor([row[f"{key}_0"] for row in rows], dtype=torch.float64) for key in NAMES}
    metrics = found[name].metrics
    return {key: torch.tensor([metrics[f"{key}_{i}"] for i in range(FIXED)], dtype=torch.float64) for key in NAMES}


def compare(values: Values, reference: Values, quality: str = "psnr") -> float:
    """BD-rate in percent of one curve against another, see `bd_rate`; nan where one is no curve at all.

    That is so for models that were hardly trained, which put out the same picture at every weight.
    """
    try:
        return bd_rate(values["rate"], values[quality], reference["rate"], reference[quality])
    except ReaderError:
        return math.nan


# `lossconditioning evaluate compression` ----------------------------------------------------------------------------------


def evaluate(checkpoint: Path | None = None, folder: Path | None = None) -> Evaluation:
    """Measure every finished checkpoint of a folder anew, from real files of photographs, and check the paper's claims.

    Args:
        checkpoint: a folder of checkpoints; the shipped ones if not given.
        folder: of photographs, or with a ``kodak`` in it; the built-in photographs stand in where there is none.

    Returns:
        metrics: ``bd_rate_NAME`` and ``bd_rate_ms_ssim_NAME`` of every conditional model against the fixed-weight ones, in
        percent of the rate; ``bd_rate_vs_jpeg_NAME`` and ``…_webp_…`` of every learned curve, ``bd_rate_vs_jpeg`` being
        the largest of them; ``size_error``, by how much files differ from the models' own estimate, as a share: the mean over
        pictures, at the worst point of all curves; ``pictures``, how many there were; and
        the curves, ``lambda_0``, ``yoto_rate_0``, ``yoto_psnr_0``, ``yoto_ms_ssim_0``…
    """
    place, names = finished(checkpoint or shipped("checkpoints") / SYSTEM, SYSTEM)
    if not set(fixed_names()) <= set(names):
        raise CheckpointError(
            f"{place} lacks some of the fixed-weight models {fixed_names()} to compare with; train them: "
            "lossconditioning train compression --only fixed_0 …"
        )
    pictures = held_out_photographs(folder).pictures
    grid = lambda_grid(FIXED).tolist()
    codecs = {name: Codec(load(name, place).model) for name in names}
    fixed = [(codecs.pop(name), weight) for name, weight in zip(fixed_names(), grid, strict=True)]
    points = {"fixed": fixed, **{name: [(codec, weight) for weight in grid] for name, codec in codecs.items()}}
    learned = {name: curve(row, pictures) for name, row in points.items()}
    metrics = summary(learned, {name: reference_curve(name, pictures) for name in QUALITIES})
    metrics.update({f"lambda_{i}": weight for i, weight in enumerate(grid)})
    # No number for what can not be measured, such as MS-SSIM of small pictures.
    metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
    metrics["pictures"] = len(pictures)
    return Evaluation(str(place), metrics, claims({**metrics, **recorded_comparisons(recorded(checkpoint and place))}))


def summary(learned: Mapping[str, Values], references: Mapping[str, Values]) -> dict[str, float]:
    """All comparisons and curves as numbers; see `evaluate`. ``learned`` holds the fixed-weight models as "fixed"."""
    metrics: dict[str, float] = {}
    for name, values in learned.items():
        if name != "fixed":
            metrics[f"bd_rate_{name}"] = compare(values, learned["fixed"])
            metrics[f"bd_rate_ms_ssim_{name}"] = compare(values, learned["fixed"], "ms_ssim")
        for other, reference in references.items():
            metrics[f"bd_rate_vs_{other}_{name}"] = compare(values, reference)
    against_jpeg = [metrics[f"bd_rate_vs_jpeg_{name}"] for name in learned]
    metrics["bd_rate_vs_jpeg"] = max(against_jpeg) if all(map(math.isfinite, against_jpeg)) else math.nan
    metrics["size_error"] = max(float(values["size_error"].abs().max()) for values in learned.values())
    for name, values in {**learned, **references}.items():
        for key in NAMES:
            metrics.update({f"{name}_{key}_{i}": float(value) for i, value in enumerate(values[key])})
    return metrics


def recorded_comparisons(found: Mapping[str, Card]) -> dict[str, float]:
    """BD-rates of conditional models as their cards have them, also of those too many to ship: ``recorded_bd_rate_NAME``."""
    if not set(fixed_names()) <= set(found):
        return {}
    fixed = recorded_curve(found, "fixed")
    return {
        f"recorded_bd_rate_{name}": compare(recorded_curve(found, name), fixed)
        for name, card in found.items()
        if card.config["kind"] == "yoto"
    }


def recorded_metrics_curve(metrics: Mapping[str, float], name: str) -> dict[str, Tensor]:
    """A curve out of the metrics of an `Evaluation`: name → ``(G,)``."""
    curves = {}
    for key in NAMES:
        count = sum(metric.startswith(f"{name}_{key}_") and metric.rpartition("_")[2].isdigit() for metric in metrics)
        curves[key] = torch.tensor([metrics[f"{name}_{key}_{i}"] for i in range(count)], dtype=torch.float64)
    return curves
