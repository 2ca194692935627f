"""Pictures to complete, and the holes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets.celeba import celeba
from lossconditioning.datasets.faces import faces
from lossconditioning.errors import ReaderError
from lossconditioning.systems.dynamic_net.completion.recipes import SIDE, Config
from lossconditioning.systems.style_transfer.pictures import crops, held_out_photographs, training_photographs
from lossconditioning.training.randomness import generator

HELD_OUT = 64
"""How many pictures networks are measured on."""
HOLE = 28
"""Side, in pixels, of the hole in the middle that they are measured with."""
_FIRST_HELD_OUT = 1_000_000


@dataclass(frozen=True)
class Pictures:
    """Pictures, uint8 ``(N, 3, 64, 64)``, and what they are, in words."""

    images: Tensor
    source: str


def training_pictures(config: Config, folder: Path | None = None) -> Pictures:
    """What a configuration learns from; CelebA and photographs are looked up as `celeba` and `training_photographs` do."""
    if config.data == "drawn":
        return _drawn(config.count)
    if config.data == "celeba":
        return _celeba(folder, "train", config.count)
    photographs = training_photographs(folder)
    return _squares(photographs.pictures.values(), photographs.source, config.count)


def held_out_pictures(config: Config, folder: Path | None = None, count: int = HELD_OUT) -> Pictures:
    """Pictures of the same kind that no network has seen."""
    if config.data == "drawn":
        return _drawn(count, _FIRST_HELD_OUT)
    if config.data == "celeba":
        return _celeba(folder, "valid", count)
    photographs = held_out_photographs(folder)
    return _squares(photographs.pictures.values(), photographs.source, count)


@lru_cache(maxsize=2)
def _drawn(count: int, start: int = 0) -> Pictures:
    """Drawn faces, kept: thousands take a quarter of a minute."""
    found = faces(count, start=start)
    return Pictures(found.images, found.source)


@lru_cache(maxsize=2)
def _celeba(folder: Path | None, split: str, count: int) -> Pictures:
    """CelebA's faces, kept too."""
    found = celeba(folder, split, count)
    return Pictures(found.images, found.source)


def _squares(photographs: Iterable[Tensor], source: str, count: int) -> Pictures:
    cut = crops(list(photographs), SIDE, count, seed=0)
    return Pictures((255 * cut).round().clamp(0, 255).byte(), f"{count:,} squares of {source}")


# Holes --------------------------------------------------------------------------------------------------------------------


def hole_at(top: int, left: int, height: int, width: int, side: int = SIDE) -> Tensor:
    """A rectangular hole, bool ``(1, side, side)``, true where pixels are missing.

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
    """A square hole in the middle, bool ``(1, side, side)``."""
    return hole_at((side - size) // 2, (side - size) // 2, size, size, side)


def random_holes(config: Config, count: int, draw: torch.Generator) -> Tensor:
    """Square holes of all sizes and places that a configuration trains with, bool ``(count, 1, 64, 64)``."""
    half = torch.randint(config.smallest // 2, config.largest // 2 + 1, (count, 1), generator=draw)
    middle = SIDE // 2 + torch.randint(-config.offset, config.offset + 1, (count, 2), generator=draw)
    place = torch.arange(SIDE)
    down, across = ((place >= at - half) & (place < at + half) for at in (middle[:, :1], middle[:, 1:]))
    return (down[:, :, None] & across[:, None, :])[:, None]


@dataclass(frozen=True)
class Batch:
    """What one step completes: pictures ``(B, 3, 64, 64)`` in [0, 1], and holes, bool ``(B, 1, 64, 64)``."""

    pictures: Tensor
    hole: Tensor


def batches(config: Config, images: Tensor, seed: int) -> Callable[[int], Batch]:
    """Step → a batch, a function of (seed, step) alone."""

    def batch(step: int) -> Batch:
        draw = generator(seed, step)
        chosen = torch.randint(len(images), (config.batch_size,), generator=draw)
        return Batch(images[chosen].float() / 255, random_holes(config, config.batch_size, draw))

    return batch
