"""Trees, tufts and stones: stamps that are drawn once, and set into the picture far ones first, all pixels at once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

HIGH, WIDE = 128, 96
"""Pixels of a stamp."""
CONIFERS, LEAFY, BARE, TUFTS, STONES = range(5)
VARIANTS = 4


class Stamps(NamedTuple):
    """Stamps ``(5 · 4, 128, 96)``, from the bottom up: what a pixel is of (0 nothing, 1 leaf, 2 bark), and how lit."""

    part: np.ndarray
    light: np.ndarray


@lru_cache(maxsize=1)
def stamps() -> Stamps:
    """All stamps, lit from the upper left."""
    random = np.random.default_rng(0x7EE5)
    drawn = [draw(random) for draw in (_fir, _leafy, _bare, _tuft, _stone) for _ in range(VARIANTS)]
    return Stamps(*(np.stack(parts) for parts in zip(*drawn, strict=True)))


class _Stamp:
    def __init__(self):
        self.part, self.light = np.zeros((HIGH, WIDE), np.uint8), np.zeros((HIGH, WIDE), np.float32)

    def dots(self, x: np.ndarray, y: np.ndarray, light: np.ndarray, part: int, size: int = 1) -> None:
        """Dots at places in heights of the stamp, x from its middle; the last one shows."""
        column, row = np.floor(x * HIGH + WIDE / 2).astype(int), np.floor(y * HIGH).astype(int)
        for right in range(size):
            for up in range(size):
                inside = (column + right >= 0) & (column + right < WIDE) & (row + up >= 0) & (row + up < HIGH)
                place = row[inside] + up, column[inside] + right
                self.part[place], self.light[place] = part, np.broadcast_to(light, x.shape)[inside]

    def done(self) -> tuple[np.ndarray, np.ndarray]:
        return self.part, np.clip(self.light, 0, 1)


def _line(stamp: _Stamp, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    along = np.linspace(0, 1, 90)
    for aside in np.linspace(-0.5, 0.5, max(2, round(width * HIGH * 1.5)))[1:]:
        x, y = (one + (other - one) * along for one, other in zip(start, end, strict=True))
        stamp.dots(x + aside * width, y, 0.45 - 0.5 * aside + 0 * x, 2)


def _fir(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    stamp, lean, wide = _Stamp(), random.uniform(-0.015, 0.015), random.uniform(0.17, 0.23)
    _line(stamp, (0, 0), (0, 0.3), 0.028)
    tiers = int(random.integers(9, 13))
    for tier in range(tiers):  # from the lowest, which is behind
        low = 0.07 + 0.9 * tier / tiers
        reach = wide * (1 - low) ** 0.9 + 0.012
        for _ in range(int(12 + 120 * reach)):
            side = random.uniform(-1, 1)
            along = np.linspace(0, 1, 26)
            x = lean * low + side * reach * along
            y = low + 0.075 * (1 - along) ** 0.8 + 0.02 * random.uniform(-1, 1) - 0.02 * abs(side) * along
            x, y = x + random.normal(0, 0.006, 26), y + random.normal(0, 0.006, 26)
            stamp.dots(x, y, 0.2 + 0.32 * along - 0.3 * side * along + random.normal(0, 0.09), 1, 2)
    return stamp.done()


def _leafy(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    stamp, crown = _Stamp(), []
    _line(stamp, (0, 0), (random.uniform(-0.02, 0.02), 0.5), 0.04)
    slim = random.uniform(0.75, 1.0)
    for _ in range(26):
        turn, out = random.uniform(0, 2 * np.pi), np.sqrt(random.uniform(0, 1))
        crown.append((0.25 * slim * out * np.cos(turn), 0.6 + 0.27 * out * np.sin(turn), random.uniform(0.07, 0.13)))
    for x, y, _ in crown[:7]:
        _line(stamp, (0, random.uniform(0.25, 0.45)), (x, y), 0.014)
    for x, y, radius in sorted(crown, key=lambda ball: ball[1] - 0.3 * abs(ball[0])):
        turn, out = random.uniform(0, 2 * np.pi, 330), np.sqrt(random.uniform(0, 1, 330))
        right, up = out * np.cos(turn), out * np.sin(turn)
        lit = 0.4 + 0.24 * up - 0.2 * right + 0.5 * (y - 0.6) - 0.35 * x + random.normal(0, 0.1, 330)
        stamp.dots(x + radius * right, y + radius * up * 0.9, lit, 1, 2)
    return stamp.done()


def _bare(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    stamp = _Stamp()

    def grow(x: float, y: float, turn: float, length: float, width: float, depth: int) -> None:
        end = x + length * np.sin(turn), y + length * np.cos(turn)
        _line(stamp, (x, y), end, width)
        if depth:
            for side in (-1, 1) if depth < 6 else (-1, 0.2, 1):
                bend = turn * 0.9 + side * random.uniform(0.2, 0.62)
                grow(*end, bend, length * random.uniform(0.66, 0.84), width * 0.62, depth - 1)

    grow(0, 0, random.uniform(-0.05, 0.05), 0.25, 0.034, 7)
    return stamp.done()


def _tuft(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    stamp = _Stamp()
    for _ in range(34):
        foot, bend, tall = random.uniform(-0.25, 0.25), random.normal(0, 0.2), random.uniform(0.35, 1.0)
        along = np.linspace(0, 1, 90)
        lit = 0.15 + 0.5 * along + random.normal(0, 0.1)
        stamp.dots(foot + bend * along**2 * tall, along * tall * 0.95, lit, 1, 2)
    return stamp.done()


def _stone(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y, x = ((np.mgrid[:HIGH, :WIDE] + 0.5) / HIGH).astype(np.float32)
    x = (x - 0.5 * WIDE / HIGH) / 0.33
    edge, light = np.full_like(x, 9.0), np.zeros_like(x)
    for turn in np.linspace(-0.1, np.pi + 0.1, 9) + random.uniform(-0.15, 0.15, 9):
        plane = random.uniform(0.75, 1.0) - (x * np.cos(turn) + 1.8 * (y - 0.02) * np.sin(turn))
        light = np.where(plane < edge, 0.34 - 0.28 * np.cos(turn) + 0.22 * np.sin(turn), light)
        edge = np.minimum(edge, plane)
    light = light + random.normal(0, 0.07, x.shape).astype(np.float32)
    return (edge > 0).astype(np.uint8), np.clip(light, 0, 1).astype(np.float32)
