"""From a configuration to a finished checkpoint with its card; several of them, some at a time.

What every system's ``train`` and ``train_all`` have in common: finished checkpoints are kept, unfinished ones continued, a
time budget is shared, and what is measured is what is stored.
"""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from lossconditioning.errors import CheckpointError, ReaderError, positive_int
from lossconditioning.training.cards import Card, environment, in_half_precision, publish, read_card
from lossconditioning.training.loop import Loop
from lossconditioning.training.progress import progress_bar


class Experiment(Protocol):
    """What a system's Config offers."""

    name: str
    steps: int
    repeat: int

    def as_json(self) -> dict[str, Any]: ...


def train_experiment(
    system: str,
    config: Experiment,
    fit: Callable[[Path], tuple[nn.Module, Loop]],
    measure: Callable[[nn.Module], Mapping[str, float]],
    *,
    out: str | Path,
    profile: str,
    seed: int,
    data: str,
    tolerance: str,
    writes: bool = True,
) -> bool:
    """Train one experiment into ``out/NAME.safetensors`` and its card ``out/NAME.json``, unless it is finished.

    Args:
        system: the system's name.
        config: which experiment.
        fit: trains in a folder of resumable checkpoints; returns the network and the loop.
        measure: metrics of the network for the card, called after its weights are rounded as they are stored.
        out, profile, seed: as on the command line.
        data, tolerance: for the card.
        writes: whether this process publishes; of several that train one network only one should.

    Returns:
        whether it is finished now; False if time ran out first.

    Raises:
        CheckpointError: if ``out`` holds a finished checkpoint of another configuration or seed.
    """
    out = Path(out)
    if _is_finished(out, system, config, seed):
        return True
    _make(out)  # before training: a folder that can not be made should not cost hours
    unfinished = out / "unfinished" / config.name
    model, loop = fit(unfinished)
    if not loop.done or not writes:
        return loop.done
    stored = in_half_precision(model.state_dict())
    model.load_state_dict(stored)
    device, versions = environment()
    card = Card(
        system=system,
        name=config.name,
        config=config.as_json(),
        profile=profile,
        seed=seed,
        steps=config.steps,
        seconds=round(loop.seconds, 1),
        data=data,
        command=f"lossconditioning train {system} --only {config.name} --profile {profile} --seed {seed} --out DIR",
        metrics=dict(measure(model)),
        tolerance=tolerance,
        device=device,
        versions=versions,
    )
    publish(out, card, stored)
    _clear(unfinished)
    return True


def _is_finished(out: Path, system: str, config: Experiment, seed: int) -> bool:
    path = out / f"{config.name}.json"
    if not path.exists():
        return False
    card = read_card(path)
    if card.config != config.as_json() or card.seed != seed or card.system != system:
        raise CheckpointError(
            f"{path} is a finished checkpoint of another configuration (profile {card.profile}, seed {card.seed}). Give "
            "another --out, or delete it."
        )
    return True


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReaderError(
            f"The folder {folder} for the checkpoints can not be made ({error.strerror or error}). Give another."
        ) from None


def _clear(unfinished: Path) -> None:
    """Remove the resumable checkpoints of an experiment that is finished."""
    shutil.rmtree(unfinished)
    if not any(unfinished.parent.iterdir()):
        unfinished.parent.rmdir()


def train_many(
    train: Callable[..., bool],
    configs: Iterable[Experiment],
    *,
    out: str | Path,
    profile: str,
    seed: int,
    minutes: float | None = None,
    workers: int = 1,
) -> int:
    """Train experiments, ``workers`` of them at a time, each in a process and on a thread of its own.

    Args:
        train: ``train(config, out=…, profile=…, seed=…, minutes=…, progress=…) -> finished``, a module's own function, so
            that another process finds it.
        minutes: time budget for all of them.

    Returns:
        how many are finished; all of them, unless ``minutes`` ran out.
    """
    deadline = None if minutes is None else time.time() + 60 * minutes
    jobs = [(train, config, str(out), profile, seed, deadline) for config in configs]
    if positive_int("workers", workers) == 1:
        return sum(_train_until(*job, progress=True) for job in jobs)
    finished, context = 0, multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(workers, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        progress_bar(len(jobs), "experiments", unit="experiment") as bar,
    ):
        try:
            for job in as_completed([pool.submit(_train_until, *job, progress=False) for job in jobs]):
                finished += job.result()
                bar.update()
        except BaseException:  # an interrupt, or a mistake in one job: do not start the others first
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return finished


def _train_until(
    train: Callable[..., bool],
    config: Experiment,
    out: str,
    profile: str,
    seed: int,
    deadline: float | None,
    progress: bool,
) -> bool:
    minutes = None if deadline is None else (deadline - time.time()) / 60
    if minutes is not None and minutes <= 0:
        return False
    return train(config, out=out, profile=profile, seed=seed, minutes=minutes, progress=progress)
