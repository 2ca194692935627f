"""Edited pictures and their masks, for two applications of single-picture GANs: harmonisation and editing.

SinGAN (Shaham, Dekel and Michaeli 2019, section 4) feeds an edited version of its training picture to one of its coarse
scales, and takes what comes out where the mask says so. *Harmonisation* makes a pasted object fit the picture around it;
*editing* makes patches fit that were copied to other places of a picture. Meta Internal Learning does both (section 5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets.cuts import scaled
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.scenic import scenery, sized
from lossconditioning.datasets.scenic_kinds import height_of
from lossconditioning.datasets.single_images import by_number, folder_of
from lossconditioning.datasets.stickers import sticker
from lossconditioning.errors import ReaderError


@dataclass(frozen=True, eq=False)
class Edit:
    """A picture somebody changed by hand, all of one size.

    Attributes:
        picture: the edited picture, uint8 ``(3, H, W)``, RGB.
        mask: bool ``(1, H, W)``, where it was changed.
        original: the picture that it was made from and that a GAN is trained on, uint8 ``(3, H, W)``.
        number: of the original in ``scenery(split="train")``; None for real pictures.
    """

    picture: Tensor
    mask: Tensor
    original: Tensor
    number: int | None = None


PASTED: dict[str, tuple[int, str, tuple[float, float, float]]] = {
    "flower in the pond": (11, "flower", (0.28, 0.22, 0.36)),
    "balloon over the lavender": (1, "balloon", (0.55, 0.02, 0.3)),
    "boat on the lake": (47, "boat", (0.33, 0.48, 0.27)),
    "house in the snow": (40, "house", (0.3, 0.42, 0.36)),
}
"""Built-in harmonisation → number of the scenery, sticker, and where: left, top and width, in shares of the picture's size."""

MOVED: dict[str, tuple[int, tuple[tuple[float, float, float, float, float, float], ...]]] = {
    "second temple": (4, ((0.1, 0.04, 0.42, 0.86, 0.56, 0.04),)),
    "two farmhouses": (1, ((0.09, 0.22, 0.36, 0.28, 0.6, 0.24),)),
    "taller town": (6, ((0.23, 0.3, 0.27, 0.4, 0.48, 0.08),)),
    "village on both shores": (47, ((0.64, 0.32, 0.34, 0.42, 0.02, 0.36),)),
    "shifted bricks": (14, ((0.1, 0.1, 0.3, 0.34, 0.55, 0.53), (0.62, 0.08, 0.22, 0.3, 0.16, 0.6))),
    "third eye": (34, ((0.29, 0.26, 0.2, 0.25, 0.45, 0.02),)),
}
"""Built-in edit → number of the scenery, and patches: left, top, width, height, left and top of the copy, in shares."""


def harmonisation(size: int = 130, folder: Path | None = None) -> dict[str, Edit]:
    """Pictures into which an object was pasted as it is, by name, to be harmonised.

    Args:
        size: pixels of the width, 32 to 256; heights are three quarters.
        folder: a data folder with ``single_image/Harmonization``, to take SinGAN's instead of the built-in ones.

    Raises:
        ReaderError: for a size out of range, or if a folder lacks the pictures or a mask or an original of one.
    """
    sized(size)
    if folder is not None:
        return _real("Harmonization", folder, size)
    pictures = scenery(1 + max(number for number, *_ in PASTED.values()), "train", size)
    return {name: _pasted(pictures, *what) for name, what in PASTED.items()}


def editing(size: int = 130, folder: Path | None = None) -> dict[str, Edit]:
    """Pictures in which patches were copied to other places, by name, to be made one again; see `harmonisation`.

    Args:
        folder: a data folder with ``single_image/Editing``, to take SinGAN's instead of the built-in ones.
    """
    sized(size)
    if folder is not None:
        return _real("Editing", folder, size)
    pictures = scenery(1 + max(number for number, _ in MOVED.values()), "train", size)
    return {name: _moved(pictures, *what) for name, what in MOVED.items()}


def _pasted(pictures: Tensor, number: int, name: str, where: tuple[float, float, float]) -> Edit:
    original = pictures[number].clone()
    height, width = original.shape[1:]
    left, top, side = (round(share * length) for share, length in zip(where, (width, height, width), strict=True))
    pasted = sticker(name, side)
    color, opaque = pasted[:3].float(), pasted[3:].float() / 255
    rows, columns = slice(top, min(top + side, height)), slice(left, min(left + side, width))
    part = (slice(None), slice(rows.stop - rows.start), slice(columns.stop - columns.start))
    under, color, opaque = original[:, rows, columns].float(), color[part], opaque[part]
    picture, mask = original.clone(), torch.zeros(1, height, width, dtype=torch.bool)
    picture[:, rows, columns] = (under + opaque * (color - under)).round().byte()
    mask[:, rows, columns] = opaque > 0
    return Edit(picture, mask, original, number)


def _moved(pictures: Tensor, number: int, patches: tuple[tuple[float, float, float, float, float, float], ...]) -> Edit:
    original = pictures[number].clone()
    height, width = original.shape[1:]
    picture, mask = original.clone(), torch.zeros(1, height, width, dtype=torch.bool)
    for patch in patches:
        left, top, across, down, to_left, to_top = (
            round(share * length) for share, length in zip(patch, 3 * (width, height), strict=True)
        )
        rows, columns = slice(to_top, to_top + down), slice(to_left, to_left + across)
        picture[:, rows, columns] = original[:, top : top + down, left : left + across]
        mask[:, rows, columns] = True
    return Edit(picture, mask, original, number)


def _real(name: str, folder: Path, size: int) -> dict[str, Edit]:
    """SinGAN's files: "X", "X_naive" or "X_edit_2", and either of these with "_mask"."""
    place, height = folder_of(name, folder), height_of(size)
    files = {key: scaled(picture, height, size) for key, picture in read_pictures(place).items()}
    edits = {}
    for key in sorted(files, key=by_number):
        if key.endswith("_mask"):
            edited = key.removesuffix("_mask")
            original = re.sub(r"_(naive|edit)(_\d+)?$", "", edited)
            lacking = [wanted for wanted in (edited, original) if wanted not in files]
            if lacking:
                raise ReaderError(
                    f"{place} has a mask {key}, but no picture {' and no picture '.join(lacking)}. Add it."
                )
            mask = files[key].float().mean(0, keepdim=True) > 127
            edits[edited] = Edit(files[edited], mask, files[original])
    if not edits:
        raise ReaderError(
            f"{place} has no mask: a file whose name ends in _mask, beside the edited picture and the original."
        )
    return edits
