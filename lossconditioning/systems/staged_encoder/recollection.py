"""What was measured when cards were written, of networks that do not ship; and Table 4 of StEP, over repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from lossconditioning.systems.staged_encoder.evaluation import MAIN, METHODS
from lossconditioning.systems.staged_encoder.variants import VARIANTS
from lossconditioning.training.cards import Card


def recall(found: Mapping[str, Card]) -> dict[str, float]:
    """What the cards say of networks that do not ship, or whose data not everybody has.

    Returns:
        metrics as `evaluation.compare` names them: Table 1 of facades, and the fixed ends of the frontier; besides, see
        `table_4`.
    """
    return {**_of_facades(found), **_of_frontier(found), **table_4(found)}


def table_4(found: Mapping[str, Card]) -> dict[str, float]:
    """Table 4: means, and deviations where there are repetitions.

    Returns:
        ``ladder_psnr_VARIANT`` and ``ladder_lpips_VARIANT`` of every row that is there, with ``…_deviation``;
        ``ladder_seeds``, of how many repetitions at least.
    """
    metrics: dict[str, float] = {}
    counts = []
    for variant in VARIANTS:
        first = MAIN if variant == "ours_v3" else f"{MAIN}_{variant}"
        names = (first, f"{first}_again1", f"{first}_again2")
        cards = [found[name] for name in names if name in found]
        if not cards:
            continue
        counts.append(len(cards))
        for what in ("psnr", "lpips"):
            values = [card.metrics[what] for card in cards]
            metrics[f"ladder_{what}_{variant}"] = statistics.fmean(values)
            if len(values) > 1:
                metrics[f"ladder_{what}_{variant}_deviation"] = statistics.stdev(values)
    return {**metrics, **({"ladder_seeds": float(min(counts))} if counts else {})}


def _of_facades(found: Mapping[str, Card]) -> dict[str, float]:
    """Table 1 on facades as it stands in the cards, for whoever has not downloaded them."""
    names = {method: name.format("facades") for method, name in METHODS.items()}
    return {
        f"facades_{what}_{method}": found[name].metrics[what]
        for method, name in names.items()
        if name in found
        for what in ("psnr", "lpips")
    }


def _of_frontier(found: Mapping[str, Card]) -> dict[str, float]:
    """Of the generators with a λ of their own: PSNR, and what the critic said of them."""
    said = found["valley_critic"].metrics if "valley_critic" in found else {}
    metrics = {}
    for name in ("lively", "faithful"):
        if f"valley_{name}" in found:
            metrics[f"valley_{name}_psnr"] = found[f"valley_{name}"].metrics["psnr"]
            if f"realness_valley_{name}" in said:
                metrics[f"valley_{name}_realness"] = said[f"realness_valley_{name}"]
    return metrics
