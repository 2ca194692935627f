"""The faces that face generation trains on and is measured on."""

from __future__ import annotations

from pathlib import Path

import torch

from lossconditioning.datasets.faces import Faces
from lossconditioning.datasets.people import portraits
from lossconditioning.systems.dynamic_faces.recipes import Config, build_discriminator
from lossconditioning.training import Batches, Run
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import run_seed

HELD_OUT = 512
"""Faces that no network has seen."""


def experiment_data(config: Config, run: Run) -> AdversarialData:
    """Batches are of images, uint8 ``(B, 3, 64, 64)``, and their attributes ``(B, A)`` or the discriminator."""
    learned = training_faces(config, run.data)
    held_out = held_out_faces(config, 16 if run.smoke else HELD_OUT, run.data)
    source, seed = f"{learned.source}; measured on {held_out.source}", run_seed(config, run.seed)
    if config.kind == "classifier":
        told = torch.stack([learned.having(name) for name in config.attributes], dim=1)
        batches = Batches(learned.images, told, batch_size=config.batch_size, seed=seed)
        return AdversarialData(source, batches.__getitem__, held_out)
    batches = Batches(learned.images, batch_size=config.batch_size, seed=seed)
    discriminator = build_discriminator(config, run.seed)
    return AdversarialData(source, lambda step: (batches[step], discriminator), held_out, discriminator=discriminator)


def training_faces(config: Config, folder: Path | None = None) -> Faces:
    """All faces an experiment is trained on.

    Args:
        folder: a data folder, for CelebA; drawn faces need none.

    Raises:
        ReaderError: if CelebA is not there, or has no such faces.
    """
    return portraits(config.data, "train", config.count, folder, config.having, config.lacking)


def held_out_faces(config: Config, count: int = HELD_OUT, folder: Path | None = None) -> Faces:
    """Faces of an experiment's kind that no network has seen."""
    return portraits(config.data, "test", count, folder, config.having, config.lacking)
