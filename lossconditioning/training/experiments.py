"""From a trained network to a finished checkpoint with its card; and several experiments, some at a time."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.errors import CheckpointError, ReaderError, positive_int
from lossconditioning.training.cards import Card, environment, publish, read_card
from lossconditioning.training.config import Config
from lossconditioning.training.loop import Loop
from lossconditioning.training.progress import progress_bar
from lossconditioning.training.runs import Run


def is_finished(system: str, config: Config, run: Run) -> bool:
    """Whether the run's folder has this experiment's finished checkpoint.

    Raises:
        CheckpointError: if it has one of another configuration, seed or system.
    """
    path = Path(run.out) / f"{config.name}.json"
    if not path.exists():
        return False
    card = read_card(path)
    if card.system != system or card.seed != run.seed or not _says(card, config):
        raise CheckpointError(
            f"{path} is a finished checkpoint of another configuration (profile {card.profile}, seed {card.seed}). Give "
            "another --out, or delete it."
        )
    return True


def _says(card: Card, config: Config) -> bool:
    try:
        return type(config).from_json(card.config) == config
    except (TypeError, ReaderError):  # fields, or values, that are none of this system's
        return False


def make_folder(folder: Path) -> None:
    """Make a folder for checkpoints, before training: one that can not be made should not cost hours."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReaderError(
            f"The folder {folder} for the checkpoints can not be made ({error.strerror or error}). Give another."
        ) from None


def finish(
    system: str,
    config: Config,
    run: Run,
    loop: Loop,
    stored: dict[str, Tensor],
    metrics: Mapping[str, float],
    *,
    data: str,
    tolerance: str,
) -> Card:
    """Publish a trained network with its card, and clear the resumable checkpoints that led to it.

    Args:
        stored: its weights, as they are stored.
        metrics: measured with these.
        data, tolerance: for the card.
    """
    device, versions = environment()
    card = Card(
        system=system,
        name=config.name,
        config=config.as_json(),
        profile=run.profile,
        seed=run.seed,
        steps=config.steps,
        seconds=round(loop.seconds, 1),
        data=data,
        command=f"lossconditioning train {system} --only {config.name} --profile {run.profile} --seed {run.seed} --out DIR",
        metrics=dict(metrics),
        tolerance=tolerance,
        device=device,
        versions=versions,
    )
    card = publish(Path(run.out), card, stored)
    unfinished = Path(run.out) / "unfinished"
    shutil.rmtree(unfinished / config.name)
    if not any(unfinished.iterdir()):
        unfinished.rmdir()
    return card


def in_waves(configs: Iterable[Config]) -> list[list[Config]]:
    """Experiments in groups, each after all that it needs of the others.

    Raises:
        ReaderError: if some of them need one another in a circle.
    """
    waves, left = [], list(configs)
    while left:
        names = {config.name for config in left}
        ready = [config for config in left if not names & set(config.needs)]
        if not ready:
            raise ReaderError(f"{', '.join(sorted(names))} need one another in a circle: none can be trained first.")
        waves.append(ready)
        left = [config for config in left if config not in ready]
    return waves


def train_many(
    train: Callable[[Config, Run], bool], configs: Sequence[Config], run: Run, deadline: float | None, workers: int = 1
) -> int:
    """Train experiments, ``workers`` of them at a time, each in a process and on a thread of its own.

    Args:
        train: trains one; a module's own function, or what else another process finds.
        deadline: when time is up for all of them, as `time.time` has it.

    Returns:
        how many are finished; all of them, unless time was up.
    """
    if positive_int("workers", workers) == 1:
        return sum(_train_until(train, config, run, deadline) for config in configs)
    finished, context, run = 0, multiprocessing.get_context("spawn"), replace(run, progress=False)
    with (
        ProcessPoolExecutor(workers, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        progress_bar(len(configs), "experiments", unit="experiment") as bar,
    ):
        try:
            for job in as_completed([pool.submit(_train_until, train, config, run, deadline) for config in configs]):
                finished += job.result()
                bar.update()
        except BaseException:  # an interrupt, or a mistake in one job: do not start the others first
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return finished


def _train_until(train: Callable[[Config, Run], bool], config: Config, run: Run, deadline: float | None) -> bool:
    if deadline is not None:
        minutes = (deadline - time.time()) / 60
        if minutes <= 0:
            return False
        run = replace(run, minutes=minutes)
    return train(config, run)
