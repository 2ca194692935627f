"""Where trees, tufts and stones stand in a landscape, and how they look there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, between, colors, mix
from lossconditioning.datasets.landscapes.seasons import Season
from lossconditioning.datasets.landscapes.skies import Sun
from lossconditioning.datasets.landscapes.terrain import DISTANCES, FOCAL, STEPS, Ground
from lossconditioning.datasets.landscapes.trees import (
    BARE,
    CONIFERS,
    HIGH,
    LEAFY,
    STONES,
    TUFTS,
    VARIANTS,
    WIDE,
    stamps,
)

TRIED = 1500
"""Places at which a tree may stand."""
SMALL = 900
"""Places at which a tuft or a stone may."""


@dataclass
class Plants:
    """What stands in a landscape, far ones first, ``(N,)`` each: step and column of its foot, kind, height, colour
    ``(N, 3)`` and variant.
    """

    step: np.ndarray
    column: np.ndarray
    kind: np.ndarray
    height: np.ndarray
    color: np.ndarray
    variant: np.ndarray


def plants_of(ground: Ground, season: Season) -> Plants:
    """The same number's plants in every season, in its colours."""
    scene, draw = ground.scene, ground.scene.random(2)
    count = TRIED + SMALL
    column = (draw.random(count) * ground.pixels).astype(int)
    share = draw.random(count)
    step = np.where(np.arange(count) < TRIED, 10 + share**0.75 * 0.8 * STEPS, share**0.8 * 0.5 * STEPS).astype(int)
    chance, mood, size, hue = draw.random((4, count), dtype=np.float32)
    variant = draw.integers(VARIANTS, size=count)
    x, distance, height = ground.x[step, column], DISTANCES[step, 0], ground.height[step, column]
    upright = ground.slopes[2][step, column]
    wood = at(scene.rough, 2.6 * x + scene.shifts[2], 2.6 * distance + scene.shifts[1]) + scene.forest
    stand = at(scene.rough, 1.7 * x + scene.shifts[5], 1.7 * distance + scene.shifts[4])
    tree = np.arange(count) < TRIED
    leafy = mood + 0.3 * stand < scene.leafy
    kind = np.where(leafy, np.where(chance * 7 % 1 < season.bare, BARE, LEAFY), CONIFERS)
    kind = np.where(tree, kind, np.where(mood < 0.94, TUFTS, STONES))
    tall = np.where(leafy, 0.3, 0.42) * (0.55 + 0.75 * size)
    tall = np.where(tree, tall, np.where(kind == TUFTS, 0.02 + 0.025 * size, 0.03 + 0.18 * size**4))
    grows = ~ground.wet[step, column] & (upright > np.where(tree, 0.72, 0.8))
    high = height < ground.level + 0.42 * scene.mountains + 0.5
    buried = season.ice * (kind == TUFTS) > chance
    here = np.where(tree, (wood > 1.5 * chance) & high & ((distance > 2.0) | (size < 0.2)), distance < 5)
    palettes = {
        CONIFERS: season.conifers,
        LEAFY: season.leaves,
        BARE: season.leaves,
        TUFTS: season.tufts,
        STONES: season.rock,
    }
    color = np.zeros((count, 3), np.float32)
    for one, codes in palettes.items():
        color[kind == one] = between(colors(codes), hue[kind == one])
    if season.flowers:
        blooming = (kind == TUFTS) & (chance < 0.4) & (stand > 0)
        color[blooming] = between(colors(season.flowers), hue[blooming])
        tall[blooming] *= 0.5
    keep = np.flatnonzero(grows & here & ~buried)
    keep = keep[np.argsort(-distance[keep], kind="stable")]
    return Plants(*(part[keep] for part in (step, column, kind, tall, color, variant)))


def set_in(picture: np.ndarray, depth: np.ndarray, haze: np.ndarray, ground: Ground, season: Season, sun: Sun) -> None:
    """Set a scene's plants into a picture ``(H, W, 3)`` from the bottom up, before what lies farther.

    Args:
        depth: how far each pixel is, ``(H, W)``; changed as the picture is.
        haze: colour of the air, ``(H, W, 3)``.
    """
    plants = plants_of(ground, season)
    one, flat, pixel = pixels_of(plants, depth, ground, flipped=sun.right > 0)  # stamps are lit from the left
    part, light = (drawn.ravel()[pixel] for drawn in stamps())
    color = plants.color[one]
    color[part == 2] = colors(season.bark)[0]
    if season.frost:
        snowy = light + CATCHES[plants.kind[one]] > 1.1 - 0.5 * season.frost
        color[snowy] = colors("dce4f0")[0]
        light[snowy] = 0.3 + 0.4 * light[snowy]
    shine, fill = season.strength * colors(season.sun)[0], season.fill * colors(season.sky_light)[0]
    color *= (0.12 * shine + 0.5 * fill) + (1.5 * shine + fill) * light[:, None]
    distance = DISTANCES[plants.step, 0]
    air = 1 - np.exp(-season.hazy * np.maximum(distance - 1.5, 0))
    picture.reshape(-1, 3)[flat] = mix(color, haze.reshape(-1, 3)[flat], air[one][:, None])
    depth.reshape(-1)[flat] = distance[one]


_BREADTH = np.array([0.5, 0.75, 0.75, 0.75, 0.72], np.float32)
"""Kind → how wide its stamps are, in heights."""
CATCHES = np.array([0.18, 0.1, 0.0, -0.2, 0.2], np.float32)
"""Kind → how readily snow stays on it."""


def pixels_of(plants: Plants, depth: np.ndarray, ground: Ground, flipped: bool = False) -> tuple[np.ndarray, ...]:
    """All pixels that show a plant, far ones first: whose, which of the picture's, and which of the stamps'."""
    side = ground.pixels
    distance = DISTANCES[plants.step, 0]
    foot = ground.rows(ground.height[plants.step, plants.column], distance)
    tall = np.maximum(plants.height / distance * np.float32(side * FOCAL), 1.6).astype(np.float32)
    wide = tall * _BREADTH[plants.kind]
    rows, columns = np.ceil(tall).astype(int), np.ceil(wide).astype(int)
    left, low = np.round(plants.column + 0.5 - wide / 2).astype(int), np.round(foot - 0.04 * tall).astype(int)
    # Those whose tops are behind a hill are left out.
    top = np.clip(low + rows - 1, 0, side - 1), np.clip(plants.column, 0, side - 1)
    shows = np.flatnonzero(distance <= depth[top] * 1.01)
    count = (rows * columns)[shows]
    one = np.repeat(shows, count)
    place = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    up, right = np.divmod(place, columns[one])
    row, column = low[one] + up, left[one] + right
    kept = np.flatnonzero((row >= 0) & (row < side) & (column >= 0) & (column < side))
    one, flat = one[kept], row[kept] * side + column[kept]
    scale = HIGH / tall[one]
    v = np.minimum((up[kept] + np.float32(0.5)) * scale, HIGH - 1).astype(int)
    u = np.clip((right[kept] + np.float32(0.5) - wide[one] / 2) * scale + WIDE / 2, 0, WIDE - 1).astype(int)
    if flipped:
        u = WIDE - 1 - u
    pixel = ((plants.kind * VARIANTS + plants.variant)[one] * HIGH + v) * WIDE + u
    shown = np.flatnonzero(
        (stamps().part.ravel()[pixel] > 0) & (distance[one] <= depth.ravel()[flat] * np.float32(1.01))
    )
    return one[shown], flat[shown], pixel[shown]
