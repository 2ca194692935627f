"""Noise that repeats, and the few curves that pictures are mixed with."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft2, rfft2

TILE = 256
"""Side of a tile of noise, a power of 2."""


def fractal(random: np.random.Generator, power: float) -> np.ndarray:
    """A tile of noise whose amplitudes fall with that power of the frequency: ``(256, 256)``, mean 0, deviation 1."""
    frequency = np.fft.fftfreq(TILE)[:, None] ** 2 + np.fft.rfftfreq(TILE)[None] ** 2
    frequency[0, 0] = np.inf
    amplitude = (frequency ** (-power / 2)).astype(np.float32)
    waves = rfft2(random.standard_normal((TILE, TILE), dtype=np.float32)) * amplitude
    tile = irfft2(waves, s=(TILE, TILE))
    return tile / tile.std()


def at(tile: np.ndarray, x: np.ndarray, y: np.ndarray, smooth: bool = False) -> np.ndarray:
    """A tile's values between its points, anywhere: x and y, which broadcast, count points and wrap around.

    Between points it is linear; or ``smooth``, without edges, for ground whose slopes are seen in the light.
    """
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    left, above = np.floor(x), np.floor(y)
    across, down = x - left, y - above
    if smooth:
        across, down = (share * share * (3 - 2 * share) for share in (across, down))
    column, row = left.astype(np.int32) & (TILE - 1), above.astype(np.int32) & (TILE - 1)
    other, below = (column + 1) & (TILE - 1), (row + 1) & (TILE - 1)
    flat, row, below = tile.ravel(), row * TILE, below * TILE
    upper, lower = flat[row + column], flat[below + column]
    upper += across * (flat[row + other] - upper)
    lower += across * (flat[below + other] - lower)
    return upper + down * (lower - upper)


def ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, a smooth step between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def mix(one: np.ndarray, other: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """From ``one`` at 0 to ``other`` at 1."""
    return one + share * (other - one)


def colors(codes: str) -> np.ndarray:
    """Hexadecimal colours to ``(N, 3)`` in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], dtype=np.float32) / 255


def between(stops: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Colours ``(..., 3)`` along evenly spaced stops ``(N, 3)``, by a share in [0, 1] ``(...)``."""
    where = np.clip(share, 0, 1) * (len(stops) - 1)
    first = np.minimum(where.astype(np.int32), len(stops) - 2)
    return mix(stops[first], stops[first + 1], (where - first)[..., None].astype(np.float32))
