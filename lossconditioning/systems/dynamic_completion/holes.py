"""Holes in pictures: bool, true where pixels are missing."""

from __future__ import annotations

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.systems.dynamic_completion.recipes import SIDE, Config

HOLE = 28
"""Side, in pixels, of the hole in the middle that networks are measured with."""


def hole_at(top: int, left: int, height: int, width: int, side: int = SIDE) -> Tensor:
    """A rectangular hole, ``(1, side, side)``.

    Raises:
        ReaderError: if it does not lie within the picture.
    """
    if not (0 <= top < top + height <= side and 0 <= left < left + width <= side):
        raise ReaderError(
            f"A hole lies within the {side}×{side} pixels of its picture; got {height}×{width} pixels at row {top}, column "
            f"{left}."
        )
    hole = torch.zeros(1, side, side, dtype=torch.bool)
    hole[:, top : top + height, left : left + width] = True
    return hole


def centre_hole(size: int = HOLE, side: int = SIDE) -> Tensor:
    """A square hole in the middle, ``(1, side, side)``."""
    return hole_at((side - size) // 2, (side - size) // 2, size, size, side)


def random_holes(config: Config, count: int, draw: torch.Generator) -> Tensor:
    """Square holes of all sizes and places that a configuration trains with, ``(count, 1, 64, 64)``."""
    half = torch.randint(config.smallest // 2, config.largest // 2 + 1, (count, 1), generator=draw)
    middle = SIDE // 2 + torch.randint(-config.offset, config.offset + 1, (count, 2), generator=draw)
    place = torch.arange(SIDE)
    down, across = ((place >= at - half) & (place < at + half) for at in (middle[:, :1], middle[:, 1:]))
    return (down[:, :, None] & across[:, None, :])[:, None]
