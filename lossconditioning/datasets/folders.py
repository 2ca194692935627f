"""Photographs out of a folder, whoever put them there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from lossconditioning.errors import ReaderError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
"""What is read, whatever the name says: no format that runs a program."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")


def picture_paths(folder: Path) -> list[Path]:
    """All pictures in a folder and the folders below it, by name."""
    return sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read_picture(path: Path) -> Tensor:
    """One picture file as uint8 ``(3, H, W)``, RGB, turned upright.

    Raises:
        ReaderError: if it can not be read as a picture.
    """
    try:
        with Image.open(path, formats=FORMATS) as opened:
            pixels = _rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise ReaderError(f"There is no picture {path}.") from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, Image.DecompressionBombError) as error:
        raise ReaderError(
            f"{path} can not be read as a picture ({error}). Give a PNG, JPEG, WebP, BMP, TIFF or PPM file."
        ) from None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _rgb(opened: Image.Image) -> np.ndarray:
    """uint8 ``(H, W, 3)``; Pillow's own conversion would cut 16 bits off at 255."""
    if opened.mode == "F":
        raise ValueError("its pixels are floating-point numbers, of which nobody knows the scale")
    if opened.mode.startswith("I"):
        values = np.asarray(opened, dtype=np.float64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(f"its pixels go from {values.min():g} to {values.max():g}; 8 or 16 bits are read")
        opened = Image.fromarray((values / 257).round().astype(np.uint8))
    if opened.has_transparency_data:
        opened = opened.convert("RGBA")
        opened = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened)
    return np.array(opened.convert("RGB"))


def read_pictures(folder: Path, without: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """All pictures below a folder: name, without suffix where that is enough → uint8 ``(3, H, W)``.

    Args:
        without: subfolders to leave out.

    Raises:
        ReaderError: if there is none, or one can not be read.
    """
    paths = [path for path in picture_paths(folder) if path.relative_to(folder).parts[0] not in without]
    if not paths:
        raise ReaderError(f"There is no picture in {folder} (looked for {', '.join(SUFFIXES)}).")
    found: dict[str, Tensor] = {}
    for path in paths:
        name = path.relative_to(folder)
        bare = str(name.with_suffix(""))
        found[str(name) if bare in found else bare] = read_picture(path)
    return found
