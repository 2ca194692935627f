"""Systems on the command line: `lossconditioning train` and `evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Optional

import typer

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.systems import SYSTEMS
from lossconditioning.systems import system as find
from lossconditioning.training import PROFILES, Config, Run, System

Name = Annotated[str, typer.Argument(metavar="SYSTEM", help=f"Which experiment: {', '.join(SYSTEMS)}.")]
Data = Annotated[
    Optional[Path],
    typer.Option(help="Folder of data, for systems that read some.  [default: $LOSSCONDITIONING_DATA or data/cache]"),
]


def train(
    system: Name,
    profile: Annotated[str, typer.Option(help="smoke (seconds), laptop, or paper (the paper's own scale).")] = "laptop",
    minutes: Annotated[
        Optional[float], typer.Option(help="Stop, saved, after this long. The same command continues.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights, data order and drawn loss weights.")] = 0,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder for checkpoints.  [default: runs/SYSTEM-PROFILE-seedS]")
    ] = None,
    workers: Annotated[int, typer.Option(help="Experiments trained at the same time, a process each.")] = 1,
    only: Annotated[
        list[str],
        typer.Option(
            help="Train only this experiment; may be repeated. If not given, all but the long ones: play networks."
        ),
    ] = (),
    start: Annotated[
        Optional[Path],
        typer.Option(
            help="Folder of finished networks, to train further those of the same names, such as an earlier --out."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Train a system's networks into finished checkpoints with cards.

    The same command again continues where it stopped, whatever stopped it, and does nothing when all is done. An experiment
    that another process trains in the same folder ends it, with that said.

    Example: lossconditioning train toy --profile laptop --minutes 10
    """
    found = find(system)
    configs = found.experiments(one_of("profile", profile, PROFILES))
    chosen = [configs[one_of("experiment", name, configs)] for name in only] if only else compared(configs.values())
    if minutes is not None and not minutes > 0:
        raise ReaderError(f"--minutes must be positive; got {minutes}.")
    folder = out or Path("runs") / f"{system}-{profile}-seed{seed}"
    run = Run(out=folder, profile=profile, seed=seed, minutes=minutes, data=_folder(found, data), start=start)
    try:
        finished = found.train_all(chosen, run, workers)
    except KeyboardInterrupt as interrupt:
        print(f"Interrupted: {interrupt}" if str(interrupt) else "Interrupted.", file=sys.stderr)
        raise SystemExit(130) from None
    if finished < len(chosen):
        print(f"Time is up: {finished} of {len(chosen)} experiments are finished in {folder}.")
        print("The same command continues.")
        return
    print(f"All {len(chosen)} experiments are finished in {folder}.")


def compared(configs: Iterable[Config]) -> list[Config]:
    """The comparison networks among experiments, and what they need."""
    return [config for config in configs if config.purpose == "comparison"]


def evaluate(
    system: Name,
    checkpoint: Annotated[
        Optional[Path], typer.Option(help="A folder of checkpoints or one file; the shipped ones if not given.")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="For authors: note the result in data/records, for the README.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also what takes minutes: dynamic_style's thousand settings of three α.")
    ] = False,
) -> None:
    """Measure checkpoints anew, from their weights, and hold the numbers against the paper's claims.

    Example: lossconditioning evaluate toy --json
    """
    from lossconditioning.records import record_evaluation

    found = find(system)
    if record and checkpoint is not None:
        raise ReaderError("--record notes the shipped checkpoints' numbers; it does not go with --checkpoint.")
    if thorough and "thorough" not in found.reads:
        print(f"{system} has nothing more to measure; --thorough is not needed.", file=sys.stderr)
    result = found.evaluate(checkpoint, Run(data=_folder(found, data), thorough=thorough))
    if record:
        record_evaluation(system, result)
    if as_json:
        print(json.dumps(result.as_json(system), indent=1, ensure_ascii=False))
        return
    for name, value in result.metrics.items():
        print(f"{name:40} {value:.6f}")
    for claim in result.claims:
        print(
            f"\n[{'x' if claim.reproduced else ' '}] {claim.claim}\n    paper: {claim.paper}\n    here:  {claim.value}"
        )


def _folder(system: System, data: Path | None) -> Path | None:
    """The folder of ``--data``; said, if the system has no use for it."""
    if data is None:
        return None
    if not data.is_dir():
        raise ReaderError(f"There is no folder {data}.")
    if "data" not in system.reads:
        print(f"{system.name} computes its data; --data {data} is not needed.", file=sys.stderr)
    return data.resolve()
