"""For authors: minimise over the pixels, at both ends of the dial, and record what is reached; minutes a picture.

    python -m lossconditioning.systems.dynamic_style.record_optimum bsds500 --data FOLDER

The same command again continues with the next picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lossconditioning.painting import OPTIMUM_SIDE as SIDE
from lossconditioning.painting import Optima, held_out_photographs, middle_square, perceptual_loss
from lossconditioning.systems.dynamic_style.limits import COUNT
from lossconditioning.systems.dynamic_style.optima import optimum, place, recorded_cost, recorded_optima
from lossconditioning.systems.dynamic_style.recipes import LAM_0, LAM_1, STYLES, WEAK, experiments
from lossconditioning.systems.dynamic_style.task import style_of
from lossconditioning.training import Run
from lossconditioning.training.checkpoints import write_atomically

SETS = ("bsds500", "built_in")


def record(name: str, run: Run, folder: Path | None = None) -> Optima:
    """Minimise for the first held-out photographs, and write ``NAME.json`` after each picture."""
    folder, painting = folder or place(), STYLES[0]
    loss = perceptual_loss(experiments("laptop")[WEAK], run)
    photographs, style = held_out_photographs(run.data, COUNT), style_of(loss, painting)
    known = recorded_optima(photographs.source, loss.features.source, SIDE, folder)
    for photograph, pixels in photographs.pictures.items():
        photo = middle_square(pixels, SIDE)
        for lam in (LAM_0, LAM_1):
            if recorded_cost(known, photograph, painting, lam) is None:
                _, costs = optimum(loss, photo, style, lam)
                print(known.keep(photograph, painting, [lam], costs), flush=True)
                write_atomically(folder / f"{name}.json", known.as_json().encode())
    return known


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=SETS, help="what the record is called")
    parser.add_argument(
        "--data", type=Path, help="folder of data, with bsds500 and weights; the built-in ones if not given"
    )
    parser.add_argument("--weights", type=Path, help="VGG's weights, where there is no folder of data")
    asked = parser.parse_args(arguments)
    record(asked.name, replace(Run(), data=asked.data, weights=asked.weights))


if __name__ == "__main__":
    main()
