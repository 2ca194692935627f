"""The photographs to paint, and the paintings to paint like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets import bsds500, paintings
from lossconditioning.datasets.cuts import random_square
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.lookup import Photographs, look_up
from lossconditioning.errors import ReaderError
from lossconditioning.training.randomness import generator

PAINTING_SIDE = 256
"""Pixels of a painting's shorter side, when its style is taken."""


_train, _val = partial(bsds500, ("train",)), partial(bsds500, ("val",))
_others = partial(read_pictures, without=("paintings", "styles", "bsds500", "kodak"))


def training_photographs(folder: Path | None = None) -> Photographs:
    """BSDS500's training photographs, or any others.

    Args:
        folder: with a ``bsds500`` in it, or with photographs; ``$LOSSCONDITIONING_DATA`` or data/cache, where only ``bsds500``
            counts, if not given. Where there is none, the built-in photographs stand in, said aloud.
    """
    return look_up("bsds500/train", _train, _others, folder)


def held_out_photographs(folder: Path | None = None, count: int = 14) -> Photographs:
    """The first of BSDS500's validation photographs, or of any others; looked up as `training_photographs` are."""
    found = look_up("bsds500/val", _val, _others, folder)
    few = f"the first {count} of " if count < len(found.pictures) else ""
    return Photographs(dict(islice(found.pictures.items(), count)), few + found.source)


def styles(folder: Path | None = None, count: int = 14) -> Photographs:
    """The paintings to learn from: the built-in ones, or the first of a reader's own.

    Args:
        folder: a data folder; where it has a folder ``styles``, its paintings take the place of the built-in ones.
        count: how many.

    Raises:
        ReaderError: if the folder has fewer.
    """
    own = None if folder is None else Path(folder) / "styles"
    if own is None or not own.is_dir():
        return Photographs(dict(islice(paintings(size=PAINTING_SIDE).items(), count)), "the built-in paintings")
    found = paintings(own, size=PAINTING_SIDE)
    if len(found) < count:
        raise ReaderError(f"A painter learns {count} paintings; {own} has {len(found)}. Add some.")
    return Photographs(dict(islice(found.items(), count)), f"paintings in {own.name}")


def middle_square(picture: Tensor, side: int) -> Tensor:
    """The largest square in the middle of a picture, uint8 ``(3, H, W)``, as float ``(3, side, side)`` in [0, 1]."""
    height, width = picture.shape[1:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    cut = picture[None, :, top : top + edge, left : left + edge].float() / 255
    return F.interpolate(cut, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]


def squares(pictures: Iterable[Tensor], side: int) -> Tensor:
    """The middles of photographs as a batch ``(N, 3, side, side)`` in [0, 1]."""
    return torch.stack([middle_square(picture, side) for picture in pictures])


def crop(picture: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """A random square of a photograph, at a random scale, mirrored half of the time: float ``(3, side, side)`` in [0, 1].

    Its shorter side is first brought to between 1 and 1.6 times ``side``: a crop shows much of the photograph.
    """
    shorter = min(picture.shape[1:])
    scale = side * (1 + 0.6 * float(torch.rand((), generator=draw))) / shorter
    size = [max(side, round(scale * length)) for length in picture.shape[1:]]
    small = F.interpolate(picture[None].float() / 255, size, mode="bilinear", antialias=True, align_corners=False)[0]
    return random_square(small, side, draw)


def crops(pictures: Sequence[Tensor], side: int, count: int, seed: int, first: int = 0) -> Tensor:
    """``count`` random crops ``(count, 3, side, side)``, numbers ``first``, ``first + 1`` … of an endless series."""
    made = []
    for number in range(first, first + count):
        draw = generator(seed, number)
        made.append(crop(pictures[int(torch.randint(len(pictures), (), generator=draw))], side, draw))
    return torch.stack(made)
