"""Cells executed in a kernel that ends with its run, whatever ends the run: the last cell, a limit, a signal."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import FrameType

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from lossconditioning.workplaces import MARK, end_processes, marked

INJECTED = "injected-parameters"
"""The tag of the cell that sets parameters, as papermill has it."""

GRACE = 10.0
"""Seconds that a kernel has to end a cell after an interrupt, before it is killed."""

START = 300
"""Seconds that a kernel has to start; a machine may be busy with something else."""


# Signals ------------------------------------------------------------------------------------------------------------------


@dataclass
class Stop:
    """The wish to end a run, from a signal: which one came first, and how many came. Truthy once there is one."""

    number: int = 0
    count: int = 0

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def name(self) -> str:
        return signal.Signals(self.number).name


@contextlib.contextmanager
def stoppable() -> Iterator[Stop]:
    """While open, Ctrl-C, SIGTERM and a closed terminal only note the wish to stop; at the end it is followed.

    Raises:
        KeyboardInterrupt: at the end, if Ctrl-C came.
        SystemExit: at the end, if another signal came; the status is 128 and its number, as in a shell.

    Does nothing outside of the main thread, where Python delivers no signals.
    """
    stop = Stop()

    def handle(number: int, _: FrameType | None) -> None:
        stop.number, stop.count = stop.number or number, stop.count + 1

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in {getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")} - {None}:
            # nohup has SIGHUP ignored, and means it; a script's `&` has SIGINT ignored, and can not be asked.
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop:
        raise KeyboardInterrupt if stop.number == signal.SIGINT else SystemExit(128 + stop.number)


# Cells --------------------------------------------------------------------------------------------------------------------


def execute_cells(
    notebook: NotebookNode, folder: Path, place: Path, seconds: float | None, bar: str, stop: Stop
) -> tuple[int, str]:
    """Execute a notebook's cells in a fresh kernel; outputs are put into the notebook, also those before a failure.

    Args:
        notebook: what to execute.
        folder: where the kernel runs.
        place: the folder of the run; see `workplace`.
        seconds: how long a cell may run; None for as long as it likes.
        bar: the name that a progress bar over the cells shows; without one, there is no bar.
        stop: a wish to end, obeyed within a cell too.

    Returns:
        The peak resident memory of the kernel in MiB, and what went wrong: empty, or the failing cell and its error.
    """
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=None if seconds is None else max(1, math.ceil(seconds)),
        startup_timeout=START,
        iopub_timeout=60,
        raise_on_iopub_timeout=True,  # outputs are not lost without a word
        extra_arguments=["--IPKernelApp.log_level=40"],  # it warns of loopback connections at every start
    )
    watch, kernel, where, error = Watch(place, stop), None, "", ""
    watch.start()
    started = time.monotonic()
    try:
        client.create_kernel_manager().connection_file = str(place / "kernel.json")
        with client.setup_kernel(cwd=str(folder), env={**os.environ, MARK: str(place)}):
            kernel = client.km.provisioner.process
            for index, cell in enumerate(tqdm(notebook.cells, desc=bar, unit="cell", ncols=96, disable=not bar)):
                if stop:
                    raise InterruptedError
                where, started = _where(notebook, index), time.monotonic()
                client.execute_cell(cell, index)
    except Exception as failure:  # whatever it is, the other notebooks still run
        late = seconds is not None and time.monotonic() - started >= seconds
        error = _said(failure, seconds if late else None, kernel, watch.peak)
    finally:
        watch.end()
        end_processes(place)
    if stop and error:
        error = f"Stopped by {stop.name}." + (f" {error}" if error.startswith("KeyboardInterrupt") else "")
    return watch.peak // 2**20, f"{where}{error}" if error else ""


def _where(notebook: NotebookNode, index: int) -> str:
    """A cell by its number and its source, as a reader of the executed notebook finds it."""
    before = [cell for cell in notebook.cells[: index + 1] if INJECTED not in cell.metadata.get("tags", [])]
    number = sum(cell.cell_type == "code" for cell in before)
    return f"cell [{number}]:\n{_excerpt(notebook.cells[index].source)}\n  "


def _said(failure: Exception, limit: float | None, kernel: Popen | None, peak: int) -> str:
    """A failure as a reader wants to see it; ``limit`` if the cell ran as long as it might, in seconds."""
    if isinstance(failure, CellExecutionError):
        return f"{failure.ename}: {failure.evalue}"
    if isinstance(failure, CellTimeoutError) and limit is not None:
        return f"It ran longer than {limit / 60:g} minutes, the limit for a cell; --cell-minutes sets another."
    if isinstance(failure, DeadKernelError):
        return _death(kernel, peak)
    return f"{type(failure).__name__}: {failure}"


def _excerpt(source: str) -> str:
    lines = source.strip().splitlines()
    return "\n".join(f"    {line}" for line in lines[:20]) + ("\n    …" if len(lines) > 20 else "")


def _death(kernel: Popen | None, peak: int) -> str:
    """What is known about the death of a kernel."""
    status = None if kernel is None else kernel.poll()
    memory = f"It had held {peak // 2**20:,} MB of memory at most"
    if status is None:
        return f"Kernel died. {memory}."
    if status >= 0:
        return f"Kernel died: it ended with status {status}. {memory}."
    killer = signal.Signals(-status).name
    why = "; a system that has no memory left kills like this" if killer == "SIGKILL" else ""
    return f"Kernel died: it was killed by {killer}. {memory}{why}."


class Watch(threading.Thread):
    """Watches the kernel of a run: its memory, and that it obeys a wish to stop.

    Attributes:
        peak: its resident memory at most, in bytes, so far.
    """

    def __init__(self, place: Path, stop: Stop) -> None:
        super().__init__(daemon=True)
        self.place, self.stop = place, stop
        self.peak, self.ended = 0, threading.Event()

    def run(self) -> None:
        kernels: list[psutil.Process] = []
        interrupted = None
        for look in itertools.count():
            if self.ended.wait(0.02):  # often, for a kernel may end right after its largest cell
                return
            if look % 10 == 0:  # to list all processes takes longer than to look at one
                kernels = [child for child in psutil.Process().children() if marked(child, self.place)]
            self.peak = max([self.peak, *map(_resident, kernels)])
            if self.stop and kernels and interrupted is None:
                interrupted = time.monotonic()
                _interrupt(kernels)
            elif self.stop and (self.stop.count > 1 or time.monotonic() - (interrupted or math.inf) > GRACE):
                end_processes(self.place)

    def end(self) -> None:
        self.ended.set()
        self.join()


def _interrupt(kernels: list[psutil.Process]) -> None:
    """What a front end's stop button does: SIGINT to the kernel and to what it has started."""
    for kernel in kernels:
        with contextlib.suppress(psutil.Error, OSError):
            if os.name == "posix" and os.getpgid(kernel.pid) == kernel.pid:
                os.killpg(kernel.pid, signal.SIGINT)
            else:
                kernel.kill()


def _resident(process: psutil.Process) -> int:
    """Peak resident memory in bytes as Linux keeps it; elsewhere the present one, which over many looks comes close."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        with contextlib.suppress(psutil.Error):
            return process.memory_info().rss
        return 0
