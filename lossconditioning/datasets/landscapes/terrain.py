"""The ground of a landscape, mountains, hills and a lake, and which of it a camera sees.

The ground is a height over a fan of points: columns of the picture, and distances that grow by a factor from one to the next.
What a pixel sees is then the first distance at which the ground, seen from the camera, reaches up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, fractal, ramp

FOCAL = 1.15
"""Focal length in widths of the picture."""
STEPS = 150
DISTANCES = np.geomspace(0.6, 70.0, STEPS).astype(np.float32)[:, None]


class Scene:
    """What is drawn for a number: the lie of the land, whatever the season.

    Attributes:
        random: draws that follow, one generator for each use of it, so that seasons do not shift them.
    """

    def __init__(self, number: int):
        self.number = number
        draw = self.random(0)
        self.rough, self.fine = fractal(draw, 2.0), fractal(draw, 1.3)
        self.eye = float(draw.uniform(0.35, 0.8))
        self.horizon = float(draw.uniform(0.36, 0.5))
        self.mountains = float(draw.choice([2.5, 4.5, 6.5, 9.0]) * draw.uniform(0.8, 1.25))
        self.hills = float(draw.uniform(0.2, 0.55))
        self.lake = float(draw.uniform(-0.65, 0.25))
        self.valley = float(draw.uniform(-0.3, 0.3))
        self.forest = float(draw.uniform(0.0, 1.2))
        self.leafy = float(draw.uniform(0.05, 0.95))
        self.clouds = float(draw.uniform(-1.3, 0.3))
        self.sun_side = float(draw.choice([-1.0, 1.0]))
        self.sun_share, self.sun_rise = (float(share) for share in draw.random(2))
        self.shifts = [float(shift) for shift in draw.uniform(0, 256, 6)]

    def random(self, use: int) -> np.random.Generator:
        return np.random.default_rng([0x1A5D, self.number, use])


@dataclass
class Ground:
    """The ground over the fan of points, ``(150, W)`` each, and what of it is seen."""

    scene: Scene
    pixels: int

    def __post_init__(self):
        scene, distance = self.scene, DISTANCES
        one, two, three, four, *_ = scene.shifts
        self.across = (((np.arange(self.pixels) + 0.5) / self.pixels - 0.5) / FOCAL).astype(np.float32)[None]
        x = self.x = distance * self.across
        far = ramp(distance, 4.0, 30.0)
        low = scene.hills * at(scene.rough, 1.9 * x + one, 1.9 * distance + two, smooth=True)
        crest = np.clip(1 - 0.8 * np.abs(at(scene.rough, 1.3 * x + three, 1.3 * distance + four)), 0, None)
        side = np.clip(1 - np.abs(at(scene.rough, 4.1 * x + two, 4.1 * distance + one)), 0, None)
        small = at(scene.rough, 13 * x + four, 13 * distance + three)
        gap = 1 - 0.85 * np.exp(-(((self.across - scene.valley) / 0.13) ** 2)) * np.exp(-((distance / 45) ** 2))
        peaks = scene.mountains * far * gap * (0.15 + crest * (0.75 + 0.35 * side) + 0.05 * small * crest)
        detail = (
            0.05 * at(scene.fine, 12 * x + three, 12 * distance + four, smooth=True) * (0.3 + far * scene.mountains / 4)
        )
        near = np.exp(-distance / 2.5)
        self.height = low * (1 - 0.6 * far) * (1 - 0.75 * near) + peaks + detail - 0.2 * near
        self.level = 0.8 * scene.lake - 0.3
        self.wet = self.height < self.level
        self.surface = np.maximum(self.height, self.level)
        self.camera = float(self.surface[:36].max()) + scene.eye

    @cached_property
    def slopes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How steeply the ground rises to the right and away, and the upright part of its normal."""
        step = float(self.across[0, 1] - self.across[0, 0])
        right = np.gradient(self.height, axis=1) / step
        away = np.gradient(self.height, axis=0) / np.gradient(DISTANCES, axis=0) - right * self.across / DISTANCES
        right = right / DISTANCES
        return right, away, 1 / np.sqrt(1 + right * right + away * away)

    def rows(self, height: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """How far up in the picture, in pixels, something of that height at that distance is seen."""
        return (1 - self.scene.horizon) * self.pixels + (height - self.camera) / distance * self.pixels * FOCAL

    @cached_property
    def seen(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """For each pixel ``(H, W)``, from the bottom up: whether it is ground, its step, that before, and the share between."""
        side, columns = self.pixels, np.arange(self.pixels)
        skyline = np.maximum.accumulate(self.rows(self.surface, DISTANCES), axis=0)
        # One sorted row of all columns, each lifted above the one before: all pixels are looked up in it at once.
        lift = np.arange(side, dtype=np.float64) * (4 * side)
        sorted_up = (np.clip(skyline, -side, 2 * side) + lift).T.ravel()
        wanted = np.arange(side)[:, None] + 0.5 + lift
        step = np.searchsorted(sorted_up, wanted.ravel()).reshape(side, side) - columns * STEPS
        ground, step = step < STEPS, np.clip(step, 0, STEPS - 1)
        before = np.maximum(step - 1, 0)
        low, high = skyline[before, columns], skyline[step, columns]
        share = np.clip((np.arange(side)[:, None] + 0.5 - low) / np.maximum(high - low, 1e-6), 0, 1) * (step > 0)
        return ground, step, before, share.astype(np.float32)
