"""The valley's trees, tufts and stones: each has its place in the world, wherever it is seen from."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lossconditioning.datasets.landscapes.noise import at
from lossconditioning.datasets.landscapes.planting import Plants
from lossconditioning.datasets.landscapes.terrain import DISTANCES
from lossconditioning.datasets.landscapes.trees import CONIFERS, LEAFY, STONES, TUFTS, VARIANTS
from lossconditioning.datasets.valley.land import LEVEL, Land, beside, height, tiles
from lossconditioning.datasets.valley.village import near_houses

_TRIED, _SMALL = 9000, 2500
TREE_LINE = 3.6
"""Height above which no tree grows."""


class Woods(NamedTuple):
    """What grows in the valley, ``(N,)`` each: place, kind, height, and the share of its palette that its colour is."""

    x: np.ndarray
    z: np.ndarray
    kind: np.ndarray
    tall: np.ndarray
    hue: np.ndarray
    variant: np.ndarray


@lru_cache(maxsize=1)
def woods() -> Woods:
    draw = np.random.default_rng(0x3EE5)
    count = _TRIED + _SMALL
    tree = np.arange(count) < _TRIED
    share, side, chance, mood, size, hue = draw.random((6, count), dtype=np.float32)
    variant = draw.integers(VARIANTS, size=count)
    z = np.where(tree, 1.9 + 38 * share**1.15, 0.9 + 5 * share**1.4).astype(np.float32)
    x = ((2 * side - 1) * (0.56 * z + 1.6)).astype(np.float32)
    rough, _ = tiles()
    ground, out = height(x, z), beside(x, z)
    clump = at(rough, 4.5 * x + 140, 4.5 * z + 80)
    # Dense on the slopes, here and there in the meadows, none where one would stand before the whole picture.
    dense = np.where(out > 0.1, 0.75 + 0.4 * clump, 0.09 * (clump > 0.4) + 0.012) * np.where(
        z < 3, np.abs(x) > 0.35 * z, 1
    )
    steep = np.abs(height(x + 0.1, z) - ground) / 0.1
    grows = (ground > LEVEL + 0.03) & (steep < 1.1) & (ground < TREE_LINE + 0.5 * clump) & ~near_houses(x, z)
    leafy = mood + 0.16 * ground + 0.25 * at(rough, 2.5 * x + 9, 2.5 * z) < np.where(out > 0.1, 0.62, 0.8)
    kind = np.where(tree, np.where(leafy, LEAFY, CONIFERS), np.where(mood < 0.93, TUFTS, STONES))
    tall = np.where(leafy, 0.34, 0.46) * (0.6 + 0.7 * size)
    tall = np.where(tree, tall, np.where(kind == TUFTS, 0.03 + 0.03 * size, 0.03 + 0.12 * size**3)).astype(np.float32)
    kept = grows & np.where(tree, chance < dense, True)
    return Woods(*(part[kept] for part in (x, z, kind, tall, hue, variant)))


def planted(land: Land) -> tuple[Plants, np.ndarray]:
    """What is seen of the woods from a place, far ones first, and the share of its palette that each one's colour is."""
    found = woods()
    column = np.floor(land.columns(found.x, found.z)).astype(int)
    order = np.argsort(-found.z, kind="stable")
    order = order[(column[order] >= 0) & (column[order] < land.pixels)]
    step = np.clip(np.searchsorted(DISTANCES[:, 0], found.z), 0, len(DISTANCES) - 1)
    no_color = np.zeros((len(order), 3), np.float32)  # it follows from the season
    parts = (step[order], column[order], found.kind[order], found.tall[order])
    return Plants(*parts, no_color, found.variant[order]), found.hue[order]
