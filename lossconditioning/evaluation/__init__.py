"""What a trained model is worth: frontiers, regret, gaps, hypervolume, BD-rate, scores, and claims beside measurements."""

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
from lossconditioning.evaluation.classifier import Classifier
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
from lossconditioning.evaluation.rate_distortion import bd_rate, mean_psnr, ms_ssim, similarity_decibels
from lossconditioning.evaluation.scores import classifier_score

__all__ = [
    "Claim",
    "Classifier",
    "Evaluation",
    "Metrics",
    "Statement",
    "as_curve",
    "as_metrics",
    "bd_rate",
    "claims_markdown",
    "claims_table",
    "classifier_score",
    "cross_objectives",
    "curve_of",
    "gap",
    "gap_closed",
    "hypervolume",
    "hypervolume_shares",
    "mean_psnr",
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
