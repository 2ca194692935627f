"""Tables 1 to 3 of Meta Internal Learning and that of appendix C, ours beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lossconditioning.systems.hyper_singan.recipes import DEPTHS, GROWING

SCORES = ("sifid", "msifid", "diversity")
_HEADS = ["SIFID", "mSIFID", "diversity"]
PAPER_1 = {
    "SinGAN": ((0.09, 0.15, 0.52, 60), (0.11, 0.20, 0.60, 60)),
    "ConSinGAN": ((0.06, 0.08, 0.50, 20), (0.08, 0.13, 0.55, 20)),
    "HP-VAE-GAN": ((0.17, 0.27, 0.62, 60), (0.40, 0.62, 0.78, 60)),
    "hypernetwork, one picture": ((0.03, 0.06, 0.57, 30), (0.11, 0.19, 0.65, 30)),
    "hypernetwork, data set": ((0.05, 0.07, 0.50, 5), (0.11, 0.16, 0.48, 5)),
}
"""Method → SIFID, mSIFID, diversity and minutes per picture on Places-50 and LSUN-50 (Table 1)."""
PAPER_2 = {
    1: (0.03, 0.07, 0.73),
    2: (0.04, 0.07, 0.66),
    3: (0.03, 0.07, 0.68),
    4: (0.04, 0.08, 0.70),
    5: (0.04, 0.08, 0.71),
}
"""Pictures of a mini-batch → scores (Table 2)."""
PAPER_3 = {500: (0.04, 0.47), 2500: (0.05, 0.43), 5000: (0.05, 0.41)}
"""Pictures learned from → SIFID of learned and of unseen ones (Table 3)."""
PAPER_C = {"end to end": (0.05, 0.07, 0.50), 1: (0.26, 0.56, 0.79), 3: (0.14, 0.23, 0.63), 5: (0.17, 0.27, 0.63)}
"""Layers from a frozen backbone to the heads → scores on Places-50 (appendix C)."""


def table_1(metrics: Mapping[str, float], prefix: str = "") -> pd.DataFrame:
    """Ours on a data set, see `evaluation.table_1`, and below the paper's. What was not measured is left out.

    Args:
        prefix: of the metrics: "lsun_" is set beside the paper's numbers on LSUN-50, all others beside those on Places-50.
    """
    rows = {}
    for label, suffix in (
        ("separate SinGANs", "_separate"),
        ("hypernetwork, one picture", "_single"),
        ("hypernetwork, data set", ""),
    ):
        names = [f"{prefix}{score}{suffix}" for score in SCORES]
        if all(name in metrics for name in names):
            rows[("ours", label)] = [*(metrics[name] for name in names), metrics.get(f"{prefix}minutes{suffix}")]
    rows |= {("paper", label): list(lsun if prefix == "lsun_" else places) for label, (places, lsun) in PAPER_1.items()}
    return _frame(rows, [*_HEADS, "minutes per picture"])


def table_2(metrics: Mapping[str, float]) -> pd.DataFrame:
    """Mini-batches of one to five pictures."""
    rows = {}
    for count, paper in PAPER_2.items():
        rows[("ours", f"{count}")] = [metrics.get(f"batch_{count}_{score}") for score in SCORES]
        rows[("paper", f"{count}")] = list(paper)
    ordered = {key: rows[key] for who in ("ours", "paper") for key in rows if key[0] == who}
    return _frame(ordered, _HEADS).dropna()


def table_3(metrics: Mapping[str, float]) -> pd.DataFrame:
    """Growing data sets: SIFID of learned and of unseen pictures."""
    rows = {
        ("ours", f"{count}"): [metrics.get(f"grown_{count}_sifid"), metrics.get(f"grown_{count}_unseen_sifid")]
        for count in GROWING
    }
    rows |= {("paper", f"{count}"): list(values) for count, values in PAPER_3.items()}
    return _frame(rows, ["SIFID, learned", "SIFID, unseen"]).dropna()


def table_c(metrics: Mapping[str, float]) -> pd.DataFrame:
    """A frozen backbone beside an embedding that learns."""
    rows = {("ours", "end to end"): [metrics.get(f"grown_50_{score}") for score in SCORES]}
    for depth in DEPTHS:
        rows[("ours", f"frozen, {depth} layers")] = [metrics.get(f"frozen_{depth}_{score}") for score in SCORES]
    for depth, values in PAPER_C.items():
        rows[("paper", depth if isinstance(depth, str) else f"frozen, {depth} layers")] = list(values)
    return _frame(rows, _HEADS).dropna()


def _frame(rows: Mapping[tuple[str, str], list], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows.values()), pd.MultiIndex.from_tuples(list(rows)), columns, dtype=float).round(3)
