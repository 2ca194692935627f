"""Kodak's 24 photographs, 768×512 or 512×768 pixels, on which codecs are compared since the nineties.

Looked up as ``kodak/*.png`` in a data folder. Released by Kodak for unrestricted use; 15 MB.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lossconditioning.datasets.download import download
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.errors import ReaderError
from lossconditioning.paths import data_cache

NAME = "kodak"
ADDRESS = "https://r0k.us/graphics/kodak/kodak/"
FILES = tuple(f"kodim{number:02}.png" for number in range(1, 25))


def kodak(folder: Path | None = None) -> dict[str, Tensor]:
    """The photographs: name → uint8 ``(3, H, W)``.

    Args:
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.

    Raises:
        ReaderError: if there are none.
    """
    root = Path(folder or data_cache()) / NAME
    if not root.is_dir():
        raise ReaderError(f"There is no {root}. Fetch the data set with `lossconditioning data fetch {NAME}`.")
    return read_pictures(root)


def fetch(folder: Path) -> Path:
    """Download the photographs, those not there yet. No checksum is published: downloads are pinned."""
    for name in FILES:
        download(ADDRESS + name, folder / NAME / name)
    return folder / NAME
