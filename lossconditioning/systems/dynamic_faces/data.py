"""The faces that face generation trains on and is measured on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from lossconditioning.datasets.celeba import celeba
from lossconditioning.datasets.faces import Faces, faces
from lossconditioning.errors import ReaderError
from lossconditioning.systems.dynamic_faces.recipes import Config, build_discriminator
from lossconditioning.training import Batches, Run
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import run_seed

HELD_OUT = 512
"""Faces that no network has seen."""
FIRST_HELD_OUT = 10_000_000
"""Number of the first drawn one of them."""


def experiment_data(config: Config, run: Run) -> AdversarialData:
    """Batches are of images, uint8 ``(B, 3, 64, 64)``, and their attributes ``(B, A)`` or the discriminator."""
    learned = training_faces(config, run.data)
    held_out = held_out_faces(config, 16 if run.smoke else HELD_OUT, run.data)
    tensors, discriminator = (learned.images,), None
    if config.kind == "classifier":
        tensors += (torch.stack([learned.having(name) for name in config.attributes], dim=1),)
    else:
        discriminator = build_discriminator(config, run.seed)
    batches = Batches(*tensors, batch_size=config.batch_size, seed=run_seed(config, run.seed))
    return AdversarialData(
        f"{learned.source}; measured on {held_out.source}",
        (lambda step: (batches[step], discriminator)) if discriminator else batches.__getitem__,
        held_out,
        discriminator=discriminator,
    )


def training_faces(config: Config, folder: Path | None = None) -> Faces:
    """All faces an experiment is trained on.

    Args:
        folder: a data folder, for CelebA; drawn faces need none.

    Raises:
        ReaderError: if CelebA is not there, or has no such faces.
    """
    return _faces(config.data, config.having, config.lacking, config.count, False, folder)


def held_out_faces(config: Config, count: int = HELD_OUT, folder: Path | None = None) -> Faces:
    """Faces of an experiment's kind that no network has seen."""
    return _faces(config.data, config.having, config.lacking, count, True, folder)


@lru_cache(maxsize=2)
def _faces(
    data: str, having: tuple[str, ...], lacking: tuple[str, ...], count: int, held_out: bool, folder: Path | None
) -> Faces:
    if data == "drawn":
        start = FIRST_HELD_OUT if held_out else 0
        return faces(count, start=start, **dict.fromkeys(having, True), **dict.fromkeys(lacking, False))
    found = celeba(folder, "test" if held_out else "train")
    for name in lacking:
        found = found.split(name)[0]
    for name in having:
        found = found.split(name)[1]
    if len(found) < max(count, 2):
        raise ReaderError(
            f"CelebA has {len(found):,} such faces ({found.source}); asked for {count:,}. Ask for fewer, or leave out an "
            "attribute."
        )
    if not count:
        return found
    return Faces(found.images[:count], found.attributes[:count], found.names, f"{count:,} of {found.source}")
