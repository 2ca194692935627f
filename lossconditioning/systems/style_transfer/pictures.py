"""The photographs to paint, and the paintings to paint like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets import bsds500, paintings, photographs
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.paths import data_cache
from lossconditioning.systems.style_transfer.task import middle_square
from lossconditioning.training.randomness import generator

STAND_IN = "the photographs that scikit-image and scikit-learn ship"
HELD_OUT = 14
"""How many photographs models are measured on: one for each style."""
PAINTING_SIDE = 256
"""Pixels of a painting's shorter side, when its style is taken."""


@dataclass(frozen=True)
class Photographs:
    """Photographs, uint8 ``(3, H, W)`` each, and what they are, in words."""

    pictures: tuple[Tensor, ...]
    source: str


def training_photographs(folder: Path | None = None) -> Photographs:
    """BSDS500's training photographs, or any others.

    Args:
        folder: with a ``bsds500`` in it, or with photographs; ``$LOSSCONDITIONING_DATA`` or data/cache, where only ``bsds500``
            counts, if not given. Where there is none, the built-in photographs stand in, said aloud.
    """
    return _found("train", folder)


def held_out_photographs(folder: Path | None = None, count: int = HELD_OUT) -> Photographs:
    """The first of BSDS500's validation photographs, or of any others; looked up as `training_photographs` are."""
    found = _found("val", folder)
    few = f"the first {count} of " if count < len(found.pictures) else ""
    return Photographs(found.pictures[:count], few + found.source)


def _found(part: str, folder: Path | None) -> Photographs:
    root = Path(folder or data_cache()).resolve()
    # What is not there now may be fetched later.
    return _read(part, root, (root / "bsds500" / part).is_dir(), folder is not None)


@lru_cache(maxsize=4)
def _read(part: str, root: Path, fetched: bool, own: bool) -> Photographs:
    if fetched:
        found = bsds500((part,), root)
        return Photographs(tuple(found.values()), f"bsds500/{part}, {len(found)} photographs")
    if own:
        others = read_pictures(root, without=("paintings", "bsds500", "kodak"))
        return Photographs(tuple(others.values()), f"{root.name}, {len(others)} photographs")
    print(f"There is no bsds500/{part} in {root}; used instead: {STAND_IN}.", file=sys.stderr)
    return Photographs(tuple(photographs().values()), STAND_IN)


def styles(folder: Path | None = None, count: int = 14) -> dict[str, Tensor]:
    """The paintings to learn from, name → uint8 ``(3, H, W)``: the built-in ones, or the first ``count`` of a folder."""
    found = paintings(folder, size=PAINTING_SIDE)
    return dict(list(found.items())[:count])


def squares(pictures: Sequence[Tensor], side: int) -> Tensor:
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
    top, left = (int(torch.randint(length - side + 1, (), generator=draw)) for length in size)
    cut = small[:, top : top + side, left : left + side]
    return cut.flip(-1) if torch.rand((), generator=draw) < 0.5 else cut


def crops(pictures: Sequence[Tensor], side: int, count: int, seed: int, first: int = 0) -> Tensor:
    """``count`` random crops ``(count, 3, side, side)``, numbers ``first``, ``first + 1`` … of an endless series."""
    made = []
    for number in range(first, first + count):
        draw = generator(seed, number)
        made.append(crop(pictures[int(torch.randint(len(pictures), (), generator=draw))], side, draw))
    return torch.stack(made)
