"""Files in, files out: what `lossconditioning compress` and `decompress` do."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor

from lossconditioning.codec.codec import Codec
from lossconditioning.codec.search import Found, at, to_psnr, to_size
from lossconditioning.datasets.folders import SUFFIXES, picture_paths, read_picture
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


def compress_file(source: Path, target: Path, goal: Goal, codec: Codec) -> str:
    """Compress one picture file. Returns what came of it, in words."""
    if target.suffix != SUFFIX:
        raise ReaderError(
            f"A compressed file's name ends with {SUFFIX}, so that no picture is overwritten; got {target.name}."
        )
    picture = read_picture(source)
    found = goal.reach(codec, picture)
    write_atomically(target, found.data)
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
        ReaderError: if the target is there already, unless ``overwrite``; or as ``decode``.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise ReaderError(f"{target.name} does not end like a picture; use .png, or one of {', '.join(SUFFIXES)}.")
    if target.exists() and not overwrite:
        raise ReaderError(
            f"{target} is there already. Give another name or folder, or allow to overwrite (--overwrite)."
        )
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise ReaderError(f"There is no file {source}.") from None
    picture, file = decode(data), io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, Image.registered_extensions()[target.suffix.lower()])
    write_atomically(target, file.getvalue())
    return f"{source} → {target}: {picture.shape[2]}×{picture.shape[1]} pixels"


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
    compressed = (path for path in sorted(source.rglob(f"*{SUFFIX}")) if path.is_file())
    found, kind = (picture_paths(source), "picture") if suffix == SUFFIX else (list(compressed), f"{SUFFIX} file")
    if not found:
        raise ReaderError(f"There is nothing to do in {source}: no {kind}.")
    targets = [target / path.relative_to(source).with_suffix(suffix) for path in found]
    twice = {str(path) for path in targets if targets.count(path) > 1}
    if twice:
        raise ReaderError(f"Several files of {source} would become {sorted(twice)[0]}. Rename one of them.")
    done, failed = [], []
    with progress_bar(len(found), "files", unit="file") as bar:
        for path, place in zip(found, targets, strict=True):
            try:
                done.append(work(path, place))
            except (ReaderError, OSError) as error:
                failed.append(f"{path}: {error}")
            bar.update()
    return done, failed
