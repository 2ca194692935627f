"""Files in, files out: what `lossconditioning compress` and `decompress` do."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image
from torch import Tensor

from lossconditioning.datasets.folders import SUFFIXES, picture_paths, read_picture
from lossconditioning.errors import ReaderError
from lossconditioning.paths import shipped
from lossconditioning.systems.compression.codec import Codec
from lossconditioning.systems.compression.container import MAX_PIXELS, Container, FileError
from lossconditioning.systems.compression.evaluation import load
from lossconditioning.systems.compression.recipes import SYSTEM
from lossconditioning.systems.compression.search import Found, psnr_of, to_psnr, to_size
from lossconditioning.training.cards import finished, read_card
from lossconditioning.training.checkpoints import write_atomically
from lossconditioning.training.progress import progress_bar

DEFAULT = "yoto_wider_batch16"
"""The shipped model that compresses unless another is named."""
SUFFIX = ".lcic"


def open_codec(name: str = DEFAULT, folder: Path | None = None) -> Codec:
    """A finished experiment's codec, made once per session; a shipped one's if no folder is given."""
    place = Path(folder or shipped("checkpoints") / SYSTEM).resolve()
    return _opened(name, place, read_card(place / f"{name}.json").digest)


@lru_cache(maxsize=16)
def _opened(name: str, place: Path, digest: str) -> Codec:
    return Codec(load(name, place).model)


def compress(picture: Tensor, weight: float) -> bytes:
    """A picture, uint8 ``(3, H, W)``, as the contents of a file, with the shipped model; see `Codec.compress`."""
    return open_codec().compress(picture, weight)


def decompress(data: bytes, folder: Path | None = None, max_pixels: int = MAX_PIXELS) -> Tensor:
    """The picture in a file, uint8 ``(3, H, W)``, with whichever finished model made it.

    Args:
        folder: of finished checkpoints; the shipped ones if not given.

    Raises:
        FileError: as `Codec.decompress`, or if no such model is there.
    """
    wanted = Container.unpack(data, max_pixels).model
    place, names = finished(folder or shipped("checkpoints") / SYSTEM, SYSTEM)
    for name in sorted(names, key=lambda name: name != DEFAULT):
        if open_codec(name, place).model_id == wanted:
            return open_codec(name, place).decompress(data, max_pixels)
    raise FileError(
        f"The file was made with model {wanted.hex()}, which is none of {', '.join(names)} in {place}. Name the folder of the "
        "checkpoints that made it."
    )


@dataclass(frozen=True)
class Goal:
    """What to compress for: exactly one of a weight λ, a size in bytes, or a quality in dB."""

    weight: float | None = None
    size: int | None = None
    psnr: float | None = None

    def __post_init__(self):
        given = [value for value in (self.weight, self.size, self.psnr) if value is not None]
        if len(given) != 1:
            raise ReaderError(f"Give one of a weight, a size in bytes and a PSNR in dB; got {len(given)} of them.")

    def reach(self, codec: Codec, picture: Tensor) -> Found:
        """The file that meets it."""
        if self.size is not None:
            return to_size(codec, picture, self.size)
        if self.psnr is not None:
            return to_psnr(codec, picture, self.psnr)
        data = codec.compress(picture, self.weight)
        return Found(self.weight, data, psnr_of(codec, picture, data))


def compress_file(source: Path, target: Path, goal: Goal, codec: Codec) -> str:
    """Compress one picture file. Returns what came of it, in words."""
    if target.suffix != SUFFIX:
        raise ReaderError(
            f"A compressed file's name ends with {SUFFIX}, so that no picture is overwritten; got {target.name}."
        )
    picture = read_picture(source)
    found = goal.reach(codec, picture)
    write_atomically(target, found.data)
    rate = 8 * len(found.data) / (picture.shape[1] * picture.shape[2])
    return (
        f"{source} → {target}: {len(found.data):,} bytes, {rate:.3f} bits per pixel, {found.psnr:.2f} dB, "
        f"λ = {found.weight:.4g}"
    )


def decompress_file(
    source: Path,
    target: Path,
    folder: Path | None = None,
    *,
    overwrite: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> str:
    """Decompress one file into a picture, in the format its name ends with. Returns what came of it, in words.

    Raises:
        ReaderError: if the target is there already, unless ``overwrite``; or as `decompress`.
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
    picture = decompress(data, folder, max_pixels)
    file = io.BytesIO()
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
    found = (
        picture_paths(source)
        if suffix == SUFFIX
        else [path for path in sorted(source.rglob(f"*{SUFFIX}")) if path.is_file()]
    )
    if not found:
        raise ReaderError(
            f"There is nothing to do in {source}: no {'picture' if suffix == SUFFIX else SUFFIX + ' file'}."
        )
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
