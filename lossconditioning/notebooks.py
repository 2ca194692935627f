"""Runs, times and checks the notebooks.

A notebook is executed by papermill in a process of its own, so that the peak memory of its kernel is the operating system's
own figure. What comes out is cleaned: no timing, no widget state, and a slider panel shows its film-strip.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.paths import checkout
from lossconditioning.training import PROFILES
from lossconditioning.training.checkpoints import write_atomically

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


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
    """The notebooks of these names ("01", "01_sym_parameter_toy" or a path), all of them if none is named, in order."""
    known = {path.stem: path for path in sorted(notebook_folder().glob("[0-9]*.ipynb"))}
    chosen = []
    for name in names:
        stem = Path(name).stem if name.endswith(".ipynb") else name
        numbered = [full for full in known if stem == full.split("_")[0]]
        chosen.append(known[numbered[0] if numbered else one_of("notebook", stem, known)])
    return chosen or list(known.values())


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
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        raise ReaderError(f"{path} is not a notebook ({str(error).splitlines()[0]}).") from None


def check_parameters(path: Path, parameters: dict[str, object]) -> None:
    """Refuse parameters that the notebook's ``parameters`` cell does not define: papermill would only warn."""
    cells = [cell for cell in read(path).cells if "parameters" in cell.metadata.get("tags", [])]
    try:
        lines = [line for cell in cells for line in ast.parse(cell.source).body]
    except SyntaxError as error:
        raise ReaderError(f"The parameters cell of {path.name} is not plain Python ({error.msg}).") from None
    known = [
        target.id for line in lines if isinstance(line, ast.Assign) for target in line.targets if hasattr(target, "id")
    ]
    for name in parameters:
        one_of(f"parameter of {path.name}", name, known)


def execute(
    path: Path,
    profile: str,
    out: Path,
    parameters: dict[str, object] | None = None,
    *,
    progress: bool = True,
    as_html: bool = True,
) -> Execution:
    """Run one notebook into ``out`` as .ipynb (and .html), cleaned; what fails inside it is reported in the `Execution`."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / path.name
    # If the kernel dies nothing is written, and an old success must not stay in its place.
    for earlier in (target, target.with_suffix(".html")):
        earlier.unlink(missing_ok=True)
    # A fresh interpreter per notebook, so that the largest of its children is this notebook's kernel.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as worker:
        job = worker.submit(_execute, str(path), str(target), parameters or {}, progress)
        minutes, memory, error = job.result()
    if target.exists():
        notebook = clean(read(target))
        save(notebook, target)
        if as_html:
            write_atomically(target.with_suffix(".html"), to_html(notebook).encode())
    return Execution(path.stem, profile, round(minutes, 2), memory, error)


def _execute(source: str, target: str, parameters: dict[str, object], progress: bool) -> tuple[float, int, str]:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    started, error = time.monotonic(), ""
    peak = _PeakMemory()
    peak.start()
    try:
        papermill.execute_notebook(
            source,
            target,
            parameters,
            cwd=str(Path(source).parent),
            progress_bar={"desc": Path(source).stem, "unit": "cell", "ncols": 96} if progress else False,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=40"],  # it warns of loopback connections at every start
            request_save_on_cell_execute=False,
        )
    except PapermillExecutionError as failure:
        error = _describe(source, failure)
    except Exception as failure:  # the kernel died, the disk is full, …: the other notebooks still run
        error = f"{Path(source).name}: {type(failure).__name__}: {failure}"
    return (time.monotonic() - started) / 60, peak.stop(), error


class _PeakMemory(threading.Thread):
    """Watches the largest child of this process: the notebook's kernel."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.ended = 0, threading.Event()

    def run(self) -> None:
        children: list[psutil.Process] = []
        for look in itertools.count():
            if self.ended.wait(0.02):  # often, for a kernel may end right after its largest cell
                return
            if look % 10 == 0:  # to list all processes takes longer than to look at one
                children = psutil.Process().children()
            self.peak = max([self.peak, *map(_resident, children)])

    def stop(self) -> int:
        """End the watch and return the peak in MiB."""
        self.ended.set()
        self.join()
        return self.peak // 2**20


def _resident(process: psutil.Process) -> int:
    """Peak resident memory in bytes as Linux keeps it; elsewhere the present one, which over many looks comes close."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        with contextlib.suppress(psutil.Error):
            return process.memory_info().rss
        return 0


def _describe(source: str, failure) -> str:
    """The failing cell and its error, as a reader wants to see them."""
    lines = str(failure.source).strip().splitlines()
    shown = "\n".join(f"    {line}" for line in lines[:20]) + ("\n    …" if len(lines) > 20 else "")
    return f"{Path(source).name}, cell {failure.cell_index}:\n{shown}\n  {failure.ename}: {failure.evalue}"


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove what does not belong into a saved notebook: timing, widget state, injected parameters, spent progress bars."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
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
    elif "image/png" in output.get("data", {}):
        output.data.pop(WIDGET_VIEW, None)  # the live panel needs a kernel; its film-strip does not
    if "execution_count" in output:
        output.execution_count = number
    return output


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
) -> list[Execution]:
    """Execute notebooks one after another; a failing one does not keep the others from running.

    Raises:
        ReaderError: for an unknown profile or parameter, before anything runs.
    """
    parameters = {"profile": profile, **(parameters or {})}
    one_of("profile", parameters["profile"], PROFILES)
    for path in paths:
        check_parameters(path, parameters)
    runs = []
    for path in paths:
        runs.append(execute(path, profile, out, parameters, progress=progress))
        report(runs[-1])
    return runs


def table(runs: Sequence[Execution]) -> str:
    """The closing table: notebook, status, minutes, peak memory."""
    rows = [("notebook", "status", "minutes", "peak memory")]
    rows += [(r.name, r.status, f"{r.minutes:.1f}", f"{r.memory_mb:,} MB") for r in runs]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
