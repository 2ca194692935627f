r"""The losses of Meta Internal Learning, each an unweighted number per picture (equations 12 to 15).

With d the discriminator of picture I, Î what its generator paints of noise, Î⁰ what it paints of the fixed noise:

- adversarial: −mean d(Î), for the generator;
- reconstruction: mean (Î⁰ᵢ − Iᵢ)², the mean over the scales up to the present one;
- critic: mean d(Î) − mean d(I), for the discriminator;
- penalty: mean (|∇d(u)| − 1)², u being somewhere between I and Î; or, as equation 14 has it, mean |∇d(I)|².
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.models import Discriminator, Weights

Terms = dict[str, Tensor]


class Batch(NamedTuple):
    """What one step learns from.

    Attributes:
        images: what embeddings read, ``(B, 3, S, S)`` in [−1, 1].
        reals: the pictures at each scale up to the present one, ``(B, 3, h, w)`` in [−1, 1].
        scale: the present one, from 0.
        discriminator: what tells them from what is painted.
    """

    images: Tensor
    reals: tuple[Tensor, ...]
    scale: int
    discriminator: Discriminator

    @property
    def inputs(self) -> tuple:
        """What `training.Making` is called with."""
        return self.images, self.reals, self.scale


class Made(NamedTuple):
    """What generators paint in a step.

    Attributes:
        fake: of noise, at the present scale, ``(B, 3, h, w)``.
        reconstructions: of the fixed noise, ``(B, 3, h, w)``: at the scales that count.
    """

    fake: Tensor
    reconstructions: list[Tensor]


def terms(model: nn.Module, batch: Batch, lam: Tensor | None = None) -> Terms:
    """What the generator minimises: "adversarial" and "reconstruction", ``(B,)`` each, unweighted."""
    made: Made = model(*batch.inputs)
    reals = batch.reals[-len(made.reconstructions) :]
    errors = [squared(ours, real) for ours, real in zip(made.reconstructions, reals, strict=True)]
    with torch.no_grad():
        weights = batch.discriminator.weights(batch.images)
    return {
        "adversarial": -batch.discriminator(made.fake, weights).flatten(1).mean(1),
        "reconstruction": torch.stack(errors).mean(0),
    }


def weigh(config: Config, terms: Terms, lam: Tensor) -> Tensor:
    """What is minimised, ``(B,)``: λ₂ is what reconstruction weighs (equation 12)."""
    return terms["adversarial"] + lam * terms["reconstruction"]


def discriminator_terms(config: Config, batch: Batch, made: Made) -> Terms:
    """What the discriminator minimises, ``(B,)`` each, weighted: "critic" and "penalty"."""
    critic, real, fake = batch.discriminator, batch.reals[-1], made.fake.detach()
    weights = critic.weights(batch.images)
    scores = [critic(pictures, weights).flatten(1).mean(1) for pictures in (fake, real)]
    return {
        "critic": scores[0] - scores[1],
        "penalty": config.penalty * gradient_penalty(critic, weights, real, fake, config.penalised),
    }


def gradient_penalty(critic: Discriminator, weights: Weights, real: Tensor, fake: Tensor, penalised: str) -> Tensor:
    """How far a discriminator's slope is from what it should be, ``(B,)``, see `Config.penalised`.

    Args:
        real, fake: ``(B, 3, h, w)``.
    """
    if penalised == "between":
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        places = torch.lerp(real, fake.to(real.dtype), share)
    else:
        places = real.detach()
    places = places.requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(places, weights).sum(), places, create_graph=True)
    squares = slope.square().sum(1)  # over colours, at each place
    if penalised == "between":
        squares = ((squares + 1e-12).sqrt() - 1).square()
    return squares.flatten(1).mean(1)


def squared(ours: Tensor, real: Tensor) -> Tensor:
    """Mean squared error of each picture ``(B, 3, h, w)``: ``(B,)``."""
    return (ours - real).square().flatten(1).mean(1)
