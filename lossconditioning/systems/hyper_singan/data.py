"""What the networks learn from, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets import places, scenery
from lossconditioning.datasets.scenic import SMALLEST
from lossconditioning.errors import ReaderError, one_of
from lossconditioning.losses.squeezenet import squeezenet
from lossconditioning.painting import weights_for
from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.pyramid import pyramid, resized
from lossconditioning.systems.hyper_singan.recipes import build_discriminator
from lossconditioning.systems.hyper_singan.task import Batch
from lossconditioning.training import Run, seed_everything
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import run_seed
from lossconditioning.training.randomness import generator, mix

UNSEEN = 20
"""How many pictures of the built-in data no network learns."""


@dataclass(frozen=True)
class SingleImageData(AdversarialData):
    """`AdversarialData`, and more.

    Attributes:
        backbone: the trained weights of a frozen backbone, where there is one.
        weights: where those of the network are looked up that samples are scored by.
        unseen: pictures that no network of the data set learns, of the built-in one, ``(N, 3, H, W)`` in [−1, 1].
    """

    backbone: Mapping[str, Tensor] | None = None
    weights: str | Path | None = None
    unseen: Tensor | None = None


@lru_cache(8)
def _stored(dataset: str, part: str, count: int, width: int, folder: Path | None) -> Tensor:
    if dataset == "scenery":
        return scenery(count, part, max(width, SMALLEST))
    return places(dataset, folder, width)


def _dataset(config: Config, run: Run) -> str:
    """In the smoke profile nothing is looked up."""
    return "scenery" if run.smoke else config.dataset


def pictures_of(config: Config, run: Run = Run(), part: str = "train") -> Tensor:  # noqa: B008 - frozen
    """The pictures of an experiment, ``(N, 3, H, W)`` in [−1, 1], as large as its finest scale.

    Args:
        part: "train", or "test" for those that no network of the data set learns; of real ones, which are fifty, those from
            number ``first + count`` on.

    Raises:
        ReaderError: for another part, or if there are fewer pictures than ``first + count``.
    """
    one_of("part of the pictures", part, ("train", "test"))
    dataset = _dataset(config, run)
    last = config.first + config.count
    wanted = last if part == "train" else UNSEEN
    stored = _stored(dataset, part if dataset == "scenery" else "all", wanted, config.sizes[-1][1], run.data)
    if dataset != "scenery" and part == "test":
        stored = stored[last:]
    elif part == "train":
        if len(stored) < last:
            raise ReaderError(
                f"{config.name} learns from pictures {config.first} to {last - 1} of {dataset}, which has {len(stored)}. "
                "Give a smaller first or count."
            )
        stored = stored[config.first : last]
    return resized(stored.float() / 127.5 - 1, config.sizes[-1])


def seen(pictures: Tensor, side: int) -> Tensor:
    """What embeddings read of pictures ``(N, 3, H, W)``: the same, ``(N, 3, side, side)``."""
    return resized(pictures, (side, side))


def experiment_data(config: Config, run: Run) -> SingleImageData:
    """Batches, functions of (seed, step) alone; held out are the pictures themselves, for a generator is to repeat them."""
    pictures, seed = pictures_of(config, run), run_seed(config, run.seed)
    images, levels = seen(pictures, config.seen), pyramid(pictures, config.sizes)
    count = min(config.batch_size, len(pictures))

    def batch(step: int) -> Batch:
        numbers = torch.randperm(len(pictures), generator=generator(seed, step))[:count]
        scale = config.scale_at(step)
        return Batch(images[numbers], tuple(level[numbers] for level in levels[: scale + 1]), scale, discriminator)

    seed_everything(mix(run.seed, config.repeat, 1))
    discriminator = build_discriminator(config)
    last = config.first + config.count - 1
    backbone, source = None, f"{_dataset(config, run)}: pictures {config.first} to {last}"
    if config.embedding == "frozen":
        network, said, _ = squeezenet("squeezenet1_1", "features", weights_for(not run.smoke, run), download=True)
        backbone, source = network.features.state_dict(), f"{source}; embeddings by {said}"
    return SingleImageData(
        source,
        batch,
        pictures,
        discriminator=discriminator,
        backbone=backbone,
        weights=weights_for(not run.smoke, run),
        unseen=pictures_of(config, run, "test") if config.dataset == "scenery" else None,
    )
