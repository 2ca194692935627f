"""The codec on the command line: `lossconditioning compress` and `lossconditioning decompress`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

Checkpoint = Annotated[
    Optional[Path],
    typer.Option(help="Folder of finished checkpoints of the system compression; the shipped ones if not given."),
]


def compress(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write (.lcic), or a folder for them.")],
    lam: Annotated[
        Optional[float],
        typer.Option("--weight", help="λ: 0.0012 for the smallest files to 0.26 for the most faithful."),
    ] = None,
    target_bytes: Annotated[Optional[int], typer.Option(help="The most faithful file of at most this size.")] = None,
    target_psnr: Annotated[Optional[float], typer.Option(help="The smallest file of at least this many dB.")] = None,
    model: Annotated[
        Optional[str], typer.Option(help="Which experiment's model; the best shipped one if not given.")
    ] = None,
    checkpoint: Checkpoint = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over files that are there.")] = False,
) -> None:
    """Compress a picture, or all pictures in a folder, with one model at any weight.

    Give one of --weight, --target-bytes and --target-psnr. A file of a folder that fails does not stop the others; the exit
    status is then 1.

    Example: lossconditioning compress photo.png photo.lcic --target-bytes 20000
    """
    from lossconditioning.codec import files
    from lossconditioning.systems import compression

    goal = files.Goal(lam, target_bytes, target_psnr)
    codec = compression.open_codec(model or compression.DEFAULT, checkpoint)

    def work(one: Path, to: Path) -> str:
        return files.compress_file(one, to, goal, codec, overwrite=overwrite)

    _report(files.each(source, target, files.SUFFIX, work))


def decompress(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A compressed file (.lcic), or a folder of them.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The picture to write (.png, …), or a folder for them.")
    ],
    checkpoint: Checkpoint = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over pictures that are there.")] = False,
    max_pixels: Annotated[
        Optional[int], typer.Option(help="Largest picture to decompress.  [default: 2²⁴, 16.8 megapixels]")
    ] = None,
) -> None:
    """Decompress a file, or all files in a folder (into .png), with the model that made them.

    Example: lossconditioning decompress photo.lcic photo.png
    """
    from lossconditioning.codec import MAX_PIXELS, files
    from lossconditioning.systems import compression

    def decode(data: bytes):
        return compression.decompress(data, checkpoint, MAX_PIXELS if max_pixels is None else max_pixels)

    def work(one: Path, to: Path) -> str:
        return files.decompress_file(one, to, decode, overwrite=overwrite)

    _report(files.each(source, target, ".png", work))


def _report(outcome: tuple[list[str], list[str]]) -> None:
    done, failed = outcome
    print("\n".join(done))
    if failed:
        print("\n".join(f"error: {line}" for line in failed), file=sys.stderr)
        raise SystemExit(1)
