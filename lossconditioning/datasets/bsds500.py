"""BSDS500: 500 photographs of 481×321 pixels (Arbeláez et al. 2011), 200 to train on, 100 to validate, 200 to test.

Looked up as ``bsds500/{train,val,test}`` in a data folder. Licence: research and education. The Berkeley archive is 71 MB.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lossconditioning.datasets.download import download
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.unpack import clear, unpack
from lossconditioning.errors import ReaderError
from lossconditioning.paths import data_cache

NAME = "bsds500"
ADDRESS = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz"
_INNER = "BSR/BSDS500/data/images"


def bsds500(parts: tuple[str, ...] = ("train", "val"), folder: Path | None = None) -> dict[str, Tensor]:
    """Photographs of some parts: "part/name" → uint8 ``(3, H, W)``, 481×321 or 321×481 pixels.

    Args:
        parts: of "train", "val", "test"; those the folder does not have are left out.
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.

    Raises:
        ReaderError: if there are none.
    """
    root = Path(folder or data_cache()) / NAME
    present = [part for part in parts if (root / part).is_dir()]
    if not present:
        raise ReaderError(
            f"There is no {root}/{parts[0]}. Fetch the data set with `lossconditioning data fetch {NAME}`, or put pictures "
            "there."
        )
    return {f"{part}/{name}": p for part in present for name, p in read_pictures(root / part).items()}


def fetch(folder: Path) -> Path:
    """Download the archive from its authors and unpack its photographs; what is there is left alone.

    They publish no checksum: the first download is pinned, see `datasets.download`.
    """
    if (folder / NAME).is_dir():
        clear(folder / NAME)
    else:
        unpack(download(ADDRESS, folder / "BSR_bsds500.tgz"), _INNER, folder / NAME)
    return folder / NAME
