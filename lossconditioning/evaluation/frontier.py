"""Term values over a grid of λ, and the numbers that compare a conditional model with the models it replaces.

Throughout, term values are dictionaries name → tensor whose last axis runs over the grid of G weight vectors; leading axes
(seeds, members) are free. The objective at a grid point is the weighted sum of the term values there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import moocore
import torch
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.curves import curve_of
from lossconditioning.losses import Terms, weighted


@torch.no_grad()
def term_values(evaluate: Callable[[Tensor], Terms], weights: Tensor) -> dict[str, Tensor]:
    """Average each term over the examples, at every weight vector of a grid.

    Args:
        evaluate: maps one λ, a row of ``weights``, to per-example terms of shape ``(..., B)``. For an ensemble the
            leading axis holds the members; a fixed-weight model ignores λ.
        weights: the grid, shape ``(G,)`` or ``(G, K)``.

    Returns:
        name → mean over examples, shape ``(..., G)``, in float64.
    """
    return curve_of({name: term.double().mean(-1) for name, term in evaluate(lam).items()} for lam in weights)


def objective(values: Mapping[str, Tensor], weights: Tensor) -> Tensor:
    """The weighted sum of term values ``(..., G)`` under the grid's own weights ``(G, K)``; shape ``(..., G)``."""
    return weighted(dict(values), weights.to(next(iter(values.values()))))


def cross_objectives(values: Mapping[str, Tensor], weights: Tensor) -> Tensor:
    """What every fixed-weight model costs under every objective.

    Args:
        values: name → term values of M fixed-weight models, shape ``(..., M)``.
        weights: objectives, shape ``(G, K)``.

    Returns:
        shape ``(..., M, G)``.
    """
    return objective(
        {name: value.unsqueeze(-1).expand(*value.shape, len(weights)) for name, value in values.items()}, weights
    )


def single_model_baseline(values: Mapping[str, Tensor], weights: Tensor) -> tuple[int, Tensor]:
    """The fixed-weight model with the lowest mean objective over the grid (YOTO, section 4.1, "Single model baseline").

    Args:
        values: name → term values of M fixed-weight models, shape ``(M,)``.
        weights: the grid, shape ``(G, K)``.

    Returns:
        its index, and its objective at every grid point, shape ``(G,)``.
    """
    costs = cross_objectives(values, weights)
    best = int(costs.mean(-1).argmin())
    return best, costs[best]


def regret(achieved: Tensor, optimum: Tensor) -> Tensor:
    """By how much an objective exceeds its known optimum, ≥ 0; shapes broadcast.

    Raises:
        ReaderError: if something is better than the optimum by more than rounding: then it is not the optimum.
    """
    excess = achieved.double() - optimum.double()
    if bool((excess < -1e-6).any()):
        raise ReaderError(
            f"An objective is {-float(excess.min()):.2g} below its optimum: evaluate both on the same points, "
            "with the same weights in the same order."
        )
    return excess.clamp(min=0)


def gap(conditional: Tensor, fixed: Tensor) -> Tensor:
    """Objective of the conditional model minus that of the model trained for exactly these weights; shapes broadcast."""
    return conditional.double() - fixed.double()


def gap_closed(conditional: Tensor, fixed: Tensor, single: Tensor) -> float:
    r"""How much of the way from one fixed model to one model per weight a conditional model goes.

    1 − mean(L_conditional − L_fixed) / mean(L_single − L_fixed) over the grid: 0 for a model no better than the best
    single fixed one, 1 for one as good as all the separate ones, above 1 for a better one.

    Args:
        conditional, fixed, single: objectives at the grid points, shape ``(G,)``.
    """
    room = gap(single, fixed).mean()
    if room <= 0:
        raise ReaderError(
            "The single model is at least as good as the separate ones, so there is no gap to close: are the fixed models "
            "trained, and the grid's weights theirs?"
        )
    return float(1 - gap(conditional, fixed).mean() / room)


def share_closed(conditional: Tensor, fixed: Tensor, single: Tensor) -> float:
    """`gap_closed`; nan, not an error, for models trained so little that the single one is as good as the separate ones."""
    return gap_closed(conditional, fixed, single) if gap(single, fixed).mean() > 0 else math.nan


def hypervolume(points: Tensor, reference: Tensor | list[float], ideal: Tensor | list[float] | None = None) -> float:
    """The volume that a set of points dominates, all terms to be minimised, below a reference point (moocore).

    Args:
        points: term values, shape ``(N, K)``.
        reference: the worst corner, shape ``(K,)``; points beyond it count for nothing.
        ideal: the best corner; if given, the result is a share in [0, 1] of the box between the two.
    """
    corner = torch.as_tensor(reference, dtype=torch.float64)
    if points.dim() != 2 or points.shape[1] != len(corner):
        raise ReaderError(
            f"points of shape {tuple(points.shape)} do not fit a reference of {len(corner)} terms: (N, K) expected."
        )
    best = None if ideal is None else torch.as_tensor(ideal, dtype=torch.float64)
    values = points.detach().double().cpu()
    counted = values[(values < corner).all(dim=1)]
    if best is not None and not bool((best < corner).all() and (counted >= best).all()):
        raise ReaderError(
            f"ideal {best.tolist()} must be at least as good as every point, and better than the reference."
        )
    volume = float(moocore.hypervolume(values.numpy(), ref=corner.numpy()))
    return volume if best is None else volume / float((corner - best).prod())


def hypervolume_shares(curves: Mapping[str, Tensor], reference: str) -> dict[str, float]:
    """Hypervolume of each curve below the worst ends of one of them, as a share of that one's.

    The corner is moved out by a tenth of the reference's extent, so that its two ends count too.

    Args:
        curves: name → term values, shape ``(N, K)``.
        reference: name of the curve that the others are measured against.
    """
    worst, best = curves[reference].max(0).values, curves[reference].min(0).values
    volumes = {name: hypervolume(points, worst + 0.1 * (worst - best)) for name, points in curves.items()}
    return {name: volume / volumes[reference] for name, volume in volumes.items()}
