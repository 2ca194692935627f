"""Photographs out of a folder, whoever put them there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from lossconditioning.errors import ReaderError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
"""What is read, whatever the name says: no format that runs a program."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")


_NOT_THE_READERS = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
"""Folders that systems keep beside a reader's pictures, with copies and thumbnails of them."""


def picture_paths(folder: Path) -> list[Path]:
    """All pictures in a folder and the folders below it, by name; see `files_below` for what is looked through."""
    return files_below(folder, SUFFIXES)


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files with one of the suffixes, in small letters, in a folder and the folders below it, by name.

    Files and folders whose names begin with a dot are left out, such as macOS's ``._photo.jpg`` and JupyterLab's
    ``.ipynb_checkpoints``, and so are folders that a system keeps there. A link to a folder is followed, unless what it leads
    to is looked through already or lies above: each folder is looked through once.

    Raises:
        ReaderError: if a folder can not be looked into.
    """
    found, links = [], [Path(folder)]
    seen = {_identity(above) for above in Path(folder).resolve().parents}
    while links:  # those last: what is found under its own name has that one
        for place, folders, files in _walk(links.pop(0)):
            seen.add(_identity(place))
            below = [place / name for name in sorted(folders) if not _left_out(name)]
            links += [path for path in below if path.is_symlink()]
            folders[:] = [path.name for path in below if _identity(path) not in seen]  # where links are not followed
            found += [place / name for name in files if not _left_out(name)]
        links = [link for link in links if _identity(link) not in seen]
    return sorted(path for path in found if path.suffix.lower() in suffixes and path.is_file())


def _walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    def refuse(error: OSError) -> None:
        raise ReaderError(
            f"The folder {error.filename} can not be looked into ({error.strerror}). Make it readable, or move it away."
        ) from None

    if folder.is_dir():
        for place, folders, files in os.walk(folder, onerror=refuse):
            yield Path(place), folders, files


def _identity(folder: Path) -> tuple[int, int]:
    """What a folder has in common with itself under other names."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _left_out(name: str) -> bool:
    return name.startswith(".") or name in _NOT_THE_READERS


def read_picture(path: Path) -> Tensor:
    """One picture file as uint8 ``(3, H, W)``, RGB, turned upright.

    Raises:
        ReaderError: if it can not be read as a picture.
    """
    path = Path(path)
    if not path.exists():
        raise ReaderError(f"There is no picture {path}.")
    if not path.is_file():  # of which nobody knows when it ends
        raise ReaderError(f"{path} is {'a folder' if path.is_dir() else 'a pipe or a device'}, not a picture file.")
    try:
        with Image.open(path, formats=FORMATS) as opened:
            pixels = _rgb(_upright(opened))
    except Exception as error:  # a decoder that reads damaged bytes may raise anything
        raise ReaderError(
            f"{path} can not be read as a picture ({str(error) or type(error).__name__}). Give a PNG, JPEG, WebP, BMP, TIFF or "
            "PPM file."
        ) from None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _upright(opened: Image.Image) -> Image.Image:
    opened.load()
    with contextlib.suppress(Exception):  # a photograph whose EXIF is odd is still a photograph
        ImageOps.exif_transpose(opened, in_place=True)  # turns it first, and writes its EXIF anew then
    return opened


def _rgb(opened: Image.Image) -> np.ndarray:
    """uint8 ``(H, W, 3)``; Pillow's own conversion would cut 16 bits off at 255."""
    if opened.mode == "F":
        raise ValueError("its pixels are floating-point numbers, of which nobody knows the scale")
    if opened.mode.startswith("I"):
        values = np.asarray(opened, dtype=np.float64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(f"its pixels go from {values.min():g} to {values.max():g}; 8 or 16 bits are read")
        opened = Image.fromarray((values / 257).round().astype(np.uint8))
    if _transparent(opened):
        opened = opened.convert("RGBA")
        opened = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened)
    return np.array(opened.convert("RGB"))


def _transparent(opened: Image.Image) -> bool:
    """Whether some pixels may be transparent: what Pillow answers since 10.1."""
    palette = opened.palette.mode if opened.mode == "P" and opened.palette else ""
    return opened.mode.upper().endswith("A") or palette.endswith("A") or "transparency" in opened.info


def read_pictures(folder: Path, without: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """All pictures below a folder: name, without suffix where that is enough → uint8 ``(3, H, W)``.

    Args:
        without: subfolders to leave out.

    Raises:
        ReaderError: if there is none, or one can not be read.
    """
    paths = [path for path in picture_paths(folder) if path.relative_to(folder).parts[0] not in without]
    if not paths:
        raise ReaderError(
            f"There is no picture in {folder} (looked for {', '.join(SUFFIXES)}; names that begin with a dot are left out)."
        )
    found: dict[str, Tensor] = {}
    for path in paths:
        name = path.relative_to(folder)
        bare = str(name.with_suffix(""))
        found[str(name) if bare in found else bare] = read_picture(path)
    return found
