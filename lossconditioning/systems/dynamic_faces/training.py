"""How face generation is trained: a classifier, a generator, then tuning blocks on the frozen generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from lossconditioning.conditioning import turned_on
from lossconditioning.systems.dynamic_faces.models import Discriminator, signed
from lossconditioning.systems.dynamic_faces.recipes import CLASSIFIER, Config
from lossconditioning.systems.dynamic_faces.task import Batch, Kept, Labelled, discriminator_terms
from lossconditioning.training import Loop, Run, System
from lossconditioning.training.adversarial import AdversarialData, fit_adversarially
from lossconditioning.training.protocol import drawn
from lossconditioning.training.schedules import optimizer_and_schedule


def draw(config: Config, model: nn.Module, batch: tuple, done: float) -> tuple[Batch | Labelled, Tensor]:
    """Codes to generate faces from; for a classifier, faces with the faults of generated ones. λ is the prior's."""
    images, other, *kept = batch
    if config.kind == "classifier":
        batch = Labelled(spoilt(signed(images)), other.float())
    else:
        batch = Batch(signed(images), torch.randn(len(images), config.latent), other, *kept)
    batch = batch._replace(faces=batch.faces.contiguous(memory_format=torch.channels_last))
    return drawn(config, model, batch, done)


def spoilt(faces: Tensor) -> Tensor:
    """Faces ``(B, 3, H, W)`` with the faults of generated ones: shifted by up to 2 pixels, some blurred, with some noise."""
    count, _, height, width = faces.shape
    right, down = (int(number) for number in torch.randint(-2, 3, (2,)))
    moved = faces.roll((down, right), dims=(2, 3))
    coarse = interpolate(avg_pool2d(moved, 2), (height, width), mode="bilinear")
    blur, noise = torch.rand(2, count, 1, 1, 1)
    tint = 0.1 * torch.randn(count, 3, 1, 1)
    mixed = torch.lerp(moved, coarse, (2 * blur - 1).clamp(min=0))  # half of them stay sharp
    return (mixed + tint + 0.2 * noise * torch.randn_like(faces)).clamp(-1, 1)


def optimise(config: Config, network: nn.Module):
    """Adam and its schedule, a discriminator's at a rate of its own."""
    rate = config.discriminator_rate if isinstance(network, Discriminator) else config.learning_rate
    optimizer, schedule = optimizer_and_schedule(config, network, (config.beta_1, config.beta_2), learning_rate=rate)
    optimizer.register_load_state_dict_post_hook(_lay_out)
    return optimizer, schedule


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Lay moments out in memory as their weights are: files keep one order, and Adam's fused step takes both as they lie."""
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if value.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(value)


@contextmanager
def around(config: Config, model: nn.Module, data: AdversarialData) -> Iterator[nn.Module]:
    """The network itself; or blocks turned on fully, on the frozen generator."""
    model.to(memory_format=torch.channels_last).train()  # a third faster on a CPU
    with turned_on(data.made[config.main] if config.main else None, model) as network:
        yield network.to(next(model.parameters()).device)
    model.eval()


def fit_kind(
    system: System, config: Config, run: Run, data: AdversarialData, path: str | Path | None
) -> tuple[nn.Module, Loop]:
    """A generator, or blocks, against a discriminator; a classifier as usual, its weights not averaged.

    With blocks that are asked to keep what is not meant, what judges that goes along in every batch.
    """
    if config.kind == "classifier":
        config = replace(config, average=0.0)
    elif config.keep:
        kept, batches = Kept(data.made[config.main], data.made[CLASSIFIER], config.having), data.batches
        data = replace(data, batches=lambda step: (*batches(step), kept))
    return fit_adversarially(discriminator_terms, system, config, run, data, path)
