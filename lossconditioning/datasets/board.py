"""The board on which the pointillist's scenes are laid out: a picture, and shapes and textures to lay over it.

Places and lengths are fractions of its side, from the top left; colours are hexadecimal RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

SIDE = 256
Y, X = ((np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE).astype(np.float32)
"""Where each pixel is, down and across."""


def rgb(code: str) -> np.ndarray:
    """ "f0c080" to ``(3,)`` in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], dtype=np.float32) / 255


class Board:
    """A picture in the making; every method lays something over what is there.

    Masks are ``(256, 256)`` in [0, 1]; colours are hexadecimal.
    """

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.image = np.zeros((SIDE, SIDE, 3), dtype=np.float32)

    def noise(self, across: int, down: int | None = None, octaves: int = 3) -> np.ndarray:
        """Smooth noise in about [-1, 1] with that many bumps across and down."""
        total, down = np.zeros((SIDE, SIDE), dtype=np.float32), down or across
        for octave in range(octaves):
            rows, columns = down * 2**octave + 3, across * 2**octave + 3
            knots = self.random.uniform(-1, 1, (rows, columns)).astype(np.float32)
            fine = zoom(knots, (SIDE / (rows - 2), SIDE / (columns - 2)), order=2)
            total += fine[:SIDE, :SIDE] / 2**octave
        return total

    def over(self, color: str | np.ndarray, mask: np.ndarray) -> None:
        mask = np.clip(mask, 0, 1)[..., None]
        self.image = self.image * (1 - mask) + (rgb(color) if isinstance(color, str) else color) * mask

    def gradient(self, colors: Sequence[str], top: float = 0.0, bottom: float = 1.0, wobble: float = 0.0) -> None:
        """Colours from ``top`` to ``bottom``, above and below which nothing is touched."""
        where = (Y - top) / (bottom - top) + (wobble * self.noise(3, 6) if wobble else 0)
        stops = np.linspace(0, 1, len(colors))
        values = np.stack([np.interp(where, stops, [rgb(c)[i] for c in colors]) for i in range(3)], axis=-1)
        self.over(values.astype(np.float32), soft(Y - top) * soft(bottom - Y))

    def hill(self, color: str, height: float, swing: float, bumps: int, to: str | None = None) -> np.ndarray:
        """A range of hills down to the lower edge, from one colour at the crest to another below; returns its mask."""
        crest = height + swing * self.noise(bumps, 1, octaves=3)[SIDE // 2]
        below = Y - crest[None, :]
        depth = np.clip(below / 0.3, 0, 1)[..., None]
        self.over(rgb(color) * (1 - depth) + rgb(to or color) * depth, soft(below))
        return soft(below)

    def disc(self, color: str, x: float, y: float, radius: float, glow: float = 0.0, squeeze: float = 1.0) -> None:
        if glow:
            away = np.hypot(X - x, (Y - y) / squeeze)
            self.over(color, 0.75 * np.exp(-np.maximum(away - radius, 0) / glow))
        # There are hundreds of discs: only the window around each is touched.
        rows, columns = (_window(at, reach) for at, reach in ((y, radius * max(squeeze, 1)), (x, radius)))
        window = (rows, columns)
        mask = soft(radius - np.hypot(X[window] - x, (Y[window] - y) / squeeze))[..., None]
        self.image[window] = self.image[window] * (1 - mask) + rgb(color) * mask

    def box(self, color: str, x: float, y: float, width: float, height: float) -> None:
        self.over(color, soft(X - x) * soft(x + width - X) * soft(Y - y) * soft(y + height - Y))

    def triangle(self, color: str, *corners: tuple[float, float]) -> None:
        inside = np.full((SIDE, SIDE), 1.0, dtype=np.float32)
        (ax, ay), (bx, by), (cx, cy) = corners
        turn = np.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
        for (px, py), (qx, qy) in ((corners[0], corners[1]), (corners[1], corners[2]), (corners[2], corners[0])):
            side = ((qx - px) * (Y - py) - (qy - py) * (X - px)) * turn / np.hypot(qx - px, qy - py)
            inside *= soft(side)
        self.over(color, inside)

    def clouds(
        self, color: str, across: int, down: int, cover: float = 0.0, top: float = 0.0, bottom: float = 0.5
    ) -> None:
        mask = np.clip((self.noise(across, down, 4) + cover) * 1.6, 0, 0.95)
        self.over(color, mask * soft((Y - top) / 8) * soft((bottom - Y) / 8))

    def ripples(self, color: str, top: float, strength: float, cells: int = 5, share: float = 0.1) -> None:
        """Streaks on water below ``top``, finer towards the horizon."""
        depth = np.clip(Y - top, 1e-3, 1)
        waves = np.sin(60 * np.sqrt(depth) * 3 + 3.0 * self.noise(cells, 4 * cells, 2))
        self.over(color, strength * np.clip(waves - share, 0, 1) * soft(Y - top))

    def mirror(self, horizon: float, strength: float, tint: str) -> None:
        """What stands above the horizon, upside down in the water below it."""
        row = int(horizon * SIDE)
        sway = (2.5 * self.noise(4, 24, 1)).round().astype(int)
        up = np.clip(2 * row - np.arange(SIDE), 0, row - 1)[:, None] + np.zeros((1, SIDE), dtype=int)
        image = self.image[up, np.clip(np.arange(SIDE)[None, :] + sway, 0, SIDE - 1)]
        image = gaussian_filter(image, (3, 1, 0)) * strength + rgb(tint) * (1 - strength)
        self.over(image, soft(Y - horizon))

    def scatter(
        self, colors: Sequence[str], count: int, area: tuple[float, float, float, float], size: tuple[float, float]
    ) -> None:
        """Round spots within ``area`` (left, top, right, bottom), their radius from ``size[0]`` at its top to ``size[1]``."""
        left, top, right, bottom = area
        places = self.random.uniform((left, top), (right, bottom), (count, 2))
        for x, y in places[np.argsort(places[:, 1])]:
            radius = size[0] + (size[1] - size[0]) * (y - top) / (bottom - top)
            self.disc(colors[self.random.integers(len(colors))], x, y, radius, squeeze=0.8)

    def crown(
        self, colors: Sequence[str], x: float, y: float, radius: float, count: int = 40, squeeze: float = 1.0
    ) -> None:
        """A heap of leaves, the last colours towards the light at the upper left."""
        for turn, out in self.random.uniform(0, 1, (count, 2)):
            dx, dy = np.cos(2 * np.pi * turn) * np.sqrt(out), np.sin(2 * np.pi * turn) * np.sqrt(out)
            lit = np.clip((1.2 - dx - 1.4 * dy) / 2.8 + self.random.normal(0, 0.15), 0, 0.999)
            self.disc(colors[int(lit * len(colors))], x + radius * dx, y + radius * dy * squeeze, radius * 0.3)

    def boat(self, hull: str, sail: str, x: float, y: float, height: float) -> None:
        self.triangle(sail, (x, y - height), (x, y - 0.1 * height), (x + 0.5 * height, y - 0.12 * height))
        self.triangle(
            sail,
            (x - 0.03 * height, y - 0.85 * height),
            (x - 0.03 * height, y - 0.12 * height),
            (x - 0.35 * height, y - 0.12 * height),
        )
        self.triangle(
            hull, (x - 0.5 * height, y - 0.1 * height), (x + 0.55 * height, y - 0.1 * height), (x, y + 0.22 * height)
        )

    def house(self, wall: str, roof: str, x: float, y: float, width: float, window: str) -> None:
        height = 0.7 * width
        self.box(wall, x, y - height, width, height)
        self.triangle(
            roof, (x - 0.12 * width, y - height), (x + 1.12 * width, y - height), (x + width / 2, y - 1.5 * width)
        )
        for place in (0.18, 0.6):
            self.box(window, x + place * width, y - 0.65 * height, 0.22 * width, 0.35 * height)


def _window(at: float, reach: float) -> slice:
    """The pixels within ``reach`` of a place along one axis, and two more."""
    return slice(max(0, int((at - reach) * SIDE) - 2), max(0, int((at + reach) * SIDE) + 3))


def soft(distance: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, by a signed distance in sides of the picture, with an edge one pixel wide."""
    return np.clip(distance * SIDE + 0.5, 0, 1)
