"""Pictures that a reader brings, opened safely.

`open_picture` takes what a reader may hold in their hands, a path, bytes, or what a ``FileUpload`` has received, and returns
a tensor, or says why it can not.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int

MAX_BYTES = 100 * 2**20
MAX_PIXELS = 64_000_000  # more than a telephone's camera makes; 20,000 × 20,000 would be 400 million
MAX_SIDE = 1024

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_EXPECTED = "Expected: a JPEG, PNG, WebP, GIF, BMP or TIFF file."
_PICTURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
_DOCUMENTS = {b"%PDF": "a PDF document", b"PK\x03\x04": "a zip archive (or an office document)"}
_WHITES = (1, 255, 65535)  # what white may be in pictures of numbers

Source = bytes | bytearray | memoryview | str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def open_picture(source: Source, *, max_pixels: int = MAX_PIXELS, max_side: int = MAX_SIDE) -> Tensor:
    """Open a picture, whatever its kind, or say why not.

    Transparent pictures are laid on white, rotated photographs are turned upright, of several frames or pages the first is
    taken, and embedded colour profiles are not applied. Of grey pictures with more than 8 bits, a file that does not tell
    what white is (32-bit integers, floating point) has the least of 1, 255 and 65,535 as white that is not exceeded.

    Args:
        source: a path, a file's bytes, or the value of an ipywidgets ``FileUpload``.
        max_pixels: larger pictures are refused by their header, before anything is decoded.
        max_side: pictures with a longer side are reduced to it, antialiased.

    Returns:
        ``(3, H, W)`` in [0, 1], float32.

    Raises:
        ReaderError: if there is no such file, if it is no picture, damaged, or too large.
    """
    positive_int("max_pixels", max_pixels), positive_int("max_side", max_side)
    name, data = _read(source)
    if not data:
        raise ReaderError(f"{name} is empty (0 bytes). {_EXPECTED} Save or download it again.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow has to say, the errors say
        image = _open(name, data, max_pixels)
        _decode(name, image, max_side)
        image = _plain(name, image)
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return _tensor(image)


# Bytes --------------------------------------------------------------------------------------------------------------------


def _read(source: Source) -> tuple[str, bytes]:
    """A name for messages, and the file's bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "The picture", _within_limit("The picture", len(source), lambda: bytes(source))
    if isinstance(source, (str, Path)):
        return _read_file(Path(source))
    files = [source] if isinstance(source, Mapping) else source
    if not isinstance(files, (list, tuple)) or not all(isinstance(f, Mapping) and "content" in f for f in files):
        raise ReaderError(
            f"A picture is a path, a file's bytes, or the value of a FileUpload; got a {type(source).__name__}."
        )
    if len(files) != 1:
        raise ReaderError(f"{len(files) or 'No'} files were uploaded; expected one. Upload one picture.")
    name = repr(f"{files[0].get('name', 'upload'):.80}")
    return name, _within_limit(name, len(files[0]["content"]), lambda: bytes(files[0]["content"]))


def _read_file(path: Path) -> tuple[str, bytes]:
    name = repr(f"{path!s:.200}")
    try:
        path = path.expanduser()
        if path.is_dir():
            raise ReaderError(f"{name} is a folder. {_EXPECTED} Name a file in it.")
        if not path.exists():
            raise ReaderError(f"There is no file {name}. Check its spelling; relative paths start at {Path.cwd()}.")
        if not path.is_file():
            raise ReaderError(f"{name} is not an ordinary file. {_EXPECTED}")
        return name, _within_limit(name, path.stat().st_size, path.read_bytes)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user as in ~user
        raise ReaderError(
            f"{name} can not be read ({getattr(error, 'strerror', None) or error}). Give a file that can."
        ) from None


def _within_limit(name: str, size: int, read) -> bytes:
    if size > MAX_BYTES:
        raise ReaderError(
            f"{name} is too large: {size / 2**20:,.0f} MiB, expected at most {MAX_BYTES // 2**20}. Reduce it, or save it as "
            "a JPEG."
        )
    return read()


def _kind(data: bytes) -> str:
    """What a file that Pillow does not open is, by its first bytes: a picture's format, or other things in words."""
    head = data[:1024]
    for start, kind in {**_PICTURES, **_DOCUMENTS}.items():
        if head.startswith(start):
            return kind
    if head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b""):
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"):
        return "a HEIC or AVIF photograph"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head).lstrip("\ufeff \r\n\t").lower()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return "BMP" if head.startswith(b"BM") else "of a kind that is not known"
    if "<svg" in text:
        return "an SVG drawing"
    return "a web page (HTML)" if text.startswith(("<!doctype html", "<html")) else "text"


# Pictures -----------------------------------------------------------------------------------------------------------------


def _open(name: str, data: bytes, max_pixels: int) -> Image.Image:
    """Read the header, and nothing else."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_many(name, f"more than {2 * Image.MAX_IMAGE_PIXELS:,}", max_pixels) from None
    except Exception:  # a decoder that reads damaged bytes may raise anything
        kind = _kind(data)
        if kind in ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF"):
            raise ReaderError(
                f"{name} starts like a {kind} file, but can not be opened: it is truncated or damaged, has no pixels, or is "
                "of a rare kind. Download it again, or save it as a PNG."
            ) from None
        raise ReaderError(f"{name} is {kind}, not a picture. {_EXPECTED} Convert it, or choose another.") from None
    if image.width * image.height > max_pixels:
        raise _too_many(name, f"{image.width:,} × {image.height:,}", max_pixels)
    return image


def _too_many(name: str, found: str, max_pixels: int) -> ReaderError:
    return ReaderError(
        f"{name} is too large: it has {found} pixels, expected at most {max_pixels:,} in all. Reduce it in an image editor."
    )


def _decode(name: str, image: Image.Image, max_side: int) -> None:
    """Read the pixels, upright."""
    try:
        image.draft(None, (max_side, max_side))  # of a JPEG no more detail than will be kept
        image.load()
    except Exception as error:  # as above
        raise ReaderError(
            f"{name} is a {image.format} file of {image.width:,} × {image.height:,} pixels, but truncated or damaged "
            f"({error}). Save or download it again."
        ) from None
    with contextlib.suppress(Exception):  # a photograph whose EXIF is damaged is still a photograph
        ImageOps.exif_transpose(image, in_place=True)


def _plain(name: str, image: Image.Image) -> Image.Image:
    """Any mode as RGB or RGBA, or as F (grey, floating point, white is 1) where 8 bits would not hold it."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _of_numbers(name, image)
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    mode = "RGBA" if transparent else "RGB"
    try:
        return image if image.mode == mode else image.convert(mode)  # which would copy
    except Exception as error:  # as above
        raise ReaderError(
            f"{name} is a {image.format} file whose colours ({image.mode}) can not be read ({error}). Save it as a PNG."
        ) from None


def _of_numbers(name: str, image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= _WHITES[-1]:
        raise ReaderError(
            f"{name} holds numbers from {low:g} to {high:g}, expected 0 (black) to 1, 255 or 65,535 (white). Scale them to "
            "one of these first."
        )
    # Pillow before 11.3 opened 16-bit PNGs as 32-bit integers.
    sixteen_bits = image.mode.startswith("I;16") or image.format == "PNG"
    white = _WHITES[-1] if sixteen_bits else next(white for white in _WHITES if high <= white)
    return Image.fromarray(values / white)


def _tensor(image: Image.Image) -> Tensor:
    if image.mode == "F":
        return torch.from_numpy(np.array(image)).clamp(0, 1).expand(3, -1, -1).contiguous()
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255).contiguous()
