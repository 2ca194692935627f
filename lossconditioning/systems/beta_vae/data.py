"""The two data sets as the β-VAE reads them: batches of training pictures by step, and held-out pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets import cifar10, shapes3d
from lossconditioning.errors import one_of
from lossconditioning.paths import data_cache
from lossconditioning.systems.beta_vae.models import ARCHITECTURES
from lossconditioning.systems.beta_vae.recipes import Config
from lossconditioning.training import Batches, Data, Run
from lossconditioning.training.devices import run_seed

HELD_OUT, FEW = {"cifar10": 2000, "shapes3d": 1000}, 20
"""How many held-out pictures every model is measured on; and how many where only the code is to be tried."""


@dataclass(frozen=True)
class Pictures:
    """A data set.

    Attributes:
        source: what it is, in words.
        held_out: pictures no model is trained on, uint8 ``(N, 3, S, S)``.
        training: pictures to draw from: all of them as uint8 ``(N, 3, S, S)``, or their numbers ``(N,)``.
        look_up: turns what ``training`` holds into uint8 pictures.
    """

    source: str
    held_out: Tensor
    training: Tensor
    look_up: Callable[[Tensor], Tensor]

    def batches(self, batch_size: int, seed: int = 0) -> Callable[[int], Tensor]:
        """Step → its training pictures, float ``(batch_size, 3, S, S)`` in [0, 1]."""
        order = Batches(self.training, batch_size=batch_size, seed=seed)
        return lambda step: as_float(self.look_up(order[step]))


def as_float(pictures: Tensor) -> Tensor:
    """uint8 pictures as numbers in [0, 1]."""
    return pictures.float() / 255


def pictures(data: str, folder: Path | None = None, source: str | None = None, few: bool = False) -> Pictures:
    """A data set by name, made once per session.

    Args:
        data: "cifar10" or "shapes3d".
        folder: where files are looked up; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        source: see `datasets.cifar10` ("auto" if not given) and `datasets.shapes3d` ("rendered" if not given).
        few: hold out `FEW` pictures only.
    """
    one_of("data set", data, ARCHITECTURES)
    source = source or ("auto" if data == "cifar10" else "rendered")
    place = Path() if source == "rendered" else Path(folder or data_cache()).resolve()
    return _made(data, place, source, FEW if few else HELD_OUT[data])


@lru_cache(maxsize=4)
def _made(data: str, folder: Path, source: str, held_out: int) -> Pictures:
    if data == "cifar10":
        found = cifar10(source, folder)
        return Pictures(found.source, found.test[:held_out], found.train, lambda rows: rows)
    world = shapes3d(source, folder)
    # One picture in ten is never trained on; which ones is the same everywhere.
    order = torch.randperm(len(world), generator=torch.Generator().manual_seed(0))
    return Pictures(world.source, world[order[:held_out]], order[len(world) // 10 :], lambda numbers: world[numbers])


def experiment_data(config: Config, run: Run) -> Data:
    """What an experiment is trained on, pictures ``(B, 3, S, S)`` in [0, 1] by step; and the held-out ones, uint8."""
    found = pictures(config.data, run.data, few=run.smoke)
    return Data(found.source, found.batches(config.batch_size, run_seed(config, run.seed)), found.held_out)
