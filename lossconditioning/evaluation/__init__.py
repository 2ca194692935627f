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
from lossconditioning.evaluation.gaussians import frechet
from lossconditioning.evaluation.patches import leakage
from lossconditioning.evaluation.rate_distortion import bd_rate, mean_psnr, ms_ssim, similarity_decibels
from lossconditioning.evaluation.scores import classifier_score
from lossconditioning.evaluation.single_image import FirstLayer, diversity, msifid, sifid, sifids

__all__ = [
    "Claim",
    "Classifier",
    "Evaluation",
    "FirstLayer",
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
    "diversity",
    "frechet",
    "gap",
    "gap_closed",
    "hypervolume",
    "hypervolume_shares",
    "leakage",
    "mean_psnr",
    "measured_claims",
    "ms_ssim",
    "msifid",
    "objective",
    "regret",
    "share_closed",
    "sifid",
    "sifids",
    "similarity_decibels",
    "single_model_baseline",
    "term_values",
    "verdict",
]
