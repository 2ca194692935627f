"""Two domains of pictures without pairs: CycleGAN's archives, or any two folders (Zhu, Park, Isola and Efros 2017).

Looked up as ``NAME/{trainA,trainB,testA,testB}`` in a data folder, as the archives have them; or as two folders that a reader
made and named after the domains, such as ``monet2photo/{monet,photo}``, of which every tenth picture is held out. The paintings
are in the public domain; the photographs are from Flickr, their licence is not stated. Without them there are the landscapes of
`datasets.landscapes`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from lossconditioning.datasets.cuts import middle_square
from lossconditioning.datasets.download import download
from lossconditioning.datasets.folders import SUFFIXES, picture_paths, read_picture
from lossconditioning.datasets.landscapes import landscapes
from lossconditioning.datasets.unpack import clear, unpack
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.paths import data_cache
from lossconditioning.training.progress import progress_bar

ADDRESS = "https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/"
STAND_IN = {
    "monet2photo": ("spring", "summer"),
    "cezanne2photo": ("autumn", "summer"),
    "ukiyoe2photo": ("mist", "summer"),
    "vangogh2photo": ("dusk", "summer"),
    "summer2winter_yosemite": ("summer", "winter"),
}
"""Archive → the seasons that stand in for its domains A and B. They are no paintings; but two domains they are."""
NAMES = tuple(STAND_IN)
"""The archives that are registered: domain A, "2", domain B."""
PARTS = ("train", "test")
STOOD_IN = 200
"""Landscapes that stand in for a domain to train on, a quarter of that held out, if no other number is asked for."""
_HELD_OUT = 10


class Unpaired(NamedTuple):
    """Pictures of two domains, uint8 ``(N, 3, side, side)`` each, those to train on and those held out; and what they are."""

    train_a: Tensor
    train_b: Tensor
    test_a: Tensor
    test_b: Tensor
    source: str


def unpaired(
    name: str = "monet2photo",
    folder: Path | None = None,
    side: int = 256,
    count: int | None = None,
    source: str = "auto",
) -> Unpaired:
    """Pictures of two domains: the shorter side of each made ``side`` pixels long, and the middle cut out.

    Args:
        name: of `NAMES`; or a folder of a reader's own in the data folder, which has trainA, trainB, testA and testB in it, or
            two folders with pictures: A and B if it is called A2B, else by name.
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        side: pixels.
        count: of a domain and part, at most; all if not given. 6,000 photographs of 256×256 pixels take 1.2 GB.
        source: "auto" (the real pictures where they are found, else the landscapes of `STAND_IN`), "real" or "stand_in".

    Raises:
        ReaderError: if there are none and none stand in, or one can not be read.
    """
    one_of("source", source, ("auto", "real", "stand_in"))
    positive_int("side", side)
    if count is not None:
        positive_int("count", count)
    root = Path(folder or data_cache()) / name
    if source == "stand_in" or (source == "auto" and name in STAND_IN and not root.is_dir()):
        found = _stand_in(one_of("archive", name, NAMES), side, count or STOOD_IN)
        if source == "auto":
            print(f"There is no {root}; used instead: {found.source}.", file=sys.stderr)
        return found
    if all((root / f"train{domain}").is_dir() for domain in "AB"):
        paths = [picture_paths(root / f"{part}{domain}") for part, domain in _KINDS]
    else:
        paths = _divided([picture_paths(place) for place in _two_folders(root, name)])
    empty = [f"{part}{domain}" for (part, domain), files in zip(_KINDS, paths, strict=True) if not files]
    if empty:
        raise ReaderError(f"There is no picture for {', '.join(empty)} in {root} (looked for {', '.join(SUFFIXES)}).")
    chosen = [files[:count] for files in paths]
    total = sum(map(len, chosen))
    with progress_bar(total, name, "picture", show=total > 1000) as bar:
        pictures = [torch.stack([_square(path, side, bar) for path in files]) for files in chosen]
    return Unpaired(*pictures, source=f"{name}, {_counts(pictures)} pictures")


_KINDS = [(part, domain) for part in PARTS for domain in "AB"]


def fetch(name: str, folder: Path) -> Path:
    """Download an archive of `NAMES` from its authors and unpack it; what is there is left alone.

    They publish no checksum: the first download is pinned, see `datasets.download`.
    """
    one_of("archive", name, NAMES)
    if (folder / name).is_dir():
        clear(folder / name)
    else:
        unpack(download(f"{ADDRESS}{name}.zip", folder / f"{name}.zip"), name, folder / name)
    return folder / name


def _stand_in(name: str, side: int, count: int) -> Unpaired:
    pictures = [
        landscapes(season, number, split, side)
        for split, number in (("train", count), ("test", max(1, count // 4)))
        for season in STAND_IN[name]
    ]
    seasons = " and ".join(STAND_IN[name])
    return Unpaired(*pictures, source=f"landscapes of this project in {seasons}, {_counts(pictures)} pictures")


def _counts(pictures: list[Tensor]) -> str:
    return " + ".join(f"{len(part):,}" for part in pictures)


def _two_folders(root: Path, name: str) -> list[Path]:
    """The folders of domains A and B."""
    named = [root / part for part in name.split("2", 1)]
    if len(named) == 2 and all(place.is_dir() for place in named):
        return named
    below = (
        sorted(place for place in root.iterdir() if place.is_dir() and picture_paths(place)) if root.is_dir() else []
    )
    if len(below) == 2:
        return below
    fetching = f"Fetch it with `lossconditioning data fetch {name}`, or put" if name in NAMES else "Put"
    there = f"{root} has {len(below)} folders with pictures" if root.is_dir() else f"There is no {root}"
    raise ReaderError(
        f"{there}; two domains expected, in trainA, trainB, testA and testB, or in two folders. {fetching} pictures there. The "
        "landscapes of datasets.landscapes need no file."
    )


def _divided(domains: list[list[Path]]) -> list[list[Path]]:
    """Every tenth picture of each domain is held out: train A, train B, test A, test B."""
    parts = [[], []]
    for paths in domains:
        parts[0].append([path for number, path in enumerate(paths) if number % _HELD_OUT != _HELD_OUT - 1])
        parts[1].append(paths[_HELD_OUT - 1 :: _HELD_OUT])
    return [*parts[0], *parts[1]]


def _square(path: Path, side: int, bar: object) -> Tensor:
    """The middle of a picture, uint8 ``(3, side, side)``."""
    square = middle_square(read_picture(path), side)
    bar.update()
    return square
