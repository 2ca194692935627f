"""Files in, files out: what `lossconditioning compress` and `decompress` do."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor

from lossconditioning.codec.codec import Codec
from lossconditioning.codec.search import Found, at, to_psnr, to_size
from lossconditioning.datasets.folders import SUFFIXES, files_below, picture_paths, read_picture
from lossconditioning.errors import ReaderError
from lossconditioning.training.checkpoints import write_atomically
from lossconditioning.training.progress import progress_bar

SUFFIX = ".lcic"


@dataclass(frozen=True)
class Goal:
    """What to compress for: exactly one of a weight λ, a size in bytes, or a quality in dB."""

    lam: float | None = None
    size: int | None = None
    psnr: float | None = None

    def __post_init__(self):
        given = [value for value in (self.lam, self.size, self.psnr) if value is not None]
        if len(given) != 1:
            raise ReaderError(f"Give one of a weight, a size in bytes and a PSNR in dB; got {len(given)} of them.")

    def reach(self, codec: Codec, picture: Tensor) -> Found:
        """The file that meets it."""
        if self.size is not None:
            return to_size(codec, picture, self.size)
        return at(codec, picture, self.lam) if self.psnr is None else to_psnr(codec, picture, self.psnr)


def compress_file(source: Path, target: Path, goal: Goal, codec: Codec, *, overwrite: bool = False) -> str:
    """Compress one picture file. Returns what came of it, in words.

    Raises:
        ReaderError: if the target is there already, unless ``overwrite``, or can not be written; if the picture can not be
            read; or as `Goal.reach`.
    """
    if target.suffix.lower() != SUFFIX:
        raise ReaderError(
            f"A compressed file's name ends with {SUFFIX}, so that no picture is overwritten; got {target.name}."
        )
    _check_place(target, overwrite)
    picture = read_picture(source)
    found = goal.reach(codec, picture)
    _write(target, found.data)
    rate = 8 * len(found.data) / picture[0].numel()
    return (
        f"{source} → {target}: {len(found.data):,} bytes, {rate:.3f} bits per pixel, {found.psnr:.2f} dB, "
        f"λ = {found.lam:.4g}"
    )


def decompress_file(source: Path, target: Path, decode: Callable[[bytes], Tensor], *, overwrite: bool = False) -> str:
    """Decompress one file into a picture, in the format its name ends with. Returns what came of it, in words.

    Args:
        decode: a file's contents to a picture, such as a `Codec`'s ``decompress``.

    Raises:
        ReaderError: if the target is there already, unless ``overwrite``, or can not be written, or is of a format that has
            no room for the picture; or as ``decode``.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise ReaderError(f"{target.name} does not end like a picture; use .png, or one of {', '.join(SUFFIXES)}.")
    _check_place(target, overwrite)
    if not source.exists():
        raise ReaderError(f"There is no file {source}.")
    if not source.is_file():
        raise ReaderError(f"{source} is a pipe or a device, not a file. Save what it gives as a {SUFFIX} file first.")
    picture = decode(source.read_bytes())
    _write(target, _encoded(picture, target))
    return f"{source} → {target}: {picture.shape[2]}×{picture.shape[1]} pixels"


def _check_place(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise ReaderError(
            f"{target} is there already. Give another name or folder, or allow to overwrite (--overwrite)."
        )
    if target.exists() and not target.is_file():  # which a file would replace
        raise ReaderError(f"{target} is a folder, a pipe or a device, not a file. Give another name.")


def _encoded(picture: Tensor, target: Path) -> bytes:
    """A picture as a file of the format that the target's name ends with."""
    file, kind = io.BytesIO(), Image.registered_extensions()[target.suffix.lower()]
    try:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, kind)
    except (ValueError, OSError) as error:  # WebP has at most 16,383 pixels a side, JPEG 65,500
        height, width = picture.shape[1:]
        raise ReaderError(
            f"{target}: {kind} does not take a picture of {width}×{height} pixels ({error}). Use .png, which takes any."
        ) from None
    return file.getvalue()


def _write(target: Path, data: bytes) -> None:
    try:
        write_atomically(target, data)
    except OSError as error:  # whose own words name a file beside the target that the reader never sees
        raise ReaderError(
            f"{target} can not be written ({error.strerror or error}). Free some space, make the folder writable, or give "
            "another name."
        ) from None


def each(source: Path, target: Path, suffix: str, work: Callable[[Path, Path], str]) -> tuple[list[str], list[str]]:
    """Do one file, or all of a folder under a progress bar; a file that fails does not stop the others.

    Args:
        source: a file, or a folder whose pictures (for ``.lcic`` as ``suffix`` of the results) or ``.lcic`` files are meant.
        target: where to write: a file, or a folder that is made and filled alike.
        suffix: of the results in a folder.
        work: ``work(source, target)`` does one file.

    Returns:
        what came of the files, in words, and what went wrong with others.

    Raises:
        ReaderError: for a single file that fails, or a folder with nothing to do.
    """
    if not source.is_dir():
        return [work(source, target)], []
    kind = "picture" if suffix == SUFFIX else f"{SUFFIX} file"
    found = picture_paths(source) if suffix == SUFFIX else files_below(source, (SUFFIX,))
    if not found:
        raise ReaderError(f"There is nothing to do in {source}: no {kind} (names that begin with a dot are left out).")
    targets = [target / path.relative_to(source).with_suffix(suffix) for path in found]
    (twice, count), *_ = Counter(map(str, targets)).most_common(1)
    if count > 1:
        raise ReaderError(f"Several files of {source} would become {twice}. Rename one of them.")
    done, failed = [], []
    with progress_bar(len(found), "files", unit="file") as bar:
        for path, place in zip(found, targets, strict=True):
            try:
                done.append(work(path, place))
            except Exception as error:  # whatever it is, it is this file's alone
                known = isinstance(error, (ReaderError, OSError))
                failed.append(f"{path}: {error if known else f'{type(error).__name__}: {error}'}")
            bar.update()
    return done, failed
