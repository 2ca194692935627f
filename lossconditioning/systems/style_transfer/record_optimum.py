"""For authors: minimise over the pixels, and record what is reached; minutes a picture.

    python -m lossconditioning.systems.style_transfer.record_optimum bsds500 --data FOLDER
    python -m lossconditioning.systems.style_transfer.record_optimum built_in --weights FOLDER --pairs 3 --settings 0

The same command again continues with the next picture. Pictures are kept of built-in photographs alone.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lossconditioning.display import to_bytes
from lossconditioning.painting import held_out_photographs, middle_square, perceptual_loss, styles
from lossconditioning.systems.style_transfer.optimum import SIDE, Optima, optimum, place, recorded_optima
from lossconditioning.systems.style_transfer.recipes import STYLES, experiments
from lossconditioning.systems.style_transfer.task import DEFAULT, settings
from lossconditioning.training import Run
from lossconditioning.training.checkpoints import write_atomically

SETS = ("bsds500", "built_in")
PAIRS, WITH_SETTINGS = 6, 2
"""How many photographs, each with one painting; and how many of them under Figure 6a's ten settings, too."""


def record(
    name: str, run: Run, pairs: int = PAIRS, with_settings: int = WITH_SETTINGS, folder: Path | None = None
) -> Optima:
    """Minimise for the first photographs, each with a painting in turn, and write ``NAME.json`` after each picture."""
    folder = folder or place()
    loss = perceptual_loss(experiments("laptop")["yoto"], run)
    photographs, paintings = held_out_photographs(run.data, PAIRS), styles(run.data, STYLES)
    known = recorded_optima(photographs.source, paintings.source, loss.features.source, SIDE, folder)
    couples = zip(list(photographs.pictures.items())[:pairs], paintings.pictures.items(), strict=False)
    for number, ((photograph, pixels), (painting, style)) in enumerate(couples):
        asked = {"default": DEFAULT, **(settings() if number < with_settings else {})}
        photo, best = middle_square(pixels, SIDE), None
        for setting, lam in asked.items():
            if known.cost(photograph, painting, torch.tensor(lam)) is not None:
                continue
            # From the photograph for the default; for the others from the default's optimum, where that was just found.
            picture, costs = optimum(loss, photo, style, torch.tensor(lam), best)
            print(known.keep(photograph, painting, lam, costs), flush=True)
            if setting == "default":
                best = picture
                if name == "built_in":
                    write_atomically(folder / f"{photograph}-{painting}.jpg", _jpeg(picture))
            write_atomically(folder / f"{name}.json", known.as_json().encode())
    return known


def _jpeg(picture: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=SETS, help="what the record is called")
    parser.add_argument(
        "--data", type=Path, help="folder of data, with bsds500 and weights; the built-in ones if not given"
    )
    parser.add_argument("--weights", type=Path, help="VGG's weights, where there is no folder of data")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--settings", type=int, default=WITH_SETTINGS, help="how many pairs under ten more settings")
    asked = parser.parse_args(arguments)
    run = replace(Run(), data=asked.data, weights=asked.weights)
    record(asked.name, run, asked.pairs, asked.settings)


if __name__ == "__main__":
    main()
