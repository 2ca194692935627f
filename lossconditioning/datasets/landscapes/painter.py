"""How a landscape is painted: sky, ground, air, plants, water, and the camera."""

from __future__ import annotations

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, between, colors, mix, ramp
from lossconditioning.datasets.landscapes.planting import set_in
from lossconditioning.datasets.landscapes.seasons import Season
from lossconditioning.datasets.landscapes.skies import Sun, sky, sun_of
from lossconditioning.datasets.landscapes.terrain import DISTANCES, FOCAL, Ground, Scene

OVER = 2
"""Samples across a pixel, and down."""


def paint(number: int, season: Season, side: int) -> np.ndarray:
    """The landscape of that number in a season: uint8 ``(side, side, 3)``."""
    scene = Scene(number)
    sun, ground = sun_of(scene, season), Ground(scene, OVER * side)
    air, glow = (part.repeat(OVER, 0).repeat(OVER, 1) for part in sky(scene, season, sun, side))
    seen, step, before, share = ground.seen
    columns = np.arange(ground.pixels)
    color = _lit(ground, season, sun)
    land = mix(color[before, columns], color[step, columns], share[..., None])
    depth = np.where(seen, DISTANCES[step, 0], np.float32(np.inf))
    haze = colors(season.haze)[0] + 0.35 * glow * colors(season.sun)[0]
    hidden = 1 - np.exp(-season.hazy * np.maximum(DISTANCES[step, 0] - 1.5, 0))[..., None]
    picture = np.where(seen[..., None], mix(land, haze, hidden), air).astype(np.float32)
    water = seen & ground.wet[step, columns]
    bare = depth.copy()
    set_in(picture, depth, haze, ground, season, sun)
    if water.any():
        _flood(picture, water, water & (depth >= bare), ground, season)
    return _developed(picture, scene, side)


def _lit(ground: Ground, season: Season, sun: Sun) -> np.ndarray:
    """The ground's colours in the light: ``(150, W, 3)``."""
    right, away, upright = ground.slopes
    light = np.clip((-right * sun.light[0] + sun.light[1] - away * sun.light[2]) * upright, 0, None)[..., None]
    return ground_color(ground, season) * (
        1.25 * light * season.strength * colors(season.sun)[0]
        + (0.6 + 0.4 * upright[..., None]) * season.fill * colors(season.sky_light)[0]
    )


def ground_color(ground: Ground, season: Season) -> np.ndarray:
    """The ground's colours, meadows, rock and snow: ``(150, W, 3)``."""
    scene, x, distance = ground.scene, ground.x, DISTANCES
    upright = ground.slopes[2]
    one, two, three, four, *_ = scene.shifts
    grain = at(scene.fine, 31 * x + one, 31 * distance + two) + 0.6 * at(scene.fine, 90 * x, 45 * distance)
    patches = at(scene.rough, 7 * x + three, 7 * distance + four)
    color = between(colors(season.meadow), 0.45 + 0.2 * patches + 0.12 * grain)
    strata = at(scene.fine, 3 * x + two, 26 * ground.height + 2 * distance)
    rock = between(colors(season.rock), 0.5 + 0.22 * strata + 0.1 * grain)
    steep, above = 1 - upright, (ground.height - ground.level) / (scene.mountains + 0.5)
    stony = np.maximum(ramp(steep + 0.03 * grain, 0.2, 0.34), ramp(above + 0.05 * patches, 0.4, 0.62))
    color = mix(color, rock, stony[..., None])
    if season.snow_line:
        lies = ramp(
            above + 0.05 * grain + 0.06 * patches - 0.4 * steep, 0.75 * season.snow_line, 0.75 * season.snow_line + 0.12
        )
    else:
        lies = ramp(0.5 - steep + 0.07 * grain, 0.0, 0.22)
    return mix(color, colors("eef2fa")[0], lies[..., None])


def _flood(picture: np.ndarray, water: np.ndarray, open_: np.ndarray, ground: Ground, season: Season) -> None:
    """A lake: what stands beyond it upside down, in ripples, or ice."""
    scene, side = ground.scene, ground.pixels
    rows, columns = np.arange(side)[:, None], np.arange(side)
    shore = np.where(water, rows, -1).max(0)
    down = np.maximum(((1 - scene.horizon) - (rows + 0.5) / side) / FOCAL, 0.004)
    x, y = ground.across / down, 1 / down
    ripples = at(scene.fine, 2.5 * x, 9 * y) * (0.5 + 6 * down)
    source = np.clip(np.round(2 * shore - rows + 1.2 * ripples), 0, side - 1).astype(int)
    beside = np.clip(np.round(columns + 0.8 * ripples), 0, side - 1).astype(int)
    deep = colors(season.water)[0] * (0.4 + 0.6 * season.strength)
    color = mix(deep, picture[source, beside], np.clip(0.85 - 1.1 * down, 0.35, 0.85)[..., None])
    if season.ice:
        sheet = between(colors("7c98b8 b8cce0 e8eef6"), 0.5 + 0.3 * at(scene.rough, 3 * x, 8 * y) + 0.12 * ripples)
        sheet = sheet * (0.75 * season.strength * colors(season.sun)[0] + season.fill * colors(season.sky_light)[0])
        color = mix(color, sheet, season.ice)
    picture[open_] = color[open_]


def _developed(picture: np.ndarray, scene: Scene, side: int) -> np.ndarray:
    """What a camera makes of it: fewer pixels, soft highlights, darker corners, grain."""
    small = picture[::-1].reshape(side, OVER, side, OVER, 3).mean((1, 3))
    small = np.where(small > 0.7, 0.7 + 0.3 * np.tanh((small - 0.7) / 0.3), small)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    small *= (1 - 0.1 * np.clip(x * x + y * y - 0.5, 0, None))[..., None]
    small += scene.random(3).normal(0, 0.008, (side, side, 1))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)
