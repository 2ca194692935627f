"""Landscapes in seasons and lights, painted by this project: unpaired domains that need no file.

A number says how the land lies: mountains, hills, a lake, woods, clouds. A season or a light says the rest, so that any
landscape can be had in each of them, which no data set of photographs offers. For *unpaired* translation, as between two
folders of `datasets.unpaired`, `landscapes` gives every season scenes of its own.

The painter is a camera over a height map: see `landscapes.terrain` for what it sees, `planting` for trees, tufts and stones,
`skies` for clouds. A picture of 128×128 pixels takes some hundredths of a second.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lossconditioning.datasets.landscapes.painter import paint
from lossconditioning.datasets.landscapes.seasons import SEASONS, Season
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.training.progress import progress_bar

SMALLEST, LARGEST = 16, 512
"""Pixels of a landscape's side."""

FIRST = {"train": 0, "valid": 1_000_000, "test": 2_000_000}
"""Part → number of its first scene, in the first season; the next season's stand ten millions after."""
_APART = 10_000_000


def landscape(number: int, season: str = "summer", size: int = 128) -> Tensor:
    """One landscape: uint8 ``(3, size, size)``, RGB. The same every time; on another machine a pixel may differ by a shade.

    Args:
        number: of the scene, from 0. The same number is the same place in every season.
        season: of `SEASONS`: "spring", "summer", "autumn", "winter", "dusk", "night", "mist".
        size: pixels a side, 16 to 512.

    Raises:
        ReaderError: for a number below 0, an unknown season, or a size out of range.
    """
    one_of("season", season, SEASONS)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ReaderError(f"Landscapes are numbered from 0; got {number!r}.")
    if not SMALLEST <= positive_int("The size of a landscape", size) <= LARGEST:
        raise ReaderError(f"The size of a landscape is from {SMALLEST} to {LARGEST} pixels; got {size}.")
    return torch.from_numpy(paint(number, SEASONS[season], size)).permute(2, 0, 1).contiguous()


def landscapes(season: str, count: int, split: str = "train", size: int = 128) -> Tensor:
    """Landscapes of a season, at places that no other season's have: uint8 ``(count, 3, size, size)``.

    Args:
        season: of `SEASONS`.
        count: how many, up to a million; a thousand of 128×128 pixels take about a minute.
        split: "train", "valid" or "test"; no place is in two of them.
        size: pixels a side, 16 to 512.

    Raises:
        ReaderError: for an unknown season or split, or a count or size out of range.
    """
    first = FIRST[one_of("split", split, FIRST)] + _APART * list(SEASONS).index(one_of("season", season, SEASONS))
    if positive_int("The number of landscapes", count) > FIRST["valid"]:
        raise ReaderError(f"A part has {FIRST['valid']:,} landscapes; asked for {count:,}.")
    pictures = torch.empty(count, 3, positive_int("The size of a landscape", size), size, dtype=torch.uint8)
    with progress_bar(count, f"landscapes, {season}", "picture", show=count > 200) as bar:
        for number in range(count):
            pictures[number] = landscape(first + number, season, size)
            bar.update()
    return pictures


__all__ = ["FIRST", "SEASONS", "Season", "landscape", "landscapes"]
