"""What the paper claims about the toy, beside what `evaluate` measures."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Claim, measured_claims
from lossconditioning.systems.toy.task import PAPER_TABLE_1

KEYS = ("1", "0.75", "0.5", "0.25", "0")

OPTIMUM = {"1": 0.0, "0.75": 0.0476, "0.5": 0.0802, "0.25": 0.0834, "0": 0.0}
"""The optimal objective at Table 1's weights, to the paper's four digits; the tests compute it."""

BOUNDS = {"1": 0.00005, "0.75": 0.0002, "0.5": 0.0005, "0.25": 0.0009, "0": 0.0013}
"""Regret that the better recipe must stay below: at or below that of the paper's five separate models everywhere."""


def paper_regret(model: int) -> dict[str, float]:
    """Table 1's objectives minus the optimum: of the paper's sym model (0) or its separate models (1)."""
    return {key: PAPER_TABLE_1[float(key)][model][0] - OPTIMUM[key] for key in KEYS}


def claims(metrics: Mapping[str, float]) -> list[Claim]:
    """Every claim whose metrics are there, in the paper's order."""
    makers = (_similar, _table_sym, _table_separate, _input_only, _width, _better_recipe)
    return measured_claims(makers, metrics)


def _row(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {key: metrics[f"{prefix}regret_{key}"] for key in KEYS}


def _digits(values: Mapping[str, float], digits: int = 4) -> str:
    return ", ".join(f"{values[key]:.{digits}f}" for key in KEYS)


def _similar(metrics: Mapping[str, float]) -> Claim:
    papers = max(sym[0] - separate[0] for sym, separate in PAPER_TABLE_1.values())
    return Claim(
        "similar_to_separate",
        "One sym model has loss values similar to five separately trained models (5.1, Table 1)",
        f"objective at most {papers:.4f} above",
        f"at most {metrics['paper_largest_gap']:.4f} above",
        metrics["paper_largest_gap"] <= papers,
    )


def _table(metrics: Mapping[str, float], name: str, prefix: str, model: int, what: str) -> Claim:
    papers, ours = paper_regret(model), _row(metrics, prefix)
    # The paper prints four digits, so half a unit of the last one is rounding.
    return Claim(
        name,
        f"Objective of {what} at the five weights of Table 1, minus the optimum",
        _digits(papers),
        _digits(ours),
        all(ours[key] <= papers[key] + 0.00005 for key in KEYS),
    )


def _table_sym(metrics: Mapping[str, float]) -> Claim:
    return _table(metrics, "table_1_sym", "paper_", 0, "the sym model")


def _table_separate(metrics: Mapping[str, float]) -> Claim:
    return _table(metrics, "table_1_separate", "fixed_", 1, "the separate models")


def _input_only(metrics: Mapping[str, float]) -> Claim:
    ours, sym = metrics["input_only_travel"], metrics["paper_travel"]
    return Claim(
        "weights_at_input_only",
        "A model that is told S but trained on (0.5, 0.5) ignores S (5.1, Figure 5, S_in)",
        "outputs follow (0.5, 0.5) whatever S",
        f"output moves {ours:.4f} from S = (1, 0) to (0, 1); the sym model's {sym:.3f}",
        ours < 0.05 * sym,
    )


def _width(metrics: Mapping[str, float]) -> Claim:
    def excess(width: int) -> float:
        sym, fixed = ("paper_", "fixed_") if width == 64 else (f"width_{width}_sym_", f"width_{width}_fixed_")
        return metrics[f"{sym}mean_regret"] - metrics[f"{fixed}mean_regret"]

    gaps = {width: excess(width) for width in (4, 8, 16, 32, 64, 128)}
    return Claim(
        "network_size",
        "The smaller the network, the larger the sym model's loss against separate models (B.1, Figure 9)",
        "a curve, no numbers",
        "mean excess " + ", ".join(f"{gap:.4f} at {width}" for width, gap in gaps.items()),
        gaps[4] > gaps[16] > gaps[128],
    )


def _better_recipe(metrics: Mapping[str, float]) -> Claim:
    ours = _row(metrics, "")
    return Claim(
        "better_recipe",
        "Beyond the paper: regret of one better-trained model of the same size is at or below that of the paper's five "
        "separate models everywhere, to the digits the paper prints",
        "our bounds " + ", ".join(f"{BOUNDS[key]:g}" for key in KEYS),
        _digits(ours, 5),
        all(ours[key] <= BOUNDS[key] for key in KEYS),
    )
