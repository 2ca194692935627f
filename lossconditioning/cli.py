"""The command line: run notebooks, train and evaluate systems, look after data."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from lossconditioning import codec_commands
from lossconditioning.errors import ReaderError, one_of
from lossconditioning.systems import SYSTEMS
from lossconditioning.training import PROFILES, Run, System

# Newer typer carries a click of its own; through typer's names the classes are right in every version.
UsageError = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Networks whose training objective can be turned like a dial after training.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="List the data sets, or fetch one.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
app.command(short_help="Pictures to small files, at any weight.")(codec_commands.compress)
app.command(short_help="And back.")(codec_commands.decompress)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of data, for systems that read some.  [default: $LOSSCONDITIONING_DATA or data/cache]"),
]
SystemName = Annotated[
    str,
    typer.Argument(metavar="SYSTEM", help=f"Which experiment: {', '.join(SYSTEMS)}."),
]


@app.command(short_help="Execute notebooks, as .ipynb and .html.")
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAMES]", help='Notebooks: "01" or "01_sym_parameter_toy". All if none is named.'),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="smoke (seconds), demo (shipped checkpoints), laptop (trains here), paper.")
    ] = "demo",
    out: Annotated[Path, typer.Option(help="Folder for the executed notebooks.")] = Path("build/notebooks"),
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a notebook's parameter; may be repeated."),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="For authors: note minutes and memory in data/records.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="For authors: put the executed notebooks in place of the committed ones; implies --record."
        ),
    ] = False,
) -> None:
    """Execute notebooks into a folder, as .ipynb and as .html.

    Shows a progress bar over the cells of each notebook, and closes with a table of status, minutes and peak memory. A
    notebook that fails shows the failing cell and its error; the others still run, and the exit status is 1.

    Example: lossconditioning run 01 --profile smoke -p seed=3
    """
    from lossconditioning import notebooks, records

    if update and profile != "demo":
        raise ReaderError(
            f"Committed notebooks hold the outputs of a demo run; --update does not go with --profile {profile}."
        )
    if update and parameter:
        raise ReaderError("Committed notebooks hold the outputs of their default parameters; --update takes no -p.")
    paths = notebooks.notebook_paths(names or [])

    def report(done: notebooks.Execution) -> None:
        if done.error:
            print(f"\n{done.error}\n", file=sys.stderr)

    runs = notebooks.run(paths, profile, out, _parameters(parameter or []), report)
    if record or update:
        records.record_runs(runs)
    if update:
        _put_in_place(paths, runs, out)
    print(f"\n{notebooks.table(runs)}\n\nExecuted notebooks are in {out}/")
    if any(done.error for done in runs):
        raise SystemExit(1)


@app.command("app", short_help="Serve play panels as apps.")
def serve(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAMES]", help='Notebooks: "01" or "01_sym_parameter_toy". All if none is named.'),
    ] = None,
) -> None:
    """Serve the play panel of notebooks with Voilà, without the code, at http://localhost:8866; Ctrl-C ends it.

    Example: lossconditioning app 02
    """
    from lossconditioning.apps import voila_command, write_apps

    raise typer.Exit(subprocess.call(voila_command(write_apps(Path("build/apps"), names or []))))


def _put_in_place(paths: list[Path], runs: list, out: Path) -> None:
    """Overwrite the committed notebooks, and their solutions, with what was executed without error."""
    from lossconditioning import notebooks, records

    for path, done in zip(paths, runs, strict=True):
        if not done.error:
            notebooks.save(records.refresh(notebooks.read(out / path.name), path.stem), path)
    for path in notebooks.solution_paths(paths):
        done = notebooks.execute(path, "demo", out / "solutions", as_html=False)
        if done.error:
            raise ReaderError(done.error)
        notebooks.save(notebooks.read(out / "solutions" / path.name), path)


def _parameters(pairs: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ReaderError(f"A parameter is written NAME=VALUE; got {pair!r}.")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


@app.command(short_help="Train a system; continues if interrupted.")
def train(
    system: SystemName,
    profile: Annotated[str, typer.Option(help="smoke (seconds), laptop, or paper (the paper's own scale).")] = "laptop",
    minutes: Annotated[
        float | None, typer.Option(help="Stop, saved, after this long. The same command continues.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights, data order and drawn loss weights.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for checkpoints.  [default: runs/SYSTEM-PROFILE-seedS]")
    ] = None,
    workers: Annotated[int, typer.Option(help="Experiments trained at the same time, a process each.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Train only this experiment; may be repeated. All if not given.")
    ] = None,
    data: Data = None,
) -> None:
    """Train a system's networks into finished checkpoints with cards.

    The same command again continues where it stopped, whatever stopped it, and does nothing when all is done.

    Example: lossconditioning train toy --profile laptop --minutes 10
    """
    from lossconditioning.systems import system as find

    found = find(system)
    configs = found.experiments(one_of("profile", profile, PROFILES))
    chosen = [configs[one_of("experiment", name, configs)] for name in only] if only else list(configs.values())
    if minutes is not None and not minutes > 0:
        raise ReaderError(f"--minutes must be positive; got {minutes}.")
    folder = out or Path("runs") / f"{system}-{profile}-seed{seed}"
    run = Run(out=folder, profile=profile, seed=seed, minutes=minutes, data=_folder(found, data))
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


def _folder(system: System, data: Path | None) -> Path | None:
    """The folder of ``--data``; said, if the system has no use for it."""
    if data is None:
        return None
    if not data.is_dir():
        raise ReaderError(f"There is no folder {data}.")
    if "data" not in system.reads:
        print(f"{system.name} computes its data; --data {data} is not needed.", file=sys.stderr)
    return data.resolve()


@app.command(short_help="Measure checkpoints, check the claims.")
def evaluate(
    system: SystemName,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A folder of checkpoints or one file; the shipped ones if not given.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
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
    from lossconditioning.systems import system as find

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


@app.command(short_help="Print all claims beside measurements.")
def scoreboard(
    as_json: Json = False,
    update: Annotated[
        Path | None, typer.Option(help="For authors: rewrite the generated parts of this README.")
    ] = None,
    front_ends: Annotated[
        Path | None, typer.Option(help="For authors: record what a test run found, build/front_ends.json.")
    ] = None,
) -> None:
    """Print every claim of every paper beside what was measured, from the records.

    Example: lossconditioning scoreboard
    """
    from lossconditioning import records

    if front_ends is not None:
        records.record_front_ends(front_ends)
    if update is not None:
        records.update_readme(update)
    elif as_json:
        print(json.dumps(records.read_evaluations(), indent=1, ensure_ascii=False))
    else:
        print(records.scoreboard_markdown())


@data_app.command("list")
def data_list() -> None:
    """List the data sets: name, what it is, size, licence, source.

    Example: lossconditioning data list
    """
    from lossconditioning.datasets import DATASETS

    for name, entry in DATASETS.items():
        print(f"{name}: {entry.summary}\n    {entry.size}; licence: {entry.licence}; source: {entry.source}")


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `data list`.")]) -> None:
    """Download a data set into $LOSSCONDITIONING_DATA, or data/cache. What is computed needs no download.

    Example: lossconditioning data fetch sym_toy
    """
    from lossconditioning.datasets import dataset
    from lossconditioning.paths import data_cache

    entry = dataset(name)
    if entry.fetch is None:
        print(f"{name} is {entry.size.split(',')[0]}: nothing to download.")
    else:
        print(f"{name} is in {entry.fetch(data_cache())}.")


def main(arguments: list[str] | None = None) -> None:
    """Entry point. A reader's mistake is one line on stderr and exit status 2; an interrupt is 130."""
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        status = app(args=arguments, prog_name="lossconditioning", standalone_mode=False)
    except ReaderError as error:
        _fail(str(error))
    except (typer.Exit, typer.Abort) as leaving:
        raise SystemExit(getattr(leaving, "exit_code", 130)) from None
    except UsageError as error:
        # Without any command the message is the whole help page; its first line will do.
        _fail(f"{error.format_message().strip().splitlines()[0]} See: lossconditioning --help")
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))
    else:
        raise SystemExit(status if isinstance(status, int) else 0)


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(2) from None
