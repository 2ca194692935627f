"""Real pictures for single-picture GANs, those that SinGAN, ConSinGAN and Meta Internal Learning train on and show.

Looked up as ``single_image/FOLDER/*`` in a data folder; `FOLDERS` names the folders.
Licence: the repositories are MIT; that of the photographs is not stated. Pictures that need no file: `datasets.scenic`.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets.cuts import scaled
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.scenic_kinds import height_of
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.paths import data_cache

NAME = "single_image"
FOLDERS = {
    "places50": "places50_real",
    "lsun50": "lsun50_real",
    "places50_singan": "places50_generated_SinGAN",
    "places50_consingan": "places50_generated_ConSinGAN",
    "lsun50_singan": "lsun50_generated_SinGAN",
    "lsun50_consingan": "lsun50_generated_ConSinGAN",
    "singan": "SinGAN_Images",
    "generation": "Generation",
    "animation": "Animation",
    "paint": "SinGAN_Paint",
}
"""Set → its folder. "places50" and "lsun50" are the 50 pictures that papers compare on; "…_singan" and "…_consingan" one sample
of each, made by a GAN of that paper that was trained on the real one of the same number."""
REPOSITORIES = "github.com/tamarott/SinGAN, github.com/tohinz/ConSinGAN, github.com/RaphaelBensTAU/MetaInternalLearning"


def places(split: str = "places50", folder: Path | None = None, size: int = 130) -> Tensor:
    """Real pictures of one set, all of one size: uint8 ``(N, 3, H, size)``, RGB, H three quarters of size, rounded.

    The whole of each picture is brought to that size, without aliasing, as Meta Internal Learning trains on many pictures
    (appendix B.2: one aspect ratio for all). They are in the order of their numbers, or names.

    Args:
        split: a name in `FOLDERS`.
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        size: pixels of the width.

    Raises:
        ReaderError: for an unknown set or a wrong size, or if the pictures are not there or can not be read.
    """
    height, width = height_of(positive_int("size", size)), size
    return torch.stack([scaled(picture, height, width) for picture in originals(split, folder).values()])


def originals(split: str = "places50", folder: Path | None = None) -> dict[str, Tensor]:
    """The pictures of a set by name, as they are in their files, uint8 ``(3, H, W)``; see `places`."""
    place = folder_of(FOLDERS[one_of("set of pictures", split, FOLDERS)], folder)
    pictures = read_pictures(place)
    return {name: pictures[name] for name in sorted(pictures, key=by_number)}


def folder_of(name: str, folder: Path | None) -> Path:
    """Where a folder of the pictures stands; an error says where a reader gets them."""
    place = Path(folder or data_cache()).expanduser() / NAME / name
    if not place.is_dir():
        raise ReaderError(
            f"There is no {place}. Its pictures are in the authors' repositories ({REPOSITORIES}); put them there. "
            "datasets.scenery needs no file."
        )
    return place


def fetch(folder: Path) -> Path:
    """Say where the pictures stand, or where a reader gets them: there is no archive of them to download.

    Raises:
        ReaderError: if they are not in the folder.
    """
    return folder_of("", folder)


def by_number(name: str) -> list[tuple[int, str]]:
    """Names that are numbers in the order of these: 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
