"""Term values over a grid of λ, and the numbers that compare a conditional model with the models it replaces.

Throughout, term values are dictionaries name → tensor whose last axis runs over the grid of G weight vectors; leading axes
(seeds, members) are free. The objective at a grid point is the weighted sum of the term values there. What is not finite, as
the terms of a network that diverged, is measured as it is, and compared with nothing: every comparison refuses it by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import moocore
import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.evaluation.curves import curve_of
from lossconditioning.evaluation.finiteness import all_finite
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

    Raises:
        ReaderError: for a grid without points, or a term without examples, which have no mean.
    """
    if not len(weights):
        raise ReaderError("The grid has no weights: term values are measured at one or more, (G,) or (G, K).")
    measured = [evaluate(lam) for lam in weights]
    empty = next((name for name, term in measured[0].items() if not term.shape[-1]), None)
    if empty is not None:
        raise ReaderError(
            f"The term {empty!r} is that of no examples, so it has no mean; got {measured[0][empty].shape}."
        )
    return curve_of({name: term.double().mean(-1) for name, term in terms.items()} for terms in measured)


def objective(values: Mapping[str, Tensor], weights: Tensor) -> Tensor:
    """The weighted sum of term values ``(..., G)`` under the grid's own weights ``(G, K)``; shape ``(..., G)``.

    Raises:
        ReaderError: if a term value or a weight is not finite, as those of a network that diverged.
    """
    for name, value in values.items():
        all_finite(f"Values of the term {name!r}", value)
    all_finite("Weights", weights)
    return all_finite("Objectives", weighted(dict(values), weights.to(next(iter(values.values())))))


def cross_objectives(values: Mapping[str, Tensor], weights: Tensor) -> Tensor:
    """What every fixed-weight model costs under every objective.

    Args:
        values: name → term values of M fixed-weight models, shape ``(..., M)``.
        weights: objectives, shape ``(G, K)``.

    Returns:
        shape ``(..., M, G)``.

    Raises:
        ReaderError: if a term value or a weight is not finite; the index named for a term is its model's.
    """
    for name, value in values.items():
        all_finite(f"Values of the term {name!r}, one for each model,", value)
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

    Raises:
        ReaderError: if a model's value is not finite, and if there are no models or no grid points.
    """
    costs = cross_objectives(values, weights)
    if not costs.numel():
        raise ReaderError(
            f"Of {len(costs)} models at {len(weights)} grid points, none is the best: one or more of each."
        )
    best = int(costs.mean(-1).argmin())
    return best, costs[best]


def regret(achieved: Tensor, optimum: Tensor) -> Tensor:
    """By how much an objective exceeds its known optimum, ≥ 0; shapes broadcast.

    Raises:
        ReaderError: if something is better than the optimum by more than rounding: then it is not the optimum. And if an
            objective is not finite.
    """
    excess = all_finite("Objectives achieved", achieved).double() - all_finite("Optima", optimum).double()
    if bool((excess < -1e-6).any()):
        raise ReaderError(
            f"An objective is {-float(excess.min()):.2g} below its optimum: evaluate both on the same points, "
            "with the same weights in the same order."
        )
    return excess.clamp(min=0)


def gap(conditional: Tensor, fixed: Tensor) -> Tensor:
    """Objective of the conditional model minus that of the model trained for exactly these weights; shapes broadcast.

    Raises:
        ReaderError: if an objective is not finite.
    """
    return _excess("The conditional model", conditional, fixed)


def _excess(whose: str, objectives: Tensor, fixed: Tensor) -> Tensor:
    """By how much a model's objectives exceed the fixed models'."""
    all_finite("Objectives of the fixed models", fixed)
    return all_finite(f"{whose}'s objectives", objectives).double() - fixed.double()


def gap_closed(conditional: Tensor, fixed: Tensor, single: Tensor) -> float:
    r"""How much of the way from one fixed model to one model per weight a conditional model goes.

    1 − mean(L_conditional − L_fixed) / mean(L_single − L_fixed) over the grid: 0 for a model no better than the best
    single fixed one, 1 for one as good as all the separate ones, above 1 for a better one.

    Args:
        conditional, fixed, single: objectives at the grid points, shape ``(G,)``.

    Raises:
        ReaderError: if there is no gap, there are no grid points, or an objective is not finite.
    """
    room, ours = _excess("The single model", single, fixed), gap(conditional, fixed)
    if not room.numel() or not ours.numel():
        raise ReaderError("There are no grid points, so there is no gap to close: objectives are (G,), one or more.")
    room, ours = room.mean(), ours.mean()
    if room <= 0:
        raise ReaderError(
            "The single model is at least as good as the separate ones, so there is no gap to close: are the fixed models "
            "trained, and the grid's weights theirs?"
        )
    return float(1 - ours / room)


def share_closed(conditional: Tensor, fixed: Tensor, single: Tensor) -> float:
    """`gap_closed`; nan, not an error, for models trained so little that the single one is as good as the separate ones."""
    return math.nan if gap(single, fixed).mean() <= 0 else gap_closed(conditional, fixed, single)


def hypervolume(points: Tensor, reference: Tensor | list[float], ideal: Tensor | list[float] | None = None) -> float:
    """The volume that a set of points dominates, all terms to be minimised, below a reference point (moocore).

    Args:
        points: term values, shape ``(N, K)``.
        reference: the worst corner, shape ``(K,)``; points beyond it count for nothing.
        ideal: the best corner; if given, the result is a share in [0, 1] of the box between the two.

    Raises:
        ReaderError: for a point or a corner that is not finite, shapes that do not fit, and an ideal that a point beats.
    """
    values, corner = _exact("Points", points), _exact("The reference's terms", reference)
    if corner.dim() != 1 or values.dim() != 2 or values.shape[1] != len(corner):
        raise ReaderError(
            f"points of shape {tuple(values.shape)} do not fit a reference of {corner.numel()} terms: (N, K) expected, and "
            "(K,)."
        )
    best = None if ideal is None else _exact("The ideal's terms", ideal)
    if best is not None and best.shape != corner.shape:
        raise ReaderError(f"An ideal of shape {tuple(best.shape)} does not fit a reference of {len(corner)} terms.")
    counted = values[(values < corner).all(dim=1)]
    if best is not None and not bool((best < corner).all() and (counted >= best).all()):
        raise ReaderError(
            f"ideal {best.tolist()} must be at least as good as every point, and better than the reference."
        )
    volume = float(moocore.hypervolume(values.numpy(), ref=corner.numpy()))
    return volume if best is None else volume / float((corner - best).prod())


def _exact(what: str, values: Tensor | list[float]) -> Tensor:
    """As finite float64 numbers on the CPU, without gradient."""
    return all_finite(what, torch.as_tensor(values).detach().double().cpu())


def hypervolume_shares(curves: Mapping[str, Tensor], reference: str) -> dict[str, float]:
    """Hypervolume of each curve below the worst ends of one of them, as a share of that one's.

    The corner is moved out by a tenth of the reference's extent, so that its two ends count too.

    Args:
        curves: name → term values, shape ``(N, K)``.
        reference: name of the curve that the others are measured against.

    Raises:
        ReaderError: for a point that is not finite, and a reference without extent: below it there is no volume.
    """
    curves = {name: _exact(f"Points of the curve {name!r}", points) for name, points in curves.items()}
    ends = curves[one_of("curve", reference, curves)]
    if ends.dim() != 2 or not ends.numel() or not bool((ends.amax(0) > ends.amin(0)).all()):
        raise ReaderError(
            f"Shares are of what the curve {reference!r} dominates, and it dominates nothing: points (N, K) that differ in "
            f"every term expected; got shape {tuple(ends.shape)}."
        )
    corner = ends.amax(0) + 0.1 * (ends.amax(0) - ends.amin(0))
    volumes = {name: hypervolume(points, corner) for name, points in curves.items()}
    return {name: volume / volumes[reference] for name, volume in volumes.items()}
