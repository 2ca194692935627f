"""Several experiments at a time, each in a process of its own that ends with the one that started it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.synchronize import Event

import torch

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.training.config import Config
from lossconditioning.training.progress import progress_bar
from lossconditioning.training.runs import Run

Train = Callable[[Config, Run], bool]

_stop: Event | None = None  # a worker process's own: set when the process that started it is interrupted


def train_many(train: Train, configs: Sequence[Config], run: Run, deadline: float | None, workers: int = 1) -> int:
    """Train experiments, ``workers`` of them at a time, each in a process and on a thread of its own.

    An interrupt is the starting process's alone: the others finish a step, save, and end; a second one ends them at once.
    If it is killed, they end too.

    Args:
        train: trains one; a module's own function, or what else another process finds.
        deadline: when time is up for all of them, as `time.time` has it.

    Returns:
        how many are finished; all of them, unless time was up.

    Raises:
        ReaderError: what ``train`` raised, after the experiments that had begun; or if a worker was killed.
    """
    if positive_int("workers", workers) == 1:
        return sum(_train_until(train, config, run, deadline) for config in configs)
    finished, context, run = 0, multiprocessing.get_context("spawn"), replace(run, progress=False)
    stop, others = context.Event(), set(multiprocessing.active_children())
    with (
        ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(stop,)) as pool,
        progress_bar(len(configs), "experiments", unit="experiment") as bar,
    ):
        try:
            with _no_interrupts():  # which processes started meanwhile inherit
                jobs = [pool.submit(_train_here, train, config, run, deadline) for config in configs]
            for job in as_completed(jobs):
                finished += job.result()
                bar.update()
        except BrokenProcessPool:
            raise ReaderError(
                "A worker process has died: killed, for want of memory perhaps, or unable to start. The same command "
                "continues; fewer --workers need less memory."
            ) from None
        except BaseException as error:  # a mistake in one job: do not start the others first
            if isinstance(error, KeyboardInterrupt):
                stop.set()
            try:
                pool.shutdown(wait=True, cancel_futures=True)
            except KeyboardInterrupt:
                for process in set(multiprocessing.active_children()) - others:
                    process.terminate()
            raise
    return finished


def _train_until(train: Train, config: Config, run: Run, deadline: float | None) -> bool:
    if deadline is not None:
        minutes = (deadline - time.time()) / 60
        if minutes <= 0:
            return False
        run = replace(run, minutes=minutes)
    return train(config, run)


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """SIGINT waits until the end of the block, where the system can hold it back; for processes started in it, for ever."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In a worker --------------------------------------------------------------------------------------------------------------


def _begin(stop: Event) -> None:
    """A worker's first act."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; who started us passes it on
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    """Wait until the process that started this one has ended, however it ended; and follow."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _train_here(train: Train, config: Config, run: Run, deadline: float | None) -> bool:
    if _stop.is_set():
        return False
    return _train_until(train, config, replace(run, stop=_stop.is_set), deadline)
