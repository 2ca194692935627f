"""What a trained model is worth: frontiers, regret, gaps, hypervolume, and the paper's claims beside the measurements."""

from lossconditioning.evaluation.claims import Claim, Evaluation, claims_markdown, claims_table, measured_claims
from lossconditioning.evaluation.frontier import (
    cross_objectives,
    gap,
    gap_closed,
    hypervolume,
    objective,
    regret,
    single_model_baseline,
    term_values,
)

__all__ = [
    "Claim",
    "Evaluation",
    "claims_markdown",
    "claims_table",
    "cross_objectives",
    "gap",
    "gap_closed",
    "hypervolume",
    "measured_claims",
    "objective",
    "regret",
    "single_model_baseline",
    "term_values",
]
