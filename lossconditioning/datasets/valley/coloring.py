"""The colours of what is seen of the valley: by the season, before any light; and, fixed, of layouts."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from lossconditioning.datasets.landscapes import seasons
from lossconditioning.datasets.landscapes.noise import at, between, colors, mix, ramp
from lossconditioning.datasets.landscapes.painter import ground_color
from lossconditioning.datasets.landscapes.planting import CATCHES
from lossconditioning.datasets.landscapes.terrain import DISTANCES
from lossconditioning.datasets.landscapes.trees import CONIFERS, LEAFY, STONES, TUFTS
from lossconditioning.datasets.valley.land import tiles
from lossconditioning.datasets.valley.view import LAYOUT, OVER, far_woods, view
from lossconditioning.datasets.valley.village import ROOF

SEASONS = {
    "spring": replace(
        seasons.SEASONS["spring"],
        meadow="5c8c2c 8cb848 c0d068",
        leaves="88b43c b8d060 f0c0d0 f8dce4",
        snow_line=0.36,
    ),
    "summer": replace(seasons.SEASONS["summer"], meadow="3a5c22 587c34 84944c", snow_line=0.8),
    "autumn": seasons.SEASONS["autumn"],
    "winter": seasons.SEASONS["winter"],
}
"""The seasons of `landscapes`; spring and summer farther apart, for at 64 pixels nobody sees flowers."""


@lru_cache(maxsize=8)
def colored(number: int, size: int, name: str) -> np.ndarray:
    """Colours of what is seen from a place in a season, before any light: ``(W, W, 3)``."""
    it, season = view(number, size), SEASONS[name]
    land_color = ground_color(it.land, season)
    # A column there is wider than the grain of rock and grass: unsmoothed, they would make streaks of it.
    smooth = gaussian_filter1d(land_color, it.land.pixels / 120, axis=1)
    land_color = mix(land_color, smooth, ramp(DISTANCES, 12, 28)[..., None])
    far = far_woods(it.land)
    grain = at(tiles()[1], 40 * it.land.x, 40 * DISTANCES)
    needles = between(colors(season.conifers), 0.4 + 0.25 * grain) * 0.8
    needles = mix(needles, colors("dce4f0")[0], 0.45 * season.frost)
    color = it.picked(mix(land_color, needles, far[..., None]))
    pixels, houses = color.reshape(-1, 3), it.houses
    snowy = (houses.kind == ROOF)[:, None] * min(1.0, 1.2 * season.frost)
    pixels[houses.flat] = mix(houses.color, colors("eef2fa")[0], snowy)
    flat, kind, hue, part, light = it.plants
    own = np.zeros((len(flat), 3), np.float32)
    palettes = {CONIFERS: season.conifers, LEAFY: season.leaves, TUFTS: season.tufts, STONES: season.rock}
    for which, codes in palettes.items():
        own[kind == which] = between(colors(codes), hue[kind == which])
    if season.flowers:
        blooms = (kind == TUFTS) & (hue * 7 % 1 < 0.45)
        own[blooms] = between(colors(season.flowers), hue[blooms])
    own[part == 2] = colors(season.bark)[0]
    if season.frost:
        own = mix(own, colors("dce4f0")[0], (ramp(light + CATCHES[kind], 0.45, 0.85) * season.frost)[:, None])
        own[kind == TUFTS] = pixels[flat][kind == TUFTS]
    bare = (season.bare * (kind == LEAFY) * (part == 1))[:, None] * 0.45  # one sees through twigs
    pixels[flat] = mix(own, pixels[flat], bare)
    return color


@lru_cache(maxsize=16)
def laid_out(number: int, size: int) -> np.ndarray:
    """What is seen from a place as a layout, in the fixed colours of `LAYOUT`, a little smoothed: ``(W, W, 3)`` in [0, 1]."""
    flat = colors(" ".join(LAYOUT.values()))[view(number, size).what]
    return gaussian_filter(flat, (0.45 * OVER, 0.45 * OVER, 0))
