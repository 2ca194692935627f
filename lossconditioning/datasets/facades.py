"""Facades and their plans: photographs of buildings, and where their windows, doors and cornices are (Tyleček and Šára 2013).

The CMP Facade Database as pix2pix has it (Isola, Zhu, Zhou and Efros 2017): JPEG files of 512×256 pixels, the photograph at the
left and the labels at the right, in colours. Looked up as ``cmp_facades/{train,val,test}`` in a data folder; pix2pix's archive
has 400, 100 and 106 pairs in them. The licence is not stated. Pairs that need no file: `datasets.valley`, `datasets.outlines`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets.cuts import middle_square
from lossconditioning.datasets.download import download
from lossconditioning.datasets.folders import SUFFIXES, picture_paths, read_picture
from lossconditioning.datasets.pairs import Pairs
from lossconditioning.datasets.unpack import clear, unpack
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.paths import data_cache

NAME = "cmp_facades"
ADDRESS = "https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz"
PARTS = ("train", "val", "test")


def facades(split: str = "train", folder: Path | None = None, size: int = 256, count: int | None = None) -> Pairs:
    """Plans of facades and their photographs, ``size`` pixels a side. No factor of their style is known.

    Args:
        split: "train", "val" or "test", as their authors divided them.
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        size: pixels a side; 256 is that of the files.
        count: how many at most, by name; all if not given.

    Raises:
        ReaderError: if there are none, or one can not be read or is no pair.
    """
    root = Path(folder or data_cache()) / NAME / one_of("split", split, PARTS)
    positive_int("size", size)
    if count is not None:
        positive_int("count", count)
    if not root.is_dir():
        raise ReaderError(
            f"There is no {root}. Fetch the data set with `lossconditioning data fetch {NAME}`, or put pairs there. Those of "
            "datasets.valley and datasets.outlines need no file."
        )
    paths = picture_paths(root)[:count]
    if not paths:
        raise ReaderError(f"There is no picture in {root} (looked for {', '.join(SUFFIXES)}).")
    layouts, pictures = (torch.stack(part) for part in zip(*(_pair(path, size) for path in paths), strict=True))
    factors = torch.empty(len(paths), 0, dtype=torch.int64)
    return Pairs(layouts, pictures, factors, (), (), f"{NAME}/{split}, {len(paths)} pairs")


def fetch(folder: Path) -> Path:
    """Download pix2pix's archive from its authors and unpack it; what is there is left alone.

    They publish no checksum: the first download is pinned, see `datasets.download`.
    """
    if (folder / NAME).is_dir():
        clear(folder / NAME)
    else:
        unpack(download(ADDRESS, folder / "facades.tar.gz"), "facades", folder / NAME)
    return folder / NAME


def _pair(path: Path, size: int) -> tuple[Tensor, Tensor]:
    """The plan and the photograph of one file, uint8 ``(3, size, size)`` each."""
    both = read_picture(path)
    height, width = both.shape[1:]
    if width != 2 * height:
        raise ReaderError(
            f"{path} is {width}×{height} pixels; a pair is twice as wide as high, the photograph at the left and the plan at "
            "the right. Take it away, or put pairs there."
        )
    return middle_square(both[:, :, height:], size), middle_square(both[:, :, :height], size)
