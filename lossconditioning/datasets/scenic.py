"""Pictures for single-picture GANs that need no file: landscapes, a valley, painted scenes and photographs, mixed.

A single-picture GAN learns the patches of one picture, a network that writes such GANs those of many (Meta Internal Learning,
section 5: Places-50, LSUN-50 and parts of Places). These pictures are rendered by this project or ship with scikit-image and
scikit-learn, so that what is made of them may be shown. Real ones, as in the paper: `datasets.single_images`.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from lossconditioning.datasets.scenic_kinds import KINDS, height_of
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.training.progress import progress_bar

SPLITS = ("train", "test")
SMALLEST, LARGEST = 32, 256
"""Pixels of a picture's width."""
MOST = 10_000
_TURNS = ("landscape", "painted", "valley", "landscape", "photograph")
_INSTEAD = {"painted": "landscape", "photograph": "valley"}
"""Kind that is used up → the kind that takes its turns."""


def scenery(count: int = 50, split: str = "train", size: int = 130) -> Tensor:
    """Pictures to train single-picture GANs on: uint8 ``(count, 3, H, size)``, RGB, H three quarters of size, rounded.

    Kinds take turns, so that the first few are a mixture as all are: of 20 pictures 8 are landscapes, 4 of the valley, 4
    painted scenes and 4 photographs. No two neighbours are of one kind in the first 400 of "train" and the first 100 of
    "test". The same every time; on another machine a pixel may differ by a shade.

    Args:
        count: how many, up to 10,000; fifty of 130×98 pixels take a few seconds, and none when asked for again.
        split: "train" or "test"; no place, painting or photograph is in both.
        size: pixels of the width, 32 to 256.

    Raises:
        ReaderError: for an unknown split, or a count or size out of range.
    """
    turns = _turns(count, split)
    height, width = height_of(sized(size)), size
    pictures = torch.empty(count, 3, height, width, dtype=torch.uint8)
    with progress_bar(count, "scenery", "picture", show=count > 200) as bar:
        for number, (kind, turn) in enumerate(turns):
            pictures[number] = _picture(kind, split, turn, size)
            bar.update()
    return pictures


def scenery_names(count: int = 50, split: str = "train") -> tuple[str, ...]:
    """What the pictures of `scenery` show, in words, such as "mountains, winter"."""
    return tuple(KINDS[kind].name(split, turn) for kind, turn in _turns(count, split))


def sized(size: int) -> int:
    """Return ``size`` if it is a width that pictures can have, else raise ``ReaderError``."""
    if not SMALLEST <= positive_int("size", size) <= LARGEST:
        raise ReaderError(f"size is the width of the pictures, from {SMALLEST} to {LARGEST} pixels; got {size}.")
    return size


def _turns(count: int, split: str) -> list[tuple[str, int]]:
    """Kind of each picture, and its number within that kind."""
    one_of("split", split, SPLITS)
    if positive_int("count", count) > MOST:
        raise ReaderError(f"A part has {MOST:,} pictures; asked for {count:,}.")
    used, turns = dict.fromkeys(KINDS, 0), []
    for number in range(count):
        kind = _TURNS[number % len(_TURNS)]
        there = KINDS[kind].count(split)
        if there is not None and used[kind] >= there:
            kind = _INSTEAD[kind]
        turns.append((kind, used[kind]))
        used[kind] += 1
    return turns


@lru_cache(maxsize=512)
def _picture(kind: str, split: str, turn: int, size: int) -> Tensor:
    return KINDS[kind].picture(split, turn, size)
