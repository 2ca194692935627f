"""What was measured when cards were written, of networks that do not ship or whose pictures not everybody has."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from lossconditioning.systems.hyper_singan.recipes import DEPTHS, GROWING, SEPARATE
from lossconditioning.training.cards import Card

SCORES = ("sifid", "msifid", "diversity")


def recall(found: Mapping[str, Card]) -> dict[str, float]:
    """What the cards say; scores there are of 20 samples, and of the first five pictures.

    Returns:
        "batch_N_SCORE" (Table 2); "grown_N_SCORE" and "grown_N_unseen_SCORE" over N pictures (Table 3); "heads_KIND_SCORE";
        "frozen_DEPTH_SCORE" (appendix C); "card_PREFIX_dataset_SCORE" and "card_PREFIX_singan_SCORE", Table 1 as it stands in
        the cards; "drift_alone" and "drift_accumulated", errors of reconstruction at the coarsest scale, once all are learned.
    """
    metrics: dict[str, float] = {}
    for count in range(1, 6):
        metrics |= _of(found, f"batch_{count}", f"batch_{count}_")
    for count in GROWING:
        name = "dataset" if count == 50 else f"dataset_{count}"
        metrics |= _of(found, name, f"grown_{count}_")
        metrics |= _of(found, name, f"grown_{count}_", "unseen_")
    for kind in ("full", "chunked"):
        metrics |= _of(found, kind, f"heads_{kind}_")
    for depth in DEPTHS:
        metrics |= _of(found, f"frozen_{depth}", f"frozen_{depth}_")
    for prefix in ("", "places_", "lsun_"):
        metrics |= _table_1(found, prefix)
    for name, kind in (("drifting", "alone"), ("batch_4", "accumulated")):
        if name in found:
            metrics[f"drift_{kind}"] = found[name].metrics["error_1"]
    return metrics


def _of(found: Mapping[str, Card], name: str, prefix: str, part: str = "") -> dict[str, float]:
    """A card's scores under a prefix; none if there is no such card, or it has none."""
    values = found[name].metrics if name in found else {}
    return {f"{prefix}{part}{score}": values[part + score] for score in SCORES if part + score in values}


def _table_1(found: Mapping[str, Card], prefix: str) -> dict[str, float]:
    separate = [found[name] for n in range(SEPARATE) for name in [f"{prefix}singan_{n}"] if name in found]
    if f"{prefix}dataset" not in found or not separate:
        return {}
    ours, metrics = found[f"{prefix}dataset"], {}
    for score in SCORES:
        metrics[f"card_{prefix}dataset_{score}"] = ours.metrics[score]
        metrics[f"card_{prefix}singan_{score}"] = fmean(card.metrics[score] for card in separate)
    return metrics
