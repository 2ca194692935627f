"""A folder for each run of notebooks, and the processes that belong to it.

Every process of a run carries the run's folder in an environment variable. So whatever its cells have started is found and
ended after each notebook, and what a killed run has left behind is found by the next one.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

MARK = "LOSSCONDITIONING_RUN"
"""The environment variable that holds the folder of a run, in all of its processes."""


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A folder inside of ``out`` for what a run needs until it ends; what killed runs have left there is cleared.

    Files are finished in it and then moved, so that ``out`` never shows half of one. A lock beside it says that the run is
    alive; the system lifts it when the process ends, however it ends.

    Raises:
        OSError: if ``out`` can not be made or written.
    """
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    for lock in out.glob(".run-*.lock"):
        left = lock.with_suffix("")
        with contextlib.suppress(Timeout), _alive(left, timeout=0):
            _clear(left)
    place = out / f".run-{uuid.uuid4().hex[:12]}"
    with _alive(place):
        try:
            place.mkdir()
            yield place
        finally:
            _clear(place)


@contextlib.contextmanager
def _alive(place: Path, timeout: float = -1) -> Iterator[None]:
    """Hold the lock that says that the run of this folder is alive; `Timeout` if another process does."""
    lock = place.with_name(f"{place.name}.lock")
    with FileLock(lock, timeout=timeout):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows removes no open file
                lock.unlink()


def _clear(place: Path) -> None:
    end_processes(place)
    shutil.rmtree(place, ignore_errors=True)


def marked(process: psutil.Process, place: Path) -> bool:
    """Whether a process belongs to the run of this folder."""
    try:
        return process.environ().get(MARK) == str(place)
    except (psutil.Error, OSError):  # it has ended, or is somebody else's
        return False


def end_processes(place: Path) -> None:
    """Kill all processes of a run, those too that they start meanwhile."""
    for _ in range(10):
        found = [process for process in psutil.process_iter() if marked(process, place)]
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=3)
        if not found:
            return
