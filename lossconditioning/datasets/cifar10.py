"""CIFAR-10: 60,000 photographs of 32×32 pixels in ten classes (Krizhevsky 2009), or what stands in for it.

Looked up in this order: a local ``cifar10.npz`` (arrays x_train and x_test, uint8 ``(N, 32, 32, 3)``), torchvision's copy
(``lossconditioning data fetch cifar10`` downloads it, 170 MB), and last, said aloud, patches of the photographs that
scikit-image and scikit-learn ship. The licence of CIFAR-10 is not stated by its authors.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets.download import download
from lossconditioning.datasets.photographs import photographs
from lossconditioning.datasets.unpack import clear, unpack
from lossconditioning.errors import ReaderError, one_of
from lossconditioning.paths import data_cache

FILE = "cifar10.npz"
ARCHIVE = "cifar-10-batches-py"  # what torchvision unpacks
SIDE = 32
_SHRINKS = (2, 2.5, 3, 4)  # of the stand-in's photographs


class Photographs(NamedTuple):
    """Pictures to train on and pictures held out, uint8 ``(N, 3, 32, 32)`` each, and where they come from."""

    train: Tensor
    test: Tensor
    source: str


def cifar10(source: str = "auto", folder: Path | None = None) -> Photographs:
    """CIFAR-10's pictures, without their classes.

    Args:
        source: "auto" (the real pictures where they are found, else the stand-in), "real" or "stand_in".
        folder: where to look; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.

    Raises:
        ReaderError: if "real" ones are wanted and there are none, or if a file is damaged or of another shape.
    """
    one_of("source", source, ("auto", "real", "stand_in"))
    folder = Path(folder) if folder is not None else data_cache()
    if source != "stand_in":
        for path in (folder / FILE, folder / "cifar10" / FILE):
            if path.is_file():
                return _from_npz(path)
        for root in (folder, folder / "cifar10"):
            if (root / ARCHIVE).is_dir():
                return _from_torchvision(root)
    if source == "real":
        raise ReaderError(
            f"There is neither {FILE} nor {ARCHIVE} in {folder}. Download CIFAR-10 with `lossconditioning data fetch "
            "cifar10`, or put a cifar10.npz there with x_train and x_test, uint8 (N, 32, 32, 3)."
        )
    found = stand_in()
    if source == "auto":
        print(f"There is no CIFAR-10 in {folder}; used instead: {found.source}.", file=sys.stderr)
    return found


def fetch(folder: Path) -> Path:
    """Download CIFAR-10 from its authors, verify it against the checksum that torchvision knows, and unpack it.

    A whole copy that is there already is left alone, a damaged one replaced.

    Raises:
        ReaderError: if it can not be had; the message says how to supply it by hand.
    """
    from torchvision.datasets import CIFAR10

    with contextlib.suppress(ReaderError):
        _from_torchvision(folder)
        clear(folder / ARCHIVE)
        return folder / ARCHIVE
    packed = download(CIFAR10.url, folder / CIFAR10.filename, checksum=f"md5:{CIFAR10.tgz_md5}")
    return unpack(packed, ARCHIVE, folder / ARCHIVE)


def _from_npz(path: Path) -> Photographs:
    parts = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in ("x_train", "x_test"):
                # A folder to measure on needs no training pictures.
                parts[name] = arrays[name] if name in arrays or name == "x_test" else np.zeros((0, SIDE, SIDE, 3), "u1")
    except Exception as error:  # what a zip archive may hold, and how it may be damaged, has no end
        raise ReaderError(
            f"{path} is damaged or has no array x_test ({str(error) or type(error).__name__}). Get it again, or make it with "
            "numpy.savez."
        ) from None
    for name, pictures in parts.items():
        if not isinstance(pictures, np.ndarray):  # a member that is not called .npy comes as its bytes
            raise ReaderError(f"{name} in {path} is no array; expected uint8 (N, 32, 32, 3), as numpy.savez writes it.")
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE, SIDE, 3):
            raise ReaderError(
                f"{name} in {path} is {pictures.dtype} of shape {pictures.shape}; expected uint8 (N, 32, 32, 3)."
            )
    train, test = (torch.from_numpy(p).permute(0, 3, 1, 2).contiguous() for p in parts.values())
    return Photographs(train, test, f"CIFAR-10, {len(train):,} + {len(test):,} pictures of {path.name}")


def _from_torchvision(root: Path) -> Photographs:
    from torchvision.datasets import CIFAR10

    try:
        parts = [torch.from_numpy(CIFAR10(root, train=t).data).permute(0, 3, 1, 2).contiguous() for t in (True, False)]
    except RuntimeError as error:  # torchvision checks every file against its checksum
        raise ReaderError(f"CIFAR-10 in {root / ARCHIVE} is damaged ({error}). Delete it and fetch it again.") from None
    return Photographs(*parts, f"CIFAR-10, {len(parts[0]):,} + {len(parts[1]):,} pictures")


def stand_in(train: int = 8000, test: int = 1000, seed: int = 0) -> Photographs:
    """32×32 patches of six photographs, at scales from a half to a quarter, half of them mirrored.

    Held-out patches come from the right quarter of each photograph, training patches from the rest, so none overlap.
    """
    draw = torch.Generator().manual_seed(seed)
    sets: tuple[list[Tensor], list[Tensor]] = ([], [])
    pictures = list(photographs().values())
    for picture in pictures:
        cut = round(0.75 * picture.shape[2])
        for shrink in _SHRINKS:
            # Cut first and scale then, so that no scale carries pixels across.
            halves = (_scaled(picture[:, :, :cut], shrink), _scaled(picture[:, :, cut:], shrink))
            for patches, area, count in zip(sets, halves, (train, test), strict=True):
                views = area.unfold(1, SIDE, 1).unfold(2, SIDE, 1)  # (3, rows, columns, 32, 32)
                each = -(-count // (len(pictures) * len(_SHRINKS)))
                rows, columns = (torch.randint(0, n, (each,), generator=draw) for n in views.shape[1:3])
                chosen = views[:, rows, columns].transpose(0, 1)
                patches.append(torch.cat([chosen[::2], chosen[1::2].flip(-1)]))
    mixed = []
    for patches, count in zip(sets, (train, test), strict=True):
        order = torch.randperm(sum(map(len, patches)), generator=draw)[:count]
        mixed.append(torch.cat(patches)[order].contiguous())
    return Photographs(*mixed, "patches of scikit-image's and scikit-learn's photographs, in place of CIFAR-10")


def _scaled(area: Tensor, shrink: float) -> Tensor:
    """Part of a photograph made smaller, uint8 ``(3, H/shrink, W/shrink)``, but no side below one patch."""
    height, width = (max(SIDE, round(n / shrink)) for n in area.shape[1:])
    smaller = F.interpolate(area.unsqueeze(0).float(), (height, width), mode="bilinear", antialias=True)[0]
    return smaller.round_().clamp_(0, 255).byte()
