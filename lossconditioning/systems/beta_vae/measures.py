"""How one of the β-VAEs is measured on held-out pictures: frontiers, mixtures, samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lossconditioning.evaluation import as_metrics, curve_of
from lossconditioning.systems.beta_vae.data import as_float
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.recipes import Config
from lossconditioning.systems.beta_vae.task import (
    TERMS,
    Batch,
    Values,
    full_loss,
    pixel_mean,
    pixel_parameters,
    terms,
    terms_of,
)
from lossconditioning.training import Data, Ensemble
from lossconditioning.training.randomness import generator


def fixed_noise(count: int, latent: int) -> Tensor:
    """The same standard normal numbers ``(count, latent)`` for every model measured, so that comparisons are paired."""
    return torch.randn(count, latent, generator=generator(0xE7A1))


def _pieces(held_out: Tensor, latent: int, size: int) -> list[Batch]:
    """Held-out pictures with their noise, ``size`` at a time."""
    noise = fixed_noise(len(held_out), latent)
    return [(as_float(x), z) for x, z in zip(held_out.split(size), noise.split(size), strict=True)]


def separate(models: Ensemble) -> list[BetaVAE]:
    """The members of an ensemble as networks of their own."""
    return [models.member(index).eval() for index in range(len(models))]


@torch.inference_mode()
def frontier(model: BetaVAE | Ensemble, held_out: Tensor, grid: Tensor, at_once: int = 250) -> Values:
    """Mean loss terms on held-out pictures, one point per β.

    Args:
        model: a loss-conditional `BetaVAE`, told each β in turn; or an `Ensemble` of fixed-weight ones, member m measured
            for grid point m.
        held_out: uint8 ``(N, 3, S, S)``.
        grid: β, ``(G,)``.
        at_once: pictures at a time.

    Returns:
        ``{"reconstruction", "kl"}``, each ``(G,)`` in float64: nats per picture.
    """
    members = separate(model) if isinstance(model, Ensemble) else [model.eval()] * len(grid)
    pieces = _pieces(held_out, members[0].architecture.latent, at_once)
    points = []
    for member, lam in zip(members, grid, strict=True):
        parts = [terms(member, piece, lam.expand(len(piece[0]))) for piece in pieces]
        points.append({name: torch.cat([part[name] for part in parts]).double().mean() for name in TERMS})
    return curve_of(points)


def measure(config: Config, model: BetaVAE | Ensemble, data: Data) -> dict[str, float]:
    """The frontier as numbers for a card: ``reconstruction_0`` … and ``kl_0`` …, by grid point, and ``mean_loss``."""
    values = frontier(model, data.held_out, config.grid)
    return {**as_metrics("", values), "mean_loss": float(full_loss(values, config.grid).mean())}


@torch.inference_mode()
def interpolation(low: BetaVAE, high: BetaVAE, held_out: Tensor, shares: Tensor, at_once: int = 250) -> Values:
    """B.1's baseline: mix what the two extreme fixed models put out.

    Posteriors (mean and standard deviation) and the decoders' outputs (logits; or mean and standard deviation of every
    pixel) are averaged independently, so no latent vector belongs to the mixed picture: this is not a VAE.

    Args:
        low, high: the models of the smallest and the largest β.
        shares: of ``high`` in the mixture, ``(A,)`` in [0, 1].

    Returns:
        ``{"reconstruction", "kl"}``, each ``(A,)``.
    """
    sums = {name: torch.zeros(len(shares)).double() for name in TERMS}
    for x, z in _pieces(held_out, low.architecture.latent, at_once):
        ends = [(mean, std, *pixel_parameters(pixels)) for mean, std, pixels in (low(x, noise=z), high(x, noise=z))]
        for index, share in enumerate(shares):
            mean, std, *pixels = (torch.lerp(a, b, share) for a, b in zip(*ends, strict=True))
            for name, term in terms_of(mean, std, pixels, x).items():
                sums[name][index] += term.double().sum()
    return {name: total / len(held_out) for name, total in sums.items()}


@torch.inference_mode()
def sample_change(decoders: Sequence[BetaVAE], grid: Tensor, count: int = 64) -> float:
    """How much a sample changes from one β to the next, when its noise stays: a share of how much noise changes it.

    Args:
        decoders: the network to ask at each grid point; one and the same G times, or G separate ones.
        grid: β, ``(G,)``.
        count: noise vectors.

    Returns:
        mean squared pixel difference between neighbouring β and equal noise, over that between equal β and different noise.
    """
    noise = fixed_noise(count, decoders[0].architecture.latent)
    rows = zip(decoders, grid, strict=True)
    samples = torch.stack([pixel_mean(network.decode(noise, lam.expand(count))) for network, lam in rows])
    between_lams = (samples[1:] - samples[:-1]).square().mean()
    return float(between_lams / (samples - samples.roll(1, dims=1)).square().mean())
