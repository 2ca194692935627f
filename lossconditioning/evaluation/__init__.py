"""What a trained model is worth: frontiers, regret, gaps, hypervolume, BD-rate, and claims beside measurements."""

from lossconditioning.evaluation.claims import (
    Claim,
    Evaluation,
    Metrics,
    Statement,
    claims_markdown,
    claims_table,
    measured_claims,
    verdict,
)
from lossconditioning.evaluation.curves import as_curve, as_metrics, curve_of
from lossconditioning.evaluation.frontier import (
    cross_objectives,
    gap,
    gap_closed,
    hypervolume,
    hypervolume_shares,
    objective,
    regret,
    share_closed,
    single_model_baseline,
    term_values,
)
from lossconditioning.evaluation.rate_distortion import bd_rate, ms_ssim, similarity_decibels

__all__ = [
    "Claim",
    "Evaluation",
    "Metrics",
    "Statement",
    "as_curve",
    "as_metrics",
    "bd_rate",
    "claims_markdown",
    "claims_table",
    "cross_objectives",
    "curve_of",
    "gap",
    "gap_closed",
    "hypervolume",
    "hypervolume_shares",
    "measured_claims",
    "ms_ssim",
    "objective",
    "regret",
    "share_closed",
    "similarity_decibels",
    "single_model_baseline",
    "term_values",
    "verdict",
]
