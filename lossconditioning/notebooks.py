"""Runs, times and checks the notebooks.

What comes out of a run is cleaned: no timing, no widget state, and a slider panel shows its film-strip.
"""

from __future__ import annotations

import ast
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.execution import INJECTED, Stop, execute_cells, stoppable
from lossconditioning.paths import checkout
from lossconditioning.training import PROFILES
from lossconditioning.training.checkpoints import write_atomically
from lossconditioning.workplaces import workplace

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

CELL_MINUTES = {"smoke": 60, "demo": 60, "laptop": 24 * 60, "paper": 0}
"""How long a cell may run, in minutes; 0 for as long as it likes, as training at the papers' scale does."""


@dataclass(frozen=True)
class Execution:
    """How the execution of one notebook went.

    Attributes:
        name: the notebook's file name without its ending.
        profile: the profile it ran in.
        minutes: wall time, the start of the kernel included.
        memory_mb: peak resident memory of the kernel, in MiB.
        error: empty, or the failing cell and its error.
    """

    name: str
    profile: str
    minutes: float
    memory_mb: int
    error: str = ""

    @property
    def status(self) -> str:
        return "failed" if self.error else "ok"


def notebook_folder() -> Path:
    """The folder of the notebooks; they come with the checkout, not with the installed package."""
    root = checkout()
    if root is None:
        raise ReaderError(
            "The notebooks are part of the repository, not of the installed package: clone it, and run there."
        )
    return root / "notebooks"


def notebook_paths(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these names, each once; all of the course if none is named, in order.

    A name is "01", "01_sym_parameter_toy", or the path of a file. "01_sym_parameter_toy.ipynb" without a folder is a path where
    such a file stands, else the course's.

    Raises:
        ReaderError: for a name that is no notebook's, a path without a notebook, and two notebooks of one name.
    """
    chosen = list(dict.fromkeys(map(_notebook_path, names))) or list(_course().values())
    stems = [path.stem for path in chosen]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        both = " and ".join(str(path) for path in chosen if path.stem == twice)
        raise ReaderError(
            f"{both} have one name, and what one writes would replace the other's: run them one at a time."
        )
    return chosen


def _course() -> dict[str, Path]:
    """The notebooks of the course: name → path."""
    return {path.stem: path for path in sorted(notebook_folder().glob("[0-9]*.ipynb"))}


def _notebook_path(name: str) -> Path:
    path = Path(name)
    if path.is_file() and path.suffix == ".ipynb":
        return path.absolute()
    with_folder = path.name != name
    if with_folder or (path.is_dir() and path.suffix == ".ipynb"):
        kind = "a folder" if path.is_dir() else "a file that does not end in .ipynb" if path.exists() else "not there"
        raise ReaderError(
            f"There is no notebook {name} ({kind}). Name a file that ends in .ipynb, or one of the course."
        )
    known = _course()
    stem = name.removesuffix(".ipynb")
    numbered = [full for full in known if stem == full.split("_")[0]]
    return known[numbered[0] if numbered else one_of("notebook", stem, known)]


def of_the_course(path: Path) -> bool:
    """Whether a file is a notebook of the course, and not a reader's own."""
    return path.parent.resolve() == notebook_folder().resolve()


def solution_paths(paths: Sequence[Path]) -> list[Path]:
    """The notebooks of solutions that belong to these notebooks; they take no parameters."""
    beside = [path.parent / "solutions" / path.name for path in paths]
    return [path for path in beside if path.exists()]


def read(path: Path) -> NotebookNode:
    """Read a notebook, or say what is wrong with the file."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise ReaderError(f"There is no notebook {path}.") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
        raise ReaderError(f"{path} is not a notebook ({str(error).splitlines()[0]}).") from None


def check_parameters(path: Path, parameters: dict[str, object]) -> None:
    """Refuse a notebook in another language, and parameters that its ``parameters`` cell does not define."""
    notebook = read(path)
    told = [notebook.metadata.get(part, {}) for part in ("kernelspec", "language_info")]
    language = told[0].get("language") or told[1].get("name") or "python"
    if language.lower() not in ("python", "ipython"):
        raise ReaderError(f"{path} is written in {language}; only notebooks in Python are run.")
    known = _parameter_names(path, notebook)
    for name in parameters:
        one_of(f"parameter of {path.name}", name, known)


def _parameter_names(path: Path, notebook: NotebookNode) -> list[str]:
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    try:
        lines = [line for cell in cells for line in ast.parse(cell.source).body]
    except SyntaxError as error:
        raise ReaderError(f"The parameters cell of {path.name} is not plain Python ({error.msg}).") from None
    return [
        target.id for line in lines if isinstance(line, ast.Assign) for target in line.targets if hasattr(target, "id")
    ]


def with_parameters(notebook: NotebookNode, parameters: dict[str, object]) -> NotebookNode:
    """The notebook with a cell after its ``parameters`` that sets these anew, in place of one of an earlier run."""
    from papermill.translators import translate_parameters

    notebook.cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", [])]
    place = next((i for i, c in enumerate(notebook.cells, start=1) if "parameters" in c.metadata.get("tags", [])), 0)
    if parameters:
        source = translate_parameters("python3", "python", parameters)
        notebook.cells.insert(place, nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED]}))
    return notebook


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove what does not belong into a saved notebook: timing, widget state, injected parameters, spent progress bars."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        # As a script, a notebook is a .py; nbconvert asks for both.
        language_info={"name": "python", "file_extension": ".py", "nbconvert_exporter": "python"},
    )
    notebook.cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        cell.metadata = NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.outputs = [_clean_output(output, number) for output in _join_streams(cell.outputs)]
        # An injected cell counted too; without it the numbers would start at 2.
        cell.execution_count = number if cell.execution_count is not None else None
    return notebook


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what was printed in pieces: a kernel flushes a stream whenever it likes."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _clean_output(output: NotebookNode, number: int) -> NotebookNode:
    if output.output_type == "stream":
        output.text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in output.text.split("\n"))
    elif picture_kind(output):
        output.data.pop(WIDGET_VIEW, None)  # the live panel needs a kernel; its film-strip does not
    if "execution_count" in output:
        output.execution_count = number
    return output


def picture_kind(output: NotebookNode) -> str | None:
    """How the picture in an output is encoded, "image/png" or, if of photographs, "image/jpeg"; None where there is none."""
    return next((kind for kind in ("image/png", "image/jpeg") if kind in output.get("data", {})), None)


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook atomically, as nbformat would."""
    write_atomically(path, (nbformat.writes(notebook) + "\n").encode())


def to_html(notebook: NotebookNode) -> str:
    """A notebook as one self-contained page, its pictures embedded."""
    from nbconvert import HTMLExporter

    return HTMLExporter(template_name="lab", embed_images=True).from_notebook_node(notebook)[0]


def run(
    paths: Sequence[Path],
    profile: str,
    out: Path,
    parameters: dict[str, object] | None = None,
    report: Callable[[Execution], None] = lambda run: None,
    progress: bool = True,
    cell_minutes: float | None = None,
) -> list[Execution]:
    """Execute notebooks one after another into a folder, as .ipynb and as .html, cleaned.

    What fails in one, or keeps it from being written, is reported in its `Execution`; the others still run.

    Args:
        paths: the notebooks; each runs in its own folder.
        profile: smoke, demo, laptop or paper. A notebook without such a parameter runs as it is, in demo.
        out: where the executed notebooks go. A file that stands there is replaced when its notebook has run.
        parameters: values for the notebooks' ``parameters`` cells.
        report: called after each notebook.
        progress: whether to show a bar over the cells.
        cell_minutes: how long a cell may run, 0 for as long as it likes; None for the profile's own limit, `CELL_MINUTES`.

    Raises:
        ReaderError: for an unknown profile or parameter and what is no notebook, before anything runs.
        OSError: if ``out`` can not be written, before anything runs.
        KeyboardInterrupt, SystemExit: after Ctrl-C or another signal to stop. The notebook under way is written as far as it
            came, and reported; the rest does not run. No process is left.
    """
    profile = one_of("profile", (parameters or {}).get("profile", profile), PROFILES)
    limit = CELL_MINUTES[profile] if cell_minutes is None else cell_minutes
    if not 0 <= limit < math.inf:
        raise ReaderError(f"cell_minutes is a number of minutes, or 0 for no limit; got {limit!r}.")
    given = {path: {"profile": profile, **(parameters or {})} for path in paths}
    for path in paths:
        if profile == "demo" and "profile" not in _parameter_names(path, read(path)):
            del given[path]["profile"]
        check_parameters(path, given[path])
        if (out / path.name).exists() and (out / path.name).samefile(path):
            raise ReaderError(f"What {path.name} becomes would be written over it; name another folder than {out}.")
    runs = []
    with stoppable() as stop, workplace(out) as place:
        for path in paths:
            runs.append(_execute(path, profile, place, given[path], 60 * limit, progress, stop))
            report(runs[-1])
            if stop:
                break
    return runs


def _execute(
    path: Path, profile: str, place: Path, parameters: dict, seconds: float, progress: bool, stop: Stop
) -> Execution:
    """Run one notebook, and write it into the folder around ``place``; whatever fails stands in the `Execution`."""
    started, memory, errors = time.monotonic(), 0, []
    out = place.parent / path.name
    try:
        for earlier in (out, out.with_suffix(".html")):  # an old success must not stay in the place of what fails now
            earlier.unlink(missing_ok=True)
        notebook = with_parameters(read(path), parameters)
        bar = path.stem if progress else ""
        memory, *errors = execute_cells(notebook, path.parent, place, seconds or None, bar, stop)
        _write(clean(notebook), place, out)
    except Exception as failure:  # a full disk, for one
        errors.append(f"not written: {type(failure).__name__}: {failure}")
    minutes = (time.monotonic() - started) / 60
    error = "\n".join(f"{path.name}, {error}" for error in errors if error)
    return Execution(path.stem, profile, round(minutes, 2), memory, error)


def _write(notebook: NotebookNode, place: Path, out: Path) -> None:
    """Write a notebook and its HTML; both are finished in ``place`` before either is shown."""
    finished = {out: place / out.name, out.with_suffix(".html"): place / "page.html"}
    save(notebook, finished[out])
    write_atomically(place / "page.html", to_html(notebook).encode())
    for shown, made in finished.items():
        os.replace(made, shown)


def table(runs: Sequence[Execution]) -> str:
    """The closing table: notebook, status, minutes, peak memory."""
    rows = [("notebook", "status", "minutes", "peak memory")]
    rows += [(r.name, r.status, f"{r.minutes:.1f}", f"{r.memory_mb:,} MB") for r in runs]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
