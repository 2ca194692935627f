"""The pictures that completion is learned from and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lossconditioning.datasets.faces import Faces
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.datasets.people import portraits
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.painting import crops, held_out_photographs, training_photographs, weights_for
from lossconditioning.systems.dynamic_completion.holes import random_holes
from lossconditioning.systems.dynamic_completion.measures import LAYERS, Measure
from lossconditioning.systems.dynamic_completion.recipes import SIDE, Config, build_discriminator
from lossconditioning.systems.dynamic_completion.task import Batch
from lossconditioning.training import Run
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import run_seed
from lossconditioning.training.randomness import generator

HELD_OUT = 64
"""How many pictures networks are measured on."""


def experiment_data(config: Config, run: Run) -> AdversarialData:
    """Batches, functions of (seed, step) alone, and a `Measure`."""
    learned, seed = training_pictures(config, run.data), run_seed(config, run.seed)
    measure, measured_on = held_out_measure(config, run)
    discriminator = build_discriminator(config, run.seed) if config.lam else None

    def batch(step: int) -> Batch:
        draw = generator(seed, step)
        chosen = torch.randint(len(learned.images), (config.batch_size,), generator=draw)
        pictures = learned.images[chosen].float() / 255
        return Batch(pictures, random_holes(config, config.batch_size, draw), discriminator)

    return AdversarialData(f"{learned.source}; {measured_on}", batch, measure, discriminator=discriminator)


def held_out_measure(config: Config, run: Run, critic: nn.Module | None = None) -> tuple[Measure, str]:
    """A `Measure`; and what it compares, and on which pictures, in words."""
    held_out = held_out_pictures(config, 2 if run.smoke else HELD_OUT, run.data)
    features = PerceptualFeatures(LAYERS, "vgg19", weights_for(config.pretrained, run))
    said = f"features of {features.source}; measured on {held_out.source}"
    return Measure.of(features, held_out.images, critic), said


@dataclass(frozen=True)
class Pictures:
    """Pictures, uint8 ``(N, 3, 64, 64)``, and what they are, in words; `Faces` say the same, and more."""

    images: Tensor
    source: str


def training_pictures(config: Config, folder: Path | None = None) -> Pictures | Faces:
    """What a configuration learns from; CelebA and photographs are looked up as `celeba` and `training_photographs` do."""
    if config.data == "photographs":
        return _squares(training_photographs(folder), config.count)
    return portraits(config.data, "train", config.count, folder)


def held_out_pictures(config: Config, count: int = HELD_OUT, folder: Path | None = None) -> Pictures | Faces:
    """Pictures of the same kind that no network has seen."""
    if config.data == "photographs":
        return _squares(held_out_photographs(folder), count)
    return portraits(config.data, "valid", count, folder)


def _squares(photographs: Photographs, count: int) -> Pictures:
    cut = crops(list(photographs.pictures.values()), SIDE, count, seed=0)
    return Pictures((255 * cut).round().clamp(0, 255).byte(), f"{count:,} squares of {photographs.source}")
