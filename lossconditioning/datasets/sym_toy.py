"""The 1-D toy of the sym-parameters paper (section 5.1 and appendix A.1): one input, two targets that disagree.

A polynomial g and a line h on x ∈ [−1, 1]; the regression target is g(x), the class is 1 where g(x) < h(x).
"""

from __future__ import annotations

import torch
from torch import Tensor

from lossconditioning.errors import positive_int


def g(x: Tensor) -> Tensor:
    """The regression target, g(x) = x (x − 0.8)(x + 0.9) + 0.5, in [0.29, 0.88] on [−1, 1] (appendix A.1, equation 6)."""
    return x * (x - 0.8) * (x + 0.9) + 0.5


def h(x: Tensor) -> Tensor:
    """The line that g is compared with, h(x) = −0.1 x + 0.5 (appendix A.1, equation 7)."""
    return -0.1 * x + 0.5


def sym_toy(points: int) -> tuple[Tensor, Tensor, Tensor]:
    """The data set of tuples (x, y_r, y_c).

    The paper does not say how many points it has nor where they lie; here they are the midpoints of equal intervals, so
    that the mean over them is the midpoint rule for the mean over [−1, 1].

    Args:
        points: number of points N.

    Returns:
        x, y_r = g(x), and y_c ∈ {0, 1}, each of shape ``(N, 1)``.
    """
    x = (2 * torch.arange(positive_int("points", points)).unsqueeze(1) + 1) / points - 1
    return x, g(x), (g(x) < h(x)).float()
