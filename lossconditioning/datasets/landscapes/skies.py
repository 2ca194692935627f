"""Skies: colours up from the horizon, the sun's glow or the moon, stars, clouds on a plane above."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, between, colors, mix, ramp
from lossconditioning.datasets.landscapes.seasons import Season
from lossconditioning.datasets.landscapes.terrain import FOCAL, Scene


class Sun(NamedTuple):
    """Where the sun stands, right and up of the middle of the horizon in tangents, and where its light comes from.

    ``light`` points to the right, up, and away from the camera.
    """

    right: float
    up: float
    light: np.ndarray


def sun_of(scene: Scene, season: Season) -> Sun:
    nearest, farthest = season.sun_ahead
    right = scene.sun_side * (nearest + scene.sun_share * (farthest - nearest)) * 0.5 / FOCAL
    low, high = season.sun_height
    rise = low + scene.sun_rise * (high - low)
    # Ground that is lit from straight ahead would be dark all over: it gets the light from more to the side.
    light = np.array([scene.sun_side * 0.8, max(rise, 0.12) + 0.15, -0.25 if nearest > 1 else 0.25])
    return Sun(right, 0.55 * rise, (light / np.linalg.norm(light)).astype(np.float32))


def sky(scene: Scene, season: Season, sun: Sun, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A sky all over the picture, ``(side, side, 3)`` from the bottom up, and the sun's glow in it, ``(side, side, 1)``."""
    right = (((np.arange(side) + 0.5) / side - 0.5) / FOCAL).astype(np.float32)[None]
    up = (((np.arange(side) + 0.5) / side - (1 - scene.horizon)) / FOCAL).astype(np.float32)[:, None]
    above = np.clip(up, 0, None)
    air = np.broadcast_to(between(colors(season.sky), (above / 0.36) ** 0.8), (side, side, 3))
    away = np.sqrt((right - sun.right) ** 2 + (up - sun.up) ** 2)
    glow = (season.glow * (0.5 * np.exp(-away / 0.07) + 0.5 * np.exp(-away / 0.3)))[..., None]
    shine = colors(season.sun)[0]
    air = air + glow * shine * (1 - 0.5 * air)
    if season.stars:
        draw = scene.random(1)
        bright = (draw.random((side, side)) > 0.9965) * draw.random((side, side)) ** 2
        air = air + (season.stars * bright * ramp(above, 0.02, 0.25))[..., None]
        air = mix(air, colors("f4f0e0")[0], ramp(0.03 - away, -0.003, 0.003)[..., None])
    return _clouded(air, scene, season, sun, right, above, glow), glow


def _clouded(
    air: np.ndarray, scene: Scene, season: Season, sun: Sun, right: np.ndarray, above: np.ndarray, glow: np.ndarray
) -> np.ndarray:
    one, two = scene.shifts[4:]
    far = 1 / (above + 0.09)
    x, y = right * far * 9 + one, far * 9 + two
    puffs = at(scene.rough, x, y) + 0.3 * at(scene.fine, 2.7 * x, 2.7 * y)
    towards = at(scene.rough, x + 1.6 * np.sign(sun.right - right), y - 1.2)
    cover = scene.clouds + season.cloudy
    thick = ramp(puffs + cover, 0.1, 1.1) * ramp(above, 0.0, 0.05)
    dark, lit = colors(season.cloud)
    tone = np.clip(0.75 - 0.3 * (puffs + cover) + 0.4 * (puffs - towards), 0, 1)[..., None]
    return mix(air, mix(dark, lit, tone) + 0.5 * glow * colors(season.sun)[0], (0.92 * thick)[..., None])
