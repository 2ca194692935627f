"""From a trained network to a finished checkpoint with its card; and in which order several experiments get there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from torch import Tensor

from lossconditioning.errors import CheckpointError, ReaderError
from lossconditioning.training.cards import Card, environment, publish, read_card, stored_weights
from lossconditioning.training.checkpoints import clear_partial
from lossconditioning.training.config import Config
from lossconditioning.training.locks import Held, holding
from lossconditioning.training.loop import Loop
from lossconditioning.training.runs import Run


def is_finished(system: str, config: Config, run: Run) -> bool:
    """Whether the run's folder has this experiment's finished checkpoint, whole.

    Raises:
        CheckpointError: if it has one of another configuration, seed or system; or a card without its weights.
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
    stored_weights(Path(run.out), card)
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


@contextmanager
def alone(system: str, name: str, folder: Path) -> Iterator[None]:
    """Train an experiment in a folder where no other process does; and clear what killed ones left half written.

    The lock file is ``.NAME.lock``. A process that ends, however it ends, lets go of it.

    Raises:
        ReaderError: if another process trains it, or the folder can not be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(holding(folder / f".{name}.lock"))
        except Held as held:
            who = f" ({held})" if str(held) else ""
            raise ReaderError(
                f"{system} {name} is being trained in {folder} by another process{who}. Wait until that has ended, or give "
                "another --out."
            ) from None
        except OSError as error:
            raise ReaderError(
                f"The folder {folder} for the checkpoints can not be written ({error.strerror or error}). Give another."
            ) from None
        clear_partial(folder, f"{escape(name)}.*")
        yield


def clear_unfinished(folder: Path, name: str) -> None:
    """Remove the resumable checkpoints of an experiment that is finished."""
    shutil.rmtree(folder / "unfinished" / name, ignore_errors=True)
    with suppress(OSError):  # others have theirs there
        (folder / "unfinished").rmdir()


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
    start: Mapping[str, Any],
) -> Card:
    """Publish a trained network with its card, and clear the resumable checkpoints that led to it.

    Args:
        stored: its weights, as they are stored.
        metrics: measured with these.
        data, tolerance, start: for the card.
    """
    device, versions = environment()
    command = (
        f"lossconditioning train {system} --only {config.name} --profile {run.profile} --seed {run.seed} --out DIR"
    )
    card = Card(
        system=system,
        name=config.name,
        config=config.as_json(),
        profile=run.profile,
        seed=run.seed,
        steps=config.steps,
        seconds=round(loop.seconds, 1),
        data=data,
        command=command + (" --start DIR" if start else ""),
        metrics=dict(metrics),
        tolerance=tolerance,
        device=device,
        versions=versions,
        start=dict(start),
    )
    card = publish(Path(run.out), card, stored)
    clear_unfinished(Path(run.out), config.name)
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
