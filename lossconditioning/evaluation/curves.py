"""Curves, several numbers of several terms; and curves among metrics, each of which is one number with a name.

Point I of a term stands under ``PREFIX_TERM_I``, or ``TERM_I`` without a prefix. `as_metrics` and `as_curve` are the only
functions that know of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError


def curve_of(points: Iterable[Mapping[str, Tensor | float]]) -> dict[str, Tensor]:
    """A curve out of its points, one or more, all of the same terms: term → its values, float64 ``(..., G)``.

    Args:
        points: term → its value there, a number or ``(...)``, of each of G points.

    Raises:
        ReaderError: if there are no points.
    """
    rows = list(points)
    if not rows:
        raise ReaderError("A curve is made of one point or more; got none.")
    return {
        term: torch.stack([torch.as_tensor(row[term], dtype=torch.float64) for row in rows], dim=-1) for term in rows[0]
    }


def as_metrics(prefix: str, curve: Mapping[str, Sequence[float] | Tensor]) -> dict[str, float]:
    """A curve, term → its points ``(G,)``, as metrics."""
    return {
        _name(prefix, term, index): float(value) for term, points in curve.items() for index, value in enumerate(points)
    }


def as_curve(metrics: Mapping[str, float], prefix: str, terms: Iterable[str]) -> dict[str, Tensor]:
    """A curve out of metrics: term → its points, float64 ``(G,)``; G is 0 for one that was not measured.

    Raises:
        ReaderError: if a point is missing before the last one: those after it would be taken for others, or for none.
    """
    curve = {}
    for term in terms:
        points = []
        while (name := _name(prefix, term, len(points))) in metrics:
            points.append(metrics[name])
        stem = name.removesuffix(str(len(points)))
        later = [other for other in metrics if other.startswith(stem) and other[len(stem) :].isdecimal()]
        if len(later) > len(points):
            raise ReaderError(
                f"The curve {stem.rstrip('_')!r} has {len(later)} points among the metrics, but no {name!r}: that one was not "
                "measured, or was not a finite number and so was not recorded. Measure the curve anew."
            )
        curve[term] = torch.tensor(points, dtype=torch.float64)
    return curve


def _name(prefix: str, term: str, index: int) -> str:
    return f"{prefix}_{term}_{index}" if prefix else f"{term}_{index}"
