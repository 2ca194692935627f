r"""The losses of StEP, each an unweighted number per example (equations 1 and 2, Table 4).

With E the encoder, G the generator, D the discriminator, (I_A, I_B) a layout and its picture, z = E(I_B):

- reconstruction: Σ wᵢ · mean |Fᵢ(G(I_A, z)) − Fᵢ(I_B)| over layers i of a trained network, wᵢ = 1 / 2^(6 − i);
- adversarial: mean (D(I_A, G(I_A, z)) − 1)², and, where D sees random styles, of those pictures too;
- cycle: the same as reconstruction for G(I_A, E(G(I'_A, z))), I'_A being another layout;
- latent: mean |E(G(I_A, z')) − z'| for a random style z', for G alone (BicycleGAN);
- L2: |z|²; KL: that of N(z, σ²) from N(0, 1), a sum over the numbers of a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lossconditioning.losses import PerceptualFeatures, lsgan_discriminator, lsgan_generator, weighted
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.models import Discriminator
from lossconditioning.systems.staged_encoder.triplets import l2, triplet_loss

Terms = dict[str, Tensor]


class Triplet(NamedTuple):
    """What one step of stage 1 compares: pictures ``(B, 3, S, S)`` in [0, 1], and α of equation 1."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor
    margin: float


class Made(NamedTuple):
    """What a translator makes of a batch in training.

    Attributes:
        direct: layouts in the style of their own pictures, ``(B, 3, S, S)``.
        z, log_variance: what the encoder says of the pictures, ``(B, Z)``.
        random: layouts in random styles; None where no loss asks for them.
        style: those random styles, ``(B, Z)``.
        read: the styles that the encoder reads off ``random``.
        cycle: layouts in the styles read off other layouts in their own picture's style.
    """

    direct: Tensor
    z: Tensor
    log_variance: Tensor
    random: Tensor | None = None
    style: Tensor | None = None
    read: Tensor | None = None
    cycle: Tensor | None = None


class Pair(NamedTuple):
    """What one step of stages 2 and 3 learns from.

    Attributes:
        layouts, pictures: ``(B, 3, S, S)`` in [0, 1].
        numbers: of the pairs among all, ``(B,)``.
        targets: activations of the pictures, one ``(B, C, h, w)`` per layer.
        lam: what reconstruction weighs in each example, ``(B,)``; drawn anew in every step.
        costs: what the terms are computed by.
        discriminator: None for a critic's batches.
    """

    layouts: Tensor
    pictures: Tensor
    numbers: Tensor
    targets: tuple[Tensor, ...]
    lam: Tensor
    costs: Costs
    discriminator: Discriminator | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What `training.Making` is called with."""
        return self.layouts, self.pictures, self.numbers, self.lam


class Costs:
    """The losses of a configuration.

    Args:
        features: what pictures are compared in; None for a critic.
    """

    def __init__(self, config: Config, features: PerceptualFeatures | None = None):
        self.config, self.features = config, features

    @torch.no_grad()
    def targets(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Activations of pictures ``(B, 3, S, S)``, one ``(B, C, h, w)`` per layer."""
        return tuple(self.features(pictures).values())

    def reconstruction(self, made: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Perceptual loss of pictures ``(B, 3, S, S)``: ``(B,)``."""
        total = 0
        for (name, found), target in zip(self.features(made).items(), targets, strict=True):
            block = int(name.removeprefix("relu")[0])
            total = total + 0.5 ** (6 - block) * (found - target).abs().flatten(1).mean(1)
        return total


def terms(model: nn.Module, batch: Triplet | Pair, lam: Tensor | None = None) -> Terms:
    """The unweighted losses of each example, ``(B,)`` each: those that are on in a translator's row of Table 4."""
    if isinstance(batch, Triplet):
        codes = model(torch.cat(batch[:3])).z.chunk(3)
        return {"triplet": triplet_loss(*codes, margin=batch.margin), "L2": l2(*codes)}
    if batch.discriminator is None:
        return {"discriminator": model(batch)}
    made, costs, row = model(*batch.inputs), batch.costs, batch.costs.config.row
    fake = [picture for picture in (made.direct, made.random if row.D_rand_z else None) if picture is not None]
    values = {
        "reconstruction": costs.reconstruction(made.direct, batch.targets),
        "adversarial": sum(lsgan_generator(batch.discriminator(batch.layouts, each)) for each in fake),
    }
    if made.cycle is not None:
        values["cycle"] = costs.reconstruction(made.cycle, batch.targets)
    if made.read is not None:
        values["latent"] = (made.read - made.style).abs().mean(1)
    if row.z_L2:
        values["L2"] = made.z.square().sum(1)
    if row.z_KL:
        values["KL"] = kl(made.z, made.log_variance)
    return values


def weigh(config: Config, terms: Terms, lam: Tensor) -> Tensor:
    """What is minimised, ``(B,)``: λ is what reconstruction weighs, direct and cyclic."""
    fixed: Mapping[str, float] = {"L2": config.L2, "KL": config.KL, "latent": config.latent, "adversarial": config.gan}
    return weighted(
        terms, {name: fixed.get(name, lam if name in ("reconstruction", "cycle") else 1.0) for name in terms}
    )


def discriminator_terms(config: Config, batch: Pair, made: Made) -> Terms:
    """What the discriminator minimises, ``(B,)`` each: of layouts in their own picture's style, and in random ones."""
    found, shown = {}, {"direct": made.direct} | ({"random": made.random} if config.row.D_rand_z else {})
    real = batch.discriminator(batch.layouts, batch.pictures)
    for name, fake in shown.items():
        each = lsgan_discriminator(real, batch.discriminator(batch.layouts, fake.detach()))
        found[f"discriminator_{name}"] = each["real"] + each["fake"]
    return found


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, variance) from N(0, 1), ``(B, Z)`` each: ``(B,)``."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
