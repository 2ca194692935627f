"""What is seen from a place in the valley, whatever the light: for every pixel what it is, how far, and how light falls on it.

All that takes long is done here, once for a place; in which light it stands is then a few operations on pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lossconditioning.datasets.landscapes.noise import at, mix, ramp
from lossconditioning.datasets.landscapes.planting import pixels_of
from lossconditioning.datasets.landscapes.terrain import DISTANCES
from lossconditioning.datasets.landscapes.trees import CONIFERS, LEAFY, STONES, TUFTS, WIDE, stamps
from lossconditioning.datasets.valley.land import Land, Place, tiles
from lossconditioning.datasets.valley.village import ROOF, WINDOW, Surfaces, built
from lossconditioning.datasets.valley.woods import TREE_LINE, planted

OVER = 2
"""Samples across a pixel, and down."""
WIDER = 1.2
"""Width of what is seen from a place, in pictures."""
LAYOUT = {
    "sky": "a4c8f0",
    "peaks": "8c88a0",
    "snow": "eceef8",
    "meadow": "b8d480",
    "conifers": "34684c",
    "trees": "70a450",
    "water": "4484c4",
    "walls": "f0c898",
    "roofs": "c4584c",
}
"""What a layout shows → its colour. Snow is that of the highest peaks, which lies all year."""
_SKY, _PEAKS, _SNOW, _MEADOW, _CONIFERS, _TREES, _WATER, _WALLS, _ROOFS = range(len(LAYOUT))


@dataclass(frozen=True, eq=False)
class View:
    """What is seen from a place, from the bottom up, ``(W, W)`` each unless said otherwise.

    Attributes:
        land: the ground; ``picked`` takes what is known over its fan of points ``(150, W)`` to the pixels that see it.
        what: class of `LAYOUT`.
        distance: infinite for sky; high: height above the lake.
        bright: how sunlight falls: its share is ``bright · (right, up, away, 1)``, where that is above 0, ``(4, W, W)``.
        fill: share of the sky's light.
        blocked: how high the ground stands to the left, and to the right, as tangents: ``(2, W, W)``.
        source: for water, the row that it mirrors; windows: number of the window, −1 for none.
        plants: of the pixels that show one: which, its kind, share of its palette, part of the stamp, light, ``(M,)`` each.
    """

    land: Land
    what: np.ndarray
    distance: np.ndarray
    high: np.ndarray
    bright: np.ndarray
    fill: np.ndarray
    blocked: np.ndarray
    source: np.ndarray
    windows: np.ndarray
    houses: Surfaces
    plants: tuple[np.ndarray, ...]

    def picked(self, known: np.ndarray) -> np.ndarray:
        return _picked(self.land, known)


def _picked(land: Land, known: np.ndarray) -> np.ndarray:
    _, step, before, share = land.seen
    columns = np.arange(land.pixels)
    share = share[..., None] if known.ndim == 3 else share
    return mix(known[before, columns], known[step, columns], share).astype(np.float32)


def samples(size: int) -> int:
    """Samples across what is seen from a place, for pictures of ``size`` pixels."""
    return round(WIDER * size) * OVER


def place(number: int) -> Place:
    """Place of that number: spread over a path across the valley, so that any few of them are."""
    share, lift = (number * 0.618034 + 0.5) % 1, (number * 0.754878 + 0.5) % 1
    return Place(x=-0.2 + 1.3 * (share - 0.5), eye=1.3 + 0.35 * lift)


@lru_cache(maxsize=16)
def view(number: int, size: int) -> View:
    """What is seen from place ``number``, for pictures of ``size`` pixels."""
    land = Land(place(number), samples(size))
    side = land.pixels
    seen, step, _, _ = land.seen
    columns = np.arange(side)
    right, away, up = land.slopes
    distance = np.where(seen, DISTANCES[step, 0], np.float32(np.inf)).astype(np.float32)
    wet = seen & land.wet[step, columns]
    high = _picked(land, land.height)
    falls = np.stack([-right * up, up, -away * up, 0 * up]) * np.float32(1.25)
    bright = np.stack([_picked(land, part) for part in falls])
    # Crags, finer than the fan of points has them.
    crag = at(tiles()[1], 9 * _picked(land, land.x), 13 * high) * ramp(high, 2.0, 4.0)
    bright[0] += 0.3 * crag
    fill = 0.6 + 0.4 * _picked(land, up) + 0.06 * crag
    steep = _picked(land, 1 - up)
    what = np.where(high > TREE_LINE - 0.3, np.where(high - 3.5 * steep > 4.6, _SNOW, _PEAKS), _MEADOW)
    what = np.where(wet, _WATER, np.where(seen, np.where(_picked(land, far_woods(land)) > 0.5, _CONIFERS, what), _SKY))
    blocked = np.stack([_picked(land, part) for part in land.blocked])
    houses = built(land, distance)
    windows = np.full((side, side), -1, np.int32)
    flat = houses.flat
    windows.ravel()[flat] = np.where(houses.kind == WINDOW, houses.window, -1)
    what.ravel()[flat] = np.where(houses.kind == ROOF, _ROOFS, _WALLS)
    distance.ravel()[flat], fill.ravel()[flat] = houses.distance, 0.75
    facing = houses.facing * np.array([1, 1, -1], np.float32)
    for axis in range(3):
        bright[axis].ravel()[flat] = 1.1 * facing[:, axis]
    bare = distance.copy()
    plants = _plant(land, distance, what, bright, fill, windows)
    source = np.where(wet & (distance >= bare), _mirrored(land, wet, distance), -1)
    what = np.where((what == _WATER) & (source < 0), _MEADOW, what).astype(np.uint8)
    return View(land, what, distance, high, bright, fill, blocked, source, windows, houses, plants)


def _mirrored(land: Land, wet: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """For each pixel of water the row it mirrors: what is far is upside down about the horizon, what is near about its foot."""
    side = land.pixels
    rows = np.arange(side, dtype=np.float32)
    upside_down = land.rows(2 * land.level - land.camera, distance)  # of what is as high as the camera
    upside_down = (
        2 * (1 - land.scene.horizon) * side - rows[:, None] - 1 + (upside_down - land.rows(land.camera, distance))
    )
    source = np.full((side, side), side - 1, np.int32)
    for column in np.flatnonzero(wet.any(0)):
        shore = int(np.flatnonzero(wet[:, column])[-1])
        falling = np.minimum.accumulate(upside_down[shore + 1 :, column])
        source[:, column] = np.minimum(shore + 1 + np.searchsorted(-falling, -rows), side - 1)
    return source


def far_woods(land: Land) -> np.ndarray:
    """How much of the ground is under woods that are too far to be drawn tree by tree, ``(150, W)``."""
    x, z = land.x, DISTANCES
    rough, _ = tiles()
    patches = at(rough, 4.5 * x + 140, 4.5 * z + 80)
    return (
        ramp(z + 0 * x, 24, 36)
        * ramp(land.height, 0.15, 0.5)
        * (ramp(TREE_LINE + 0.5 * patches - land.height, -0.1, 0.5))
        * ramp(patches, -1.6, -0.6)
    )


def _plant(land: Land, distance: np.ndarray, *kept: np.ndarray) -> tuple[np.ndarray, ...]:
    """Set the woods into what is known of the pixels, and return what is to be known of theirs."""
    what, bright, fill, windows = kept
    plants, hue = planted(land)
    one, flat, pixel = pixels_of(plants, distance, land)
    # A pixel belongs to the last that was set there, which is the nearest.
    last = np.unique(flat[::-1], return_index=True)[1]
    one, flat, pixel = (part[::-1][last] for part in (one, flat, pixel))
    drawn = stamps()
    part, left = drawn.part.ravel()[pixel], drawn.light.ravel()[pixel]
    mirrored = pixel - pixel % WIDE + WIDE - 1 - pixel % WIDE
    right = np.where(drawn.part.ravel()[mirrored] > 0, drawn.light.ravel()[mirrored], left)
    kind = plants.kind[one]
    for small, large in ((TUFTS, _MEADOW), (STONES, _MEADOW), (CONIFERS, _CONIFERS), (LEAFY, _TREES)):
        what.ravel()[flat[kind == small]] = large
    # Light from the left at one end, from the right at the other.
    bright[0].ravel()[flat] = 0.95 * (left - right)
    bright[1].ravel()[flat] = bright[2].ravel()[flat] = 0
    bright[3].ravel()[flat] = 0.12 + 0.75 * (left + right)
    fill.ravel()[flat] = 0.5 + 0.5 * (left + right)
    windows.ravel()[flat] = -1
    distance.ravel()[flat] = DISTANCES[plants.step[one], 0]
    return flat, kind, hue[one], part, 0.5 * (left + right)
