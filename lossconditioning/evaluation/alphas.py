"""The α at which Dynamic-Nets are measured, and how steadily something follows them."""

from __future__ import annotations

from scipy.stats import spearmanr
from torch import Tensor

ALPHAS = tuple(i / 10 for i in range(11))
"""From the main network's objective to the blocks'."""
WIDE = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Beyond both ends."""


def monotonicity(values: Tensor) -> float:
    """Rank correlation (Spearman) of values at growing α with α: 1 if they always rise, −1 if they always fall."""
    return float(spearmanr(range(len(values)), values).statistic)
