"""Photographs to train and to measure compression on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets.bsds500 import bsds500
from lossconditioning.datasets.cuts import random_square
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.kodak import kodak
from lossconditioning.datasets.lookup import STAND_IN, Photographs, look_up
from lossconditioning.datasets.photographs import photographs
from lossconditioning.errors import ReaderError
from lossconditioning.paths import data_cache
from lossconditioning.systems.compression.recipes import Config
from lossconditioning.training import Data, Run
from lossconditioning.training.devices import run_seed
from lossconditioning.training.randomness import generator

START_PATCHES = 48
"""How many patches principal components are taken from."""
# Pictures that are kept for measuring are not trained on, nor the other way round.
_others = partial(read_pictures, without=("bsds500", "kodak"))


def training_photographs(folder: Path | None = None) -> Photographs:
    """BSDS500's training and validation photographs, or any others.

    Args:
        folder: with a ``bsds500`` in it, or with photographs; ``$LOSSCONDITIONING_DATA`` or data/cache, where only
            ``bsds500`` counts, if not given. Where there is none, the built-in photographs stand in, said aloud.
    """
    return look_up("bsds500", bsds500, _others, folder)


def held_out_photographs(folder: Path | None = None) -> Photographs:
    """Kodak's 24 photographs, or any others; looked up as `training_photographs` are, in ``kodak``."""
    return look_up("kodak", kodak, _others, folder)


def measured_on(folder: Path | None = None, few: bool = False) -> Photographs:
    """What a trained model's card is measured on: Kodak's photographs where they are, else the built-in ones.

    Args:
        folder: where a ``kodak`` is looked up. Unlike `held_out_photographs` no other pictures in it count, for they may be
            those the model is trained on.
        few: only a corner of one picture.
    """
    root = Path(folder or data_cache()).resolve()
    if not few and (root / "kodak").is_dir():
        return held_out_photographs(root)
    pictures = photographs()
    return Photographs({"coffee": pictures["coffee"][:, :192, :192]} if few else pictures, STAND_IN)


@dataclass(frozen=True)
class Patches(Data):
    """Patches of photographs to train on, and photographs to measure on.

    Attributes:
        first: the patches that principal components are taken from, ``(48, 3, S, S)``.
    """

    first: Callable[[], Tensor] = field(kw_only=True)


def experiment_data(config: Config, run: Run) -> Patches:
    """Batches of patches, float ``(B, 3, S, S)`` in [0, 1]; held out are `measured_on`'s pictures, by name."""
    found, held_out = training_photographs(run.data), measured_on(run.data, few=run.smoke)
    cut = partial(patches, list(found.pictures.values()), config.patch, seed=run_seed(config, run.seed))
    source = f"{found.source}; measured on {held_out.source}"
    return Patches(source, cut(config.batch_size), held_out.pictures, first=lambda: cut(START_PATCHES)(-1))


def patches(pictures: Sequence[Tensor], side: int, batch_size: int, seed: int) -> Callable[[int], Tensor]:
    """Step → a batch of square patches, a function of (seed, step) alone.

    Each patch is a `random_square` of a photograph drawn at random.

    Args:
        pictures: uint8 ``(3, H, W)`` each, no side below ``side``.

    Returns:
        a function to float ``(batch_size, 3, side, side)`` in [0, 1].
    """
    large = [picture for picture in pictures if min(picture.shape[1:]) >= side]
    if not large:
        raise ReaderError(
            f"No photograph is {side} pixels wide and high, as patches of that size need. Give larger ones."
        )

    def batch(step: int) -> Tensor:
        draw = generator(seed, step)
        chosen = torch.randint(len(large), (batch_size,), generator=draw).tolist()
        return torch.stack([random_square(large[number], side, draw) for number in chosen]).float() / 255

    return batch
