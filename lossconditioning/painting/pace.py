"""How large a painting is in a panel: as large as can be painted in time while a slider moves, and at rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

SIDES = (192, 128, 96)
"""Pixels a side that a painting may have while a slider moves."""
FULL = 256
"""Pixels a side once it is still."""
PATIENCE = 0.07
"""Seconds for a painting: of the 100 ms from a move to its picture, drawing the frame and the front end take the rest."""


def in_time(paint: Callable[[int], object], sides: Sequence[int] = SIDES, patience: float = PATIENCE) -> int:
    """The first of some sizes that is painted in time, at the best of three tries; the last of them if none is.

    Args:
        paint: paints at a number of pixels a side.
        sides: from large to small.
        patience: seconds.
    """
    for side in sides[:-1]:
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            paint(side)
            seconds.append(time.perf_counter() - started)
        if min(seconds) <= patience:
            return side
    return sides[-1]
