"""One picture of the valley: what is seen from a place, in the light of an hour, in its weather and season."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.draw import line

from lossconditioning.datasets.landscapes.noise import at, between, colors, mix, ramp
from lossconditioning.datasets.landscapes.terrain import FOCAL
from lossconditioning.datasets.valley.coloring import SEASONS, colored, laid_out
from lossconditioning.datasets.valley.land import tiles
from lossconditioning.datasets.valley.light import Light, Style, direction, elevation, light_of, moon_at, sun_at
from lossconditioning.datasets.valley.sky import clear_sky, sky
from lossconditioning.datasets.valley.view import OVER, View, samples, view


class Cut(NamedTuple):
    """A square of what is seen from a place: its number, pixels of the square, and where it is cut out, from the left (0) to
    the right (1) and from low (0) to high (1).
    """

    place: int
    size: int
    across: float
    up: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the samples, from the bottom up."""
        side, whole = OVER * self.size, samples(self.size)
        left, low = (round(share * (whole - side)) for share in (self.across, 0.2 + 0.6 * self.up))
        return slice(low, low + side), slice(left, left + side)


def layout(cut: Cut) -> np.ndarray:
    """The layout of a cut, uint8 ``(size, size, 3)``."""
    return _bytes(_smaller(laid_out(cut.place, cut.size)[cut.window]))


def picture(cut: Cut, style: Style) -> np.ndarray:
    """The picture of a cut in a style, uint8 ``(size, size, 3)``."""
    number, size, (rows, columns) = cut.place, cut.size, cut.window
    it, light, window = view(number, size), light_of(style), (..., rows, columns)
    air, glow = sky(it.land, style, light, rows, columns)
    distance, solid = it.distance[window], it.distance[window] < np.inf
    land = colored(number, size, style.season)[rows, columns] * _lighting(it, window, style, light)
    lamps = _lamps(it.windows[window], style, light)
    land = mix(land, colors("ffd888")[0], np.minimum(lamps, 1)[..., None])
    near = np.where(solid, distance, 0)
    thick = light.hazy + light.low * np.exp(-np.clip(it.high[window], 0, None) / 0.5)
    hidden = 1 - np.exp(-thick * np.maximum(near - 1.5, 0))[..., None]
    hazy = mix(land, light.haze + 0.3 * glow * light.cloud[1], hidden)
    painted = np.where(solid[..., None], hazy, air).astype(np.float32)
    for wide, strength in ((0.016, 0.88), (0.05, 0.8)):
        painted += strength * gaussian_filter(lamps, wide * size * OVER)[..., None] * colors("ffb050")[0]
    _flood(painted, it, rows, columns, style, light)
    if style.weather == "rain":
        painted = _fall(painted, style, light, size)
    return _bytes(_smaller(painted), soft=True)


def _lighting(it: View, window: tuple, style: Style, light: Light) -> np.ndarray:
    """How the light of sun, moon and sky falls on what is seen, ``(H, W, 3)``."""
    total = it.fill[window][..., None] * light.sky_light
    sun_right, _ = sun_at(style.hour)
    moon_right, moon_up = moon_at(style.hour)
    up = elevation(style.hour)
    for right, rise, color in ((sun_right, up, light.sun), (moon_right, 0.5 + moon_up, light.moon)):
        if color.max() > 0.003:
            x, y, away = direction(right, rise)
            bright = it.bright[window]
            falls = np.clip(bright[0] * x + bright[1] * y + bright[2] * away + bright[3], 0, None)
            # Mountains keep a low sun from the valley: their summits are lit first and last.
            reach = 1.1 * max(rise, -0.05) + 0.03
            side = np.clip(0.5 - 0.5 * right / 0.06, 0, 1)
            blocked = it.blocked[window]
            free = ramp(reach - mix(blocked[1], blocked[0], side), -0.06, 0.1)
            total = total + (falls * free)[..., None] * color
    return total


def _lamps(windows: np.ndarray, style: Style, light: Light) -> np.ndarray:
    """How bright the windows are, ``(H, W)``; late at night most people sleep."""
    if light.lamps <= 0.01:
        return np.zeros(windows.shape, np.float32)
    chance = np.random.default_rng([0x1A, style.seed]).random(256)
    late = (
        0.45
        * ramp(np.float32((style.hour - 12) % 24), 9.5, 12.5)
        * (1 - ramp(np.float32((style.hour - 12) % 24), 16.5, 18))
    )
    lit = ramp(np.float32(light.lamps) - chance * 0.8 - late * (chance > 0.35), 0.0, 0.15).astype(np.float32)
    return np.where(windows >= 0, lit[np.clip(windows, 0, 255)], 0).astype(np.float32)


def _flood(painted: np.ndarray, it: View, rows: slice, columns: slice, style: Style, light: Light) -> None:
    """The lake mirrors what stands beyond it, in ripples, or is frozen."""
    y, x = np.nonzero(it.source[rows, columns] >= 0)
    if not len(y):
        return
    season, side, land = SEASONS[style.season], it.land.pixels, it.land
    down = np.maximum((1 - land.scene.horizon) - (y + rows.start + 0.5) / side, 0.004).astype(np.float32) / FOCAL
    ahead, right = 1 / down, (land.across[0, columns][x] / down)
    _, fine = tiles()
    ripples = (
        at(fine, 2.5 * right, 9 * ahead + 0.8 * style.drift) * (1.6 if style.weather == "rain" else 0.8) * side / 330
    )
    source = it.source[rows, columns][y, x] - rows.start
    source = np.round(source + 1.3 * ripples).astype(int)
    # What would be mirrored from above the picture is plain sky, and it begins softly.
    plain, outside = clear_sky(land, light, source + rows.start), ramp(source / len(painted), 0.82, 1.0)
    source = np.clip(source, 0, len(painted) - 1)
    beside = np.clip(np.round(x + ripples), 0, painted.shape[1] - 1).astype(int)
    bright = light.sun + light.sky_light + light.moon
    deep = colors(season.water)[0] * (0.25 + 0.6 * bright)
    mirrored = mix(painted[source, beside], plain, outside[:, None])
    color = mix(deep, mirrored, np.clip(0.88 - 0.9 * down, 0.4, 0.85)[:, None])
    if season.ice:
        sheet = between(
            colors("8ca8cc c0d4e8 e8f0fa"), 0.5 + 0.25 * at(tiles()[0], 4 * right, 8 * ahead) + 0.1 * ripples
        )
        color = mix(color, sheet * (0.75 * light.sun + light.sky_light + 0.7 * light.moon), 0.72 * season.ice)
    painted[y, x] = color


def _fall(painted: np.ndarray, style: Style, light: Light, size: int) -> np.ndarray:
    """Rain, as streaks, or flakes of snow."""
    draw = np.random.default_rng([0xFA11, style.seed, int(style.hour * 1000)])
    side, snow = len(painted), style.season == "winter"
    count = 170 if snow else 150
    marks = np.zeros((side, side), np.float32)
    near, x, y = draw.random((3, count))
    if snow:
        rows, columns = (y * side).astype(int), (x * side).astype(int)
        reach = np.round((0.3 + 1.0 * near**3) * size / 64).astype(int)
        for up in range(reach.max() + 1):
            for right in range(reach.max() + 1):
                fits = (up <= reach) & (right <= reach)
                place = np.minimum(rows + up, side - 1)[fits], np.minimum(columns + right, side - 1)[fits]
                marks[place] = np.maximum(marks[place], (0.45 + 0.45 * near)[fits])
        color = mix(light.haze, np.ones(3, np.float32), 0.55) * (0.55 + 0.45 * light.haze.mean())
    else:
        for away, column, row in zip(near, x * side, y * side, strict=True):
            long = (0.03 + 0.07 * away) * side
            across, down = line(int(column), int(row), int(column + 0.16 * long), int(row + long))
            kept = (across < side) & (down < side)
            marks[down[kept], across[kept]] = 0.1 + 0.22 * away
        color = mix(light.haze, np.ones(3, np.float32), 0.35)
    return mix(painted, color, marks[..., None])


def _smaller(fine: np.ndarray) -> np.ndarray:
    side = len(fine) // OVER
    return fine.reshape(side, OVER, side, OVER, 3).mean((1, 3))[::-1]


def _bytes(small: np.ndarray, soft: bool = False) -> np.ndarray:
    """As bytes; ``soft``, with highlights as a camera has them."""
    if soft:
        small = np.where(small > 0.7, 0.7 + 0.3 * np.tanh((small - 0.7) / 0.3), small)
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)
