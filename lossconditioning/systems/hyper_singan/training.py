"""How scale after scale is learned: what is frozen, how loud the noise is, what is made in a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.data import SingleImageData
from lossconditioning.systems.hyper_singan.embeddings import Frozen
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator
from lossconditioning.systems.hyper_singan.pyramid import resized
from lossconditioning.systems.hyper_singan.task import Batch, Made, squared

_KEEP = 0.98
"""How much of the noise's amplitude is kept at every step; the public code goes by the last batch alone."""


def draw(config: Config, model: Generator, batch: Batch, done: float) -> tuple[Batch, Tensor]:
    """λ₂ of each picture, ``(B,)``; and the scale that the batch is of is entered."""
    model.enter(batch.scale)
    return batch, model.prior.sample((len(batch.images),))


def optimise(config: Config, network: Generator | Discriminator):
    """Adam (β 0.5 and 0.999), whose rate falls to a tenth after `Config.decay` of each scale's steps (B.3)."""
    rate, parameters = config.learning_rate, list(network.parameters())
    if isinstance(network, Discriminator):
        rate = config.discriminator_rate
        parameters += [] if network.borrowed is None else list(network.borrowed.parameters())
    optimizer = torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.999), fused=True)

    def share(step: int) -> float:
        return 0.1 if step % config.steps_per_scale >= config.decay * config.steps_per_scale else 1.0

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


@contextmanager
def around(config: Config, model: Generator, data: SingleImageData) -> Iterator[nn.Module]:
    """A frozen backbone gets its trained weights; the generator's embedding is lent to a discriminator that shares it."""
    if data.backbone is not None:
        for network in (model, data.discriminator):
            for part in network.modules():
                if isinstance(part, Frozen):
                    part.layers.load_state_dict(data.backbone)
    if config.discriminator == "same embedding":
        data.discriminator.borrow(model.embedding)
    yield Making(model, config)
    for part in model.writers:
        part.requires_grad_(True)


class Making(nn.Module):
    """All that the losses of a step look at: see `Made`."""

    def __init__(self, model: Generator, config: Config):
        super().__init__()
        self.model, self.config = model, config

    def forward(self, images: Tensor, reals: tuple[Tensor, ...], scale: int) -> Made:
        """As of `Batch.inputs`."""
        model, count = self.model, len(images)
        weights = model.weights(model.code(images), scale + 1)
        with torch.set_grad_enabled(self.config.accumulated):
            quiet = model.reconstruct(weights[:scale], count) if scale else []
        below = quiet[-1] if quiet else None
        last = model.at(weights[scale], below, self._first(scale, count))
        with torch.no_grad():
            if scale:
                error = squared(resized(below, reals[scale].shape[-2:]), reals[scale]).mean().sqrt()
                self._heed(scale, error)
            amplitude = error if scale else 1.0
            noise = [torch.randn(real.shape, device=real.device) for real in reals]
            lower = model.generate(weights[:scale], noise[:scale])[-1] if scale else None
        fake = model.at(weights[scale], lower, amplitude * noise[scale])
        return Made(fake, [*quiet, last] if self.config.accumulated else [last])

    def _first(self, scale: int, count: int) -> Tensor:
        """The noise that reconstructions are painted of at a scale: none above the coarsest."""
        anchor = self.model.anchor
        size = self.model.grid[scale]
        return anchor.new_zeros(count, 3, *size) if scale else anchor.expand(count, -1, -1, -1)

    def _heed(self, scale: int, error: Tensor) -> None:
        """Follow the root mean square error of the scale below, which is how loud the noise is (B.3)."""
        amplitudes = self.model.amplitudes
        fresh = bool(amplitudes[scale] == 1)
        amplitudes[scale] = error if fresh else torch.lerp(error, amplitudes[scale], _KEEP)
