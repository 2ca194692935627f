r"""The toy's loss terms, and the best any model could do.

Both losses read the same single output p ∈ (0, 1): the regression loss wants p = g(x), the classification loss wants p to
be the probability of class 1. They disagree almost everywhere, so the weights decide. Because the output is one number per
x, the optimum under any weights has a closed form, and every model's *regret* is exact.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSIFICATION_SCALE = 0.2
"""The classification loss is scaled down to 20 % "to balance the losses" (appendix A.1)."""

WEIGHTS = torch.tensor([[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
"""The five weight vectors (regression, classification) of the paper's Table 1, shape (5, 2)."""


def weight_key(weights: Tensor) -> str:
    """The name of a weight vector in metrics: its weight on regression, "1", "0.75", …"""
    return f"{float(weights[0]):g}"


PAPER_TABLE_1 = {
    # weights on regression: (sym: objective, L_r, L_c), (separate models: objective, L_r, L_c)
    1.0: ((0.0001, 0.0001, 0.2148), (0.0000, 0.0000, 0.2167)),
    0.75: ((0.0483, 0.0063, 0.1743), (0.0481, 0.0062, 0.1737)),
    0.5: ((0.0824, 0.0347, 0.1302), (0.0815, 0.0353, 0.1277)),
    0.25: ((0.0878, 0.1674, 0.0613), (0.0846, 0.1597, 0.0592)),
    0.0: ((0.0062, 0.4113, 0.0062), (0.0013, 0.4254, 0.0013)),
}
"""Table 1 of the paper, keyed by the weight on regression."""

Batch = tuple[Tensor, Tensor, Tensor]


def terms(model: nn.Module, batch: Batch, lam: Tensor) -> dict[str, Tensor]:
    """The two losses of each example, unweighted.

    Args:
        model: called as ``model(x, lam)``; puts out the logit of p, shape ``(..., B, 1)``.
        batch: x, y_r, y_c, each ``(..., B, 1)``.
        lam: weights, ``(..., B, 2)``: what the model is told, not yet what the losses are weighted by.

    Returns:
        ``{"regression", "classification"}``, each ``(..., B)``: squared error, and 0.2 × binary cross-entropy in nats.
    """
    x, y_r, y_c = batch
    return losses(model(x, lam), y_r, y_c)


def losses(logit: Tensor, y_r: Tensor, y_c: Tensor) -> dict[str, Tensor]:
    """Both losses of a prediction given by its logit; shapes ``(..., B, 1)`` in, ``(..., B)`` out."""
    return {
        "regression": (logit.sigmoid() - y_r).square().squeeze(-1),
        # From the logit, for log(p) of a p that rounds to 0 or 1 would end the gradient.
        "classification": CLASSIFICATION_SCALE
        * F.binary_cross_entropy_with_logits(logit, y_c, reduction="none").squeeze(-1),
    }


def optimum(y_r: Tensor, y_c: Tensor, lam: Tensor) -> Tensor:
    r"""The prediction that minimises the weighted loss at each point, in closed form.

    For class 1, s₁(p − g)² − 0.2 s₂ log p has its minimum where 2 s₁ p² − 2 s₁ g p − 0.2 s₂ = 0, so
    p* = (g + √(g² + 0.4 s₂/s₁)) / 2, at most 1; for class 0 the same holds for 1 − p and 1 − g.

    Args:
        y_r, y_c: targets, any one shape.
        lam: weights (s₁, s₂) ≥ 0, shape ``(2,)``.

    Returns:
        p*, of the targets' shape, in float64.
    """
    s_r, s_c = lam.double()
    goal = torch.where(y_c > 0.5, y_r, 1 - y_r).double()  # distance of the regression target from the wrong class
    if s_r == 0:
        best = torch.ones_like(goal)
    else:
        best = ((goal + (goal.square() + 2 * CLASSIFICATION_SCALE * s_c / s_r).sqrt()) / 2).clamp(max=1)
    return torch.where(y_c > 0.5, best, 1 - best)


def optimal_terms(y_r: Tensor, y_c: Tensor, lam: Tensor) -> dict[str, Tensor]:
    """Both losses of the pointwise optimum under weights ``lam`` of shape ``(2,)``; each of the targets' shape."""
    best = optimum(y_r, y_c, lam)
    right = torch.where(y_c > 0.5, best, 1 - best)
    return {
        "regression": (best - y_r.double()).square(),
        "classification": -CLASSIFICATION_SCALE * right.log(),
    }
