"""Crops of the photographs that scikit-image and scikit-learn ship, three quarters as high as wide."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from lossconditioning.datasets.cuts import scaled
from lossconditioning.datasets.landscapes.noise import between, colors
from lossconditioning.datasets.photographs import NAMES, photographs

_GREY = {
    "brick": "4c1c14 96442c c88460 e8dcc8",
    "grass": "0c1c08 2c5018 6c9434 d4e08c",
    "gravel": "181412 5c5048 a4968a f4ece0",
    "coins": "141c30 3c4454 b08c4c fff4cc",
}
"""Photograph without colours → colours that this project gives it, from dark to light."""

SHOWS = {
    "china": "temple",
    "hubble_deep_field": "galaxies",
    "chelsea": "cat",
    "astronaut": "space suit",
    "stereo_motorcycle": "motorcycle",
}
"""Photograph → what it shows, where its name does not say so."""

CROPS: dict[str, dict[str, tuple[tuple[float, float, float], ...]]] = {
    "train": {
        "china": ((0.45, 0.0, 1.0), (0.3, 0.1, 0.7), (1.0, 1.0, 0.66), (0.0, 0.9, 0.6), (0.3, 0.5, 0.48)),
        "flower": ((0.6, 0.2, 1.0), (0.5, 0.05, 0.56), (0.55, 1.0, 0.8), (0.48, 0.3, 0.4)),
        "brick": ((0.0, 0.0, 1.0), (0.7, 0.3, 0.6), (0.0, 1.0, 0.65), (1.0, 0.0, 0.5)),
        "coffee": ((0.7, 0.0, 1.0), (0.1, 1.0, 0.7), (0.8, 0.0, 0.7), (0.85, 0.6, 0.55)),
        "grass": ((0.0, 0.0, 1.0), (0.4, 0.5, 0.6), (0.9, 0.0, 0.5), (0.0, 1.0, 0.55)),
        "hubble_deep_field": ((0.0, 0.0, 0.6), (0.9, 0.6, 0.55), (0.6, 0.0, 0.5), (0.0, 1.0, 0.65)),
        "chelsea": ((0.3, 0.0, 1.0), (0.2, 0.1, 0.7), (0.6, 0.6, 0.55), (0.9, 0.0, 0.6)),
        "coins": ((0.5, 0.5, 1.0), (0.9, 0.6, 0.65), (0.0, 0.1, 0.6), (1.0, 0.0, 0.5)),
        "astronaut": ((0.0, 1.0, 0.66), (1.0, 1.0, 0.6), (0.4, 0.65, 0.5), (0.1, 0.85, 0.8)),
    },
    "test": {
        "gravel": ((0.0, 0.0, 1.0), (0.5, 0.4, 0.6), (0.9, 0.0, 0.5)),
        "rocket": ((0.5, 1.0, 1.0), (0.6, 1.0, 0.75), (0.0, 0.9, 0.7)),
        "stereo_motorcycle": ((0.3, 0.5, 1.0), (0.1, 0.8, 0.62), (0.8, 0.0, 0.6)),
    },
}
"""Part → photograph → crops of it: where in what is left over, from the left and from the top (0 to 1), and how large, as a
share of the largest crop."""


def photograph(split: str, number: int, width: int, height: int) -> Tensor:
    """One of the crops of a part, of its photographs in turn: uint8 ``(3, height, width)``."""
    name, (left, top, share) = crop(split, number)
    whole = _whole(name)
    across = round(share * min(whole.shape[2], whole.shape[1] / 0.75))
    down = round(0.75 * across)
    first, start = round(top * (whole.shape[1] - down)), round(left * (whole.shape[2] - across))
    return scaled(whole[:, first : first + down, start : start + across], height, width)


def crop(split: str, number: int) -> tuple[str, tuple[float, float, float]]:
    """Name and crop of that number: all photographs in turn, then a second crop of each, and so on."""
    crops = CROPS[split]
    ordered = [(name, crops[name][turn]) for turn in range(9) for name in crops if turn < len(crops[name])]
    return ordered[number]


@lru_cache(maxsize=16)
def _whole(name: str) -> Tensor:
    """A photograph, uint8 ``(3, H, W)``."""
    if name in NAMES:
        return photographs()[name]
    from skimage import data

    read = getattr(data, name)()
    pixels = read[0] if isinstance(read, tuple) else read  # two views and a disparity
    if name in _GREY:
        pixels = (255 * between(colors(_GREY[name]), pixels / np.float32(255)) + 0.5).astype(np.uint8)
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
