"""A notebook's play panel as an app: what stands above the panel, and the panel, served by Voilà without the code."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from nbformat import NotebookNode

from lossconditioning.errors import ReaderError
from lossconditioning.notebooks import notebook_paths, read, save

SERVER = Path(__file__).with_name("app_server") / "server.py"


def playground(notebook: NotebookNode) -> NotebookNode:
    """A notebook up to its first slider panel, with nothing but the title of its header, and without outputs."""
    panels = [number for number, cell in enumerate(notebook.cells) if "[slider panel]" in str(cell.get("outputs"))]
    if not panels:
        raise ReaderError("The notebook shows no slider panel; execute it first: lossconditioning run NAME --update.")
    notebook.cells = notebook.cells[: panels[0] + 1]
    notebook.cells[0].source = notebook.cells[0].source.splitlines()[0]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def write_apps(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Write the apps of these notebooks, of all of them if none is named, into a folder that holds nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("*.ipynb"):
        earlier.unlink()
    for path in notebook_paths(names):
        save(playground(read(path)), folder / path.name)
    return sorted(folder.glob("*.ipynb"))


def serve_apps(apps: Sequence[Path], options: Sequence[str] = ()) -> NoReturn:
    """Become the server of apps, one, or a list to choose from; ``options`` are Voilà's, see `app_server.server`."""
    if importlib.util.find_spec("voila") is None:
        raise ReaderError("Voilà, which serves the apps, is not installed: pip install 'lossconditioning[app]'.")
    command = [sys.executable, str(SERVER), str(apps[0] if len(apps) == 1 else apps[0].parent), *options]
    if sys.platform == "win32":  # has no such thing
        raise SystemExit(subprocess.call(command))
    sys.stdout.flush(), sys.stderr.flush()
    os.execv(sys.executable, command)  # lets go of torch, which takes as much memory as a visitor
