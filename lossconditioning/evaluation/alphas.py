"""The α at which Dynamic-Nets are measured, and how steadily something follows them."""

from __future__ import annotations

import math

from scipy.stats import spearmanr
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.finiteness import all_finite

ALPHAS = tuple(i / 10 for i in range(11))
"""From the main network's objective to the blocks'."""
WIDE = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Beyond both ends."""


def monotonicity(values: Tensor) -> float:
    """Rank correlation (Spearman) of values at growing α with α: 1 if they always rise, −1 if they always fall.

    Args:
        values: ``(A,)``, finite.

    Returns:
        in [−1, 1]; nan for values that are all the same, which have no order.

    Raises:
        ReaderError: for another shape, or a value that is not finite.
    """
    if values.dim() != 1:
        raise ReaderError(f"One value for each α, (A,), expected; got {tuple(values.shape)}.")
    ordered = all_finite("Values at growing α", values).detach().double().cpu()
    if bool((ordered == ordered[:1]).all()):
        return math.nan
    return float(spearmanr(range(len(ordered)), ordered).statistic)
