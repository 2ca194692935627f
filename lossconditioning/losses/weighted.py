"""The objective Σ_k λ_k · L_k, one number per example.

Terms are named and unweighted: a dictionary of tensors, one value per example. Weights say how much each counts. Keeping
the two apart is what lets one network be trained under many objectives (YOTO, section 3; sym-parameters, equation 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError

Terms = Mapping[str, Tensor]


def weighted(terms: Terms, weights: Tensor | Mapping[str, Tensor | float]) -> Tensor:
    """Sum per-example terms under per-example weights.

    Args:
        terms: name → unweighted loss of each example, all of one shape ``(B,)`` (an ensemble's are ``(M, B)``).
        weights: either a tensor ``(B, K)`` whose columns weigh the K terms in their order, or name → weight, where a
            weight is a number or a tensor that broadcasts to ``(B,)``. The same λ may stand under several names. A term
            that is not named counts once.

    Returns:
        The objective of each example, shape ``(B,)``. Take ``.mean()`` for training.

    Raises:
        ReaderError: for unknown names, for terms reduced to one number, and for shapes that do not fit.

    Example:
        >>> lam = torch.tensor([[0.75, 0.25], [0.5, 0.5]])
        >>> weighted({"regression": torch.tensor([4.0, 2.0]), "classification": torch.tensor([0.0, 4.0])}, lam)
        tensor([3., 3.])
    """
    shape = _common_shape(terms)
    if isinstance(weights, Tensor):
        weights = _columns(terms, weights, shape)
    if not isinstance(weights, Mapping):
        raise ReaderError(
            f"Weights are a tensor (B, {len(terms)}) or a dictionary such as {{{next(iter(terms))!r}: 0.5}}; got {weights!r}."
        )
    unknown = [name for name in weights if name not in terms]
    if unknown:
        raise ReaderError(
            f"Weights are given for {unknown}, but the terms are named {list(terms)}. Use the same names."
        )
    total = None
    for name, term in terms.items():
        part = term if name not in weights else _weigh(name, term, weights[name])
        total = part if total is None else total + part
    return total


def balanced(terms: Terms, weights: Tensor | Mapping[str, Tensor | float], size: Tensor, power: float = 1.0) -> Tensor:
    """The objective of each example, divided by the size of its weights: large ones do not drown small ones.

    Where weights span orders of magnitude, the plain mean over a batch is a mean of the few examples with the largest. That
    changes how much each example counts in a shared gradient, not which prediction is best for it.

    Args:
        terms, weights: as for `weighted`.
        size: how large the weights of each example are, positive, ``(B,)``: their sum, or one of them over a usual value.
        power: 1 divides by the size itself, 0 not at all.

    Returns:
        ``(B,)``.
    """
    objective = weighted(terms, weights)
    return objective * size**-power if power else objective


def _common_shape(terms: Terms) -> torch.Size:
    if not isinstance(terms, Mapping):
        raise ReaderError(
            f"Terms are a dictionary such as {{'rate': …, 'distortion': …}}; got a {type(terms).__name__}."
        )
    if not terms:
        raise ReaderError("There are no terms to weigh: give a dictionary such as {'rate': …, 'distortion': …}.")
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.dim() == 0:
            raise ReaderError(
                f"Term {name!r} is one number, but every example has its own weight: return one loss per example, "
                "shape (B,). Average over pixels (for instance .flatten(1).mean(1)), not over the batch."
            )
    shapes = {name: tuple(term.shape) for name, term in terms.items()}
    if len(set(shapes.values())) > 1:
        raise ReaderError(f"All terms need the same shape, one value per example; got {shapes}.")
    return next(iter(terms.values())).shape


def _columns(terms: Terms, weights: Tensor, shape: torch.Size) -> dict[str, Tensor]:
    if weights.dim() == 0 or weights.shape[-1] != len(terms) or weights.dim() > len(shape) + 1:
        raise ReaderError(
            f"Weights of shape {tuple(weights.shape)} do not fit the {len(terms)} terms {list(terms)} of shape "
            f"{tuple(shape)}: expected {(*shape, len(terms))}, one column per term in that order."
        )
    return dict(zip(terms, weights.unbind(-1), strict=True))


def _weigh(name: str, term: Tensor, weight: Tensor | float) -> Tensor:
    if not isinstance(weight, (Tensor, Real)):
        raise ReaderError(f"The weight of {name!r} is a {type(weight).__name__}; expected a number or a tensor (B,).")
    if isinstance(weight, Tensor) and weight.dim() > 0:
        try:
            fits = torch.broadcast_shapes(weight.shape, term.shape) == term.shape
        except RuntimeError:
            fits = False
        if not fits:
            raise ReaderError(
                f"The weight of {name!r} has shape {tuple(weight.shape)}, its term {tuple(term.shape)}: one weight per "
                "example expected (or a single number for all)."
            )
    return weight * term
