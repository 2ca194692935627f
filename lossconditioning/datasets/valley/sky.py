"""The sky over the valley: colours up from the horizon, sun or moon, stars, and clouds that drift."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from lossconditioning.datasets.landscapes.noise import at, between, colors, mix, ramp
from lossconditioning.datasets.landscapes.terrain import FOCAL
from lossconditioning.datasets.valley.land import Land, tiles
from lossconditioning.datasets.valley.light import Light, Style, moon_at, sun_at

_CELL = 0.018
"""Side of a cell of the sky that may have a star, as a tangent."""


def sky(land: Land, style: Style, light: Light, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """A part of the sky, ``(H, W, 3)`` from the bottom up, and the sun's glow in it, ``(H, W, 1)``."""
    side = land.pixels
    right = land.across[:, columns]
    up = ((np.arange(side, dtype=np.float32)[rows] + 0.5) / side - (1 - land.scene.horizon))[:, None] / FOCAL
    above = np.clip(up, 0, None)
    air = clear_sky(land, light, np.arange(side)[rows])[:, None] + 0 * right[..., None]
    sun_right, sun_up = sun_at(style.hour)
    away = np.sqrt((right - sun_right) ** 2 + (up - sun_up) ** 2)
    glow = (light.glow * (0.45 * np.exp(-away / 0.07) + 0.55 * np.exp(-away / 0.3)))[..., None].astype(np.float32)
    shine = light.cloud[1] if light.disc == 0 else mix(light.sky[0], colors("fff4d8")[0], 0.4)
    air = air + glow * shine * (1 - 0.5 * air)
    if light.disc and sun_up > -0.1:
        air = mix(air, colors("fffbe8")[0], ramp(0.03 - away, -0.006, 0.006)[..., None])
    if light.stars:
        air = air + (light.stars * _stars(right, above))[..., None]
        moon_right, moon_up = moon_at(style.hour)
        far = np.sqrt((right - moon_right) ** 2 + (up - moon_up) ** 2)
        lit = ramp(np.float32(light.stars), 0.1, 0.5)
        air = air + (0.22 * lit * np.exp(-far / 0.06))[..., None] * colors("b4ccf8")[0]
        face = 0.93 + 0.05 * at(tiles()[1], 900 * (right - moon_right), 900 * (up - moon_up))
        air = mix(air, colors("f8f4e4")[0] * face[..., None], (lit * ramp(0.027 - far, -0.004, 0.004))[..., None])
    return _clouded(air, style, light, right, above, sun_right, glow), glow


def clear_sky(land: Land, light: Light, rows: np.ndarray) -> np.ndarray:
    """Colours of the air in some rows from the bottom up, ``(N,)``: ``(N, 3)``."""
    above = np.clip((rows + 0.5) / land.pixels - (1 - land.scene.horizon), 0, None) / FOCAL
    return between(light.sky, (above / 0.36) ** 0.8)


@lru_cache(maxsize=1)
def _chances() -> np.ndarray:
    return np.random.default_rng(0x57A5).random((3, 64, 64), dtype=np.float32)


def _stars(right: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Stars, one at most in each cell of a grid of the sky. They stand still."""
    x, y = right / _CELL, above / _CELL
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    across, down, bright = _chances()[:, row % 64, column % 64]
    off = (x - column - 0.2 - 0.6 * across) ** 2 + (y - row - 0.2 - 0.6 * down) ** 2
    return np.clip(bright - 0.8, 0, None) * 6 * np.exp(-off / 0.03) * ramp(above, 0.04, 0.2)


@lru_cache(maxsize=1)
def _rolls() -> np.ndarray:
    """Noise without its largest waves, so that no part of the sky is without clouds: mean 0, deviation 1."""
    rough = tiles()[0]
    rolls = rough - gaussian_filter(rough, 10, mode="wrap")
    return rolls / rolls.std()


def _clouded(
    air: np.ndarray,
    style: Style,
    light: Light,
    right: np.ndarray,
    above: np.ndarray,
    sun_right: float,
    glow: np.ndarray,
) -> np.ndarray:
    if style.weather == "fog":
        return air
    rolls, fine = _rolls(), tiles()[1]
    far = 1 / (above + 0.14)
    x, y = right * far * 9 + style.drift, far * 9 + 0.37 * style.drift
    puffs = at(rolls, x, y) + 0.35 * at(fine, 2.7 * x, 2.7 * y)
    towards = at(rolls, x + 1.6 * np.clip((sun_right - right) / 0.15, -1, 1), y - 1.2)
    thick = ramp(puffs + light.cover, 0.0, 1.0) * ramp(above, 0.0, 0.06)
    dark, lit = light.cloud
    tone = np.clip(0.7 - 0.25 * (puffs + min(light.cover, 0.3)) + 0.45 * (puffs - towards), 0, 1)[..., None]
    return mix(air, mix(dark, lit, tone) + 0.4 * glow * lit, (0.94 * thick)[..., None])
