"""Notebooks on the command line: `lossconditioning run`, `app` and `scoreboard`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from lossconditioning.errors import ReaderError

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAMES]", help='Notebooks: "01", "01_sym_parameter_toy" or the path of one. All if none is named.'
    ),
]


def run(
    names: Names = (),
    profile: Annotated[
        str, typer.Option(help="smoke (seconds), demo (shipped checkpoints), laptop (trains here), paper.")
    ] = "demo",
    out: Annotated[Path, typer.Option(help="Folder for the executed notebooks.")] = Path("build/notebooks"),
    parameter: Annotated[
        list[str],
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a notebook's parameter; may be repeated."),
    ] = (),
    cell_minutes: Annotated[
        Optional[float],
        typer.Option(
            help="How long a cell may run; 0: as long as it likes.  [default: 60, laptop 1440, paper 0]",
            show_default=False,
        ),
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
    notebook that fails shows the failing cell and its error; the others still run, and the exit status is 1. Ctrl-C ends
    the run; the notebook under way is written as far as it came.

    Example: lossconditioning run 01 --profile smoke -p seed=3
    """
    from lossconditioning import notebooks, records

    if update and profile != "demo":
        raise ReaderError(
            f"Committed notebooks hold the outputs of a demo run; --update does not go with --profile {profile}."
        )
    if update and parameter:
        raise ReaderError("Committed notebooks hold the outputs of their default parameters; --update takes no -p.")
    paths = notebooks.notebook_paths(names)
    own = [path for path in paths if (record or update) and not notebooks.of_the_course(path)]
    if own:
        raise ReaderError(f"--record and --update are for the course's notebooks; {own[0]} is not one.")
    runs: list[notebooks.Execution] = []

    def report(done: notebooks.Execution) -> None:
        runs.append(done)
        if done.error:
            print(f"\n{done.error}\n", file=sys.stderr)

    try:
        notebooks.run(paths, profile, out, _parameters(parameter), report, cell_minutes=cell_minutes)
    finally:
        if runs:
            print(f"\n{notebooks.table(runs)}\n\nExecuted notebooks are in {out}/")
    if record or update:
        records.record_runs(runs)
    if update:
        _put_in_place(paths, runs, out)
    if any(done.error for done in runs):
        raise SystemExit(1)


def serve(
    names: Names = (),
    allow_root: Annotated[bool, typer.Option("--allow-root", help="Serve although you are root.")] = False,
) -> None:
    """Serve the play panel of notebooks with Voilà, without the code, on this machine; Ctrl-C ends it.

    Prints a link with a token, without which nobody gets in. What stands after -- is for Voilà, see docs/publishing.md.

    Example: lossconditioning app 02 -- --port=8000
    """
    from lossconditioning.apps import serve_apps, write_apps

    if not allow_root and getattr(os, "geteuid", lambda: 1)() == 0:
        raise ReaderError(
            "You are root, and who gets into an app's kernel would be, too. Run it as another user; where there is none, as in "
            "a container, with --allow-root: make app APP=--allow-root, or lossconditioning app --allow-root."
        )
    options = [name for name in names if name.startswith("-")]
    serve_apps(write_apps(Path("build/apps"), [name for name in names if name not in options]), options)


def scoreboard(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    update: Annotated[
        Optional[Path], typer.Option(help="For authors: rewrite the generated parts of this README.")
    ] = None,
    front_ends: Annotated[
        Optional[Path], typer.Option(help="For authors: record what a test run found, build/front_ends.json.")
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


def _put_in_place(paths: list[Path], runs: list, out: Path) -> None:
    """Overwrite the committed notebooks, and their solutions, with what was executed without error."""
    from lossconditioning import notebooks, records

    for path, done in zip(paths, runs, strict=True):
        if not done.error:
            notebooks.save(records.refresh(notebooks.read(out / path.name), path.stem), path)
    solutions = notebooks.solution_paths(paths)
    for path, done in zip(solutions, notebooks.run(solutions, "demo", out / "solutions"), strict=True):
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
