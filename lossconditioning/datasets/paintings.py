"""Pictures to take a style from: the fourteen pointillist paintings this project paints, or a reader's own folder.

The built-in ones are computed (see `datasets.pointillism`), 256×256 pixels if no other size is asked for; they copy no
painting and come under this project's licence. Nothing is downloaded. Those of 256 pixels ship as pictures, painted by the
same code: every machine has the very same, and nobody waits for the painter.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torch import Tensor
from torch.nn.functional import interpolate

from lossconditioning.datasets.folders import read_picture, read_pictures
from lossconditioning.datasets.pointillism import PAINTINGS, paint, size_of_painting
from lossconditioning.errors import ReaderError, one_of
from lossconditioning.paths import shipped

SHIPPED_SIZE = 256
"""Pixels a side of the paintings that ship."""


def paintings(folder: Path | None = None, size: int = SHIPPED_SIZE) -> dict[str, Tensor]:
    """Paintings by name: uint8 ``(3, H, W)``, RGB.

    Args:
        folder: pictures to take instead of the built-in ones, subfolders too; named by their path in it.
        size: pixels, 32 to 1024: the side of a built-in painting, the shorter side of a folder's, which keep their
            proportions and are not cropped.

    Raises:
        ReaderError: if the size is out of range, the folder is missing or has no pictures, or one can not be read.
    """
    size = size_of_painting(size)
    if folder is None:
        with ThreadPoolExecutor(2) as painters:
            return dict(zip(PAINTINGS, painters.map(lambda name: painting(name, size), PAINTINGS), strict=True))
    if not Path(folder).is_dir():
        raise ReaderError(
            f"There is no folder {folder}. Put pictures there, or give no folder for the built-in paintings."
        )
    return {name: _scaled(picture, size) for name, picture in read_pictures(Path(folder)).items()}


def painting(name: str, size: int = SHIPPED_SIZE) -> Tensor:
    """One of the built-in paintings, uint8 ``(3, size, size)``: as it ships, or painted now in another size."""
    if size == SHIPPED_SIZE:
        return read_picture(shipped("assets") / "paintings" / f"{one_of('painting', name, PAINTINGS)}.png")
    return paint(name, size)


def _scaled(picture: Tensor, size: int) -> Tensor:
    """A picture ``(3, H, W)`` with its shorter side ``size`` pixels long."""
    height, width = picture.shape[1:]
    sides = [max(size, round(side * size / min(height, width))) for side in (height, width)]
    fine = interpolate(picture[None].float(), size=sides, mode="bicubic", antialias=True, align_corners=False)[0]
    return fine.round().clamp(0, 255).byte()
