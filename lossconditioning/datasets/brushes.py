"""What drawn faces are drawn with: shapes as signed distances from their edges, and colours between two others.

Distances are in pixels, negative inside. All is computed by + − × ÷, square root, minimum and maximum alone, see
`datasets.drawn_faces`.
"""

from __future__ import annotations

import numpy as np


def between(one: np.ndarray, other: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """From ``one`` to ``other`` by a share in [0, 1]."""
    return one + share * (other - one)


def shaded(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> list[np.ndarray]:
    """A colour of each pixel, from ``one`` to ``other`` ``(B, 3)`` by a share ``(B, h, w)``, for a canvas."""
    return [one[:, c, None, None] + share * (other - one)[:, c, None, None] for c in range(3)]


def either(condition: np.ndarray, yes: np.ndarray | float, no: np.ndarray | float) -> np.ndarray:
    """numpy.where that stays in single precision."""
    return np.where(condition, np.float32(yes), np.float32(no))


def unit(x: np.ndarray) -> np.ndarray:
    """What is below 0 as 0, what is above 1 as 1."""
    return np.minimum(np.maximum(x, 0), 1)


def inside(distance: np.ndarray, soft: float = 1.0) -> np.ndarray:
    """How much of a pixel a shape covers, by the signed distance from its edge; ``soft`` pixels from none to all."""
    return unit(0.5 - (distance if soft == 1.0 else distance * (1 / soft)))


def bump(x: np.ndarray) -> np.ndarray:
    """A smooth hill of height 1 over [-1, 1], of a squared ``x``."""
    hill = np.maximum(1 - x, 0)
    return hill * hill


def ellipse(x: np.ndarray, y: np.ndarray, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
    """Distance from an ellipse with half-axes ``a`` and ``b``, exact near its edge only."""
    p, q = x / a, y / b
    steep = np.sqrt((p / a) ** 2 + (q / b) ** 2) + 1e-3
    return (p * p + q * q - 1) / (2 * steep)


def wave(x: np.ndarray) -> np.ndarray:
    """A smooth wave of period 1 between −1 and 1, without a sine."""
    t = np.abs(x - np.floor(x) - 0.5) * 4 - 1
    return t * (1.5 - 0.5 * t * t)


def stroke(x: np.ndarray, y: np.ndarray, half: np.ndarray | float, weight: np.ndarray | float) -> np.ndarray:
    """Cover of a line along y = 0, of half a length and half a thickness, that tapers towards its ends."""
    return inside(np.abs(y) - weight * (1 - (x / half) ** 2))
