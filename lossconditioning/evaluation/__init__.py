"""What a trained model is worth: frontiers, regret, gaps, hypervolume, BD-rate, and claims beside measurements."""

from lossconditioning.evaluation.claims import (
    Claim,
    Evaluation,
    Statement,
    claims_markdown,
    claims_table,
    measured_claims,
)
from lossconditioning.evaluation.curves import as_curve, as_metrics
from lossconditioning.evaluation.frontier import (
    cross_objectives,
    gap,
    gap_closed,
    hypervolume,
    hypervolume_shares,
    objective,
    regret,
    single_model_baseline,
    term_values,
)
from lossconditioning.evaluation.rate_distortion import bd_rate, ms_ssim, similarity_decibels

__all__ = [
    "Claim",
    "Evaluation",
    "Statement",
    "as_curve",
    "as_metrics",
    "bd_rate",
    "claims_markdown",
    "claims_table",
    "cross_objectives",
    "gap",
    "gap_closed",
    "hypervolume",
    "hypervolume_shares",
    "measured_claims",
    "ms_ssim",
    "objective",
    "regret",
    "similarity_decibels",
    "single_model_baseline",
    "term_values",
]
