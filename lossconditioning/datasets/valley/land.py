"""The lie of the valley: a lake between wooded slopes, a wall of peaks at its end, and how it is seen from a place in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, fractal, ramp
from lossconditioning.datasets.landscapes.terrain import DISTANCES, FOCAL, Ground

LEVEL = -0.1
"""Height of the lake."""
_SEED = 0x7A11E7
# Where a peak stands, right and away; its height; how far its flanks reach. A tall tree is half a unit high.
_PEAKS = (
    (-7.5, 50, 12.5, 13),
    (9, 56, 10.5, 15),
    (-21, 45, 11, 14),
    (23, 48, 12, 15),
    (1.5, 62, 8.5, 13),
    (-14, 58, 9, 10),
)
_WIDE = np.linspace(-1.6, 1.6, 321, dtype=np.float32)
_REACH = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 86, 115)
"""Columns to the side in which what casts a shadow is looked for."""


@lru_cache(maxsize=1)
def tiles() -> tuple[np.ndarray, np.ndarray]:
    """The valley's noise, rough and fine."""
    random = np.random.default_rng(_SEED)
    return fractal(random, 2.0), fractal(random, 1.3)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a camera stands: how far right of the middle, and how high above the meadow.

    The rest is what `landscapes.painter.ground_color` asks of a scene.
    """

    x: float
    eye: float
    horizon: float = 0.42
    mountains: float = 9.5
    shifts: tuple[float, ...] = (11.0, 47.0, 90.0, 133.0, 171.0, 220.0)
    rough: np.ndarray = field(default_factory=lambda: tiles()[0])
    fine: np.ndarray = field(default_factory=lambda: tiles()[1])


def beside(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """How far a point is from the flat bottom of the valley; below 0 on it."""
    rough, _ = tiles()
    middle = 1.1 * np.sin(0.13 * z)
    return np.abs(x - middle) - (2.9 + 0.09 * z) + 0.35 * at(rough, 3.1 * x + 60, 3.1 * z + 20)


def height(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Height of the ground at a point to the right and away."""
    rough, fine = tiles()
    out = np.clip(beside(x, z), 0, None)
    folds = 1 + 0.3 * at(rough, 2.2 * x + 5, 2.2 * z + 150, smooth=True)
    slopes = 5.5 * (1 - np.exp(-0.085 * out * folds)) * ramp(z, 2.0, 9.0)
    ridge = np.clip(1 - 0.75 * np.abs(at(rough, 1.5 * x + 200, 1.5 * z + 31)), 0, None)
    small = at(rough, 9 * x + 77, 9 * z + 13)
    bent = 0.17 * at(rough, 3.6 * x + 101, 3.6 * z + 9) + 0.06 * small
    peaks = np.zeros_like(out)
    for right, away, tall, wide in _PEAKS:
        off = np.sqrt((x - right) ** 2 + (1.3 * (z - away)) ** 2) / wide + bent
        peaks = np.maximum(peaks, tall * np.clip(1 - off, 0, None) ** 1.15 * (0.8 + 0.25 * ridge))
    flat = (
        0.1
        + 0.05 * at(rough, 4 * x, 4 * z, smooth=True)
        + 0.03 * at(fine, 11 * x, 11 * z, smooth=True) * (1 + 2 * ramp(out, 0, 4))
    )
    shore = ((x + 1.15 - 0.5 * np.sin(0.35 * z)) / 1.75) ** 2 + ((z - 9.0) / 4.4) ** 2
    basin = 0.5 * ramp(-(shore + 0.2 * at(rough, 5 * x + 30, 5 * z + 70)), -1.25, -0.65)
    return np.where(peaks > slopes, peaks, slopes + flat - basin)


class Land(Ground):
    """The valley over the fan of points that a camera sees; ``scene`` is a `Place`."""

    def __post_init__(self):
        self.across = (((np.arange(self.pixels) + 0.5) / self.pixels - 0.5) / FOCAL).astype(np.float32)[None]
        self.x = DISTANCES * self.across + np.float32(self.scene.x)
        self.height = height(self.x, DISTANCES + 0 * self.x).astype(np.float32)
        self.level = LEVEL
        self.wet = self.height < LEVEL
        self.surface = np.maximum(self.height, np.float32(LEVEL))
        self.camera = self.scene.eye

    def columns(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """How far right in the picture, in pixels, a point is seen."""
        return ((x - self.scene.x) / z * FOCAL + 0.5) * self.pixels

    @cached_property
    def blocked(self) -> tuple[np.ndarray, np.ndarray]:
        """How high the ground stands to the left and to the right of each point, as a tangent: ``(150, W)`` each."""
        x = DISTANCES * _WIDE + np.float32(self.scene.x)
        ground = height(x, DISTANCES + 0 * x).astype(np.float32)
        padded = np.pad(ground, ((0, 0), (_REACH[-1], _REACH[-1])), mode="edge")
        apart = (_WIDE[1] - _WIDE[0]) * DISTANCES
        highest = [np.zeros_like(ground), np.zeros_like(ground)]
        for reach in _REACH:
            for side, sign in ((0, -1), (1, 1)):
                first = _REACH[-1] + sign * reach
                there = padded[:, first : first + len(_WIDE)]
                highest[side] = np.maximum(highest[side], (there - ground) / (reach * apart))
        where = (self.across[0] - _WIDE[0]) / (_WIDE[1] - _WIDE[0])
        low = where.astype(int)
        share = (where - low).astype(np.float32)
        return tuple(one[:, low] + share * (one[:, low + 1] - one[:, low]) for one in highest)
