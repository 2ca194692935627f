"""The β-VAE's two loss terms, and the weight between them.

L(x, β) = reconstruction + β · KL, in nats per picture: reconstruction is −log p(x | z) for one z ~ q(z | x), summed over
pixels and colours; KL is KL(q(z | x) ‖ N(0, I)), summed over the D latent units ("You Only Train Once", equation 5, with
the sign of a loss).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.priors import LogUniform
from lossconditioning.systems.beta_vae.models import STD_FLOOR

RANGES = {"cifar10": (0.5, 512.0), "shapes3d": (0.5, 2048.0)}
"""β's training range (A.1)."""


def beta_prior(data: str) -> LogUniform:
    """β ~ log-uniform over A.1's range."""
    return LogUniform(*RANGES[data])


def beta_grid(data: str, count: int = 8) -> Tensor:
    """``count`` values of β from end to end of the range, evenly spaced in log β; shape ``(count,)``."""
    low, high = RANGES[data]
    return torch.logspace(math.log10(low), math.log10(high), count, dtype=torch.float64).float()


def pixel_parameters(pixels: Tensor) -> tuple[Tensor, ...]:
    """A decoder's output as parameters of p(x | z), in float32.

    ``(..., 3, S, S)`` gives the logits of Bernoulli pixels; ``(..., 6, S, S)`` mean and standard deviation of Gaussian
    pixels on the scale from −1 to 1.
    """
    if pixels.shape[-3] == 3:
        return (pixels.float(),)
    mean, spread = pixels.float().chunk(2, dim=-3)
    return mean, F.softplus(spread) + STD_FLOOR


def pixel_mean(pixels: Tensor) -> Tensor:
    """The picture a decoder's output stands for, ``(..., 3, S, S)`` in [0, 1]: what one shows as reconstruction."""
    first, *std = pixel_parameters(pixels)
    return ((first + 1) / 2).clamp(0, 1) if std else first.sigmoid()


def pixel_nll(parameters: tuple[Tensor, ...], pictures: Tensor) -> Tensor:
    """−log p(x | z) in nats, summed over pixels and colours.

    Args:
        parameters: see `pixel_parameters`.
        pictures: ``(..., 3, S, S)`` in [0, 1]. The Gaussian density is that of their values on [−1, 1].

    Returns:
        ``(...,)``.
    """
    if len(parameters) == 1:
        nll = F.binary_cross_entropy_with_logits(parameters[0], pictures, reduction="none")
    else:
        mean, std = parameters
        nll = 0.5 * ((2 * pictures - 1 - mean) / std).square() + std.log() + 0.5 * math.log(2 * math.pi)
    return nll.flatten(-3).sum(-1)


def kl_to_standard_normal(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std²) ‖ N(0, 1)) summed over the latent units; ``(..., D)`` each → ``(...,)``."""
    mean, std = mean.float(), std.float()
    return (0.5 * (mean.square() + std.square() - 1) - std.log()).sum(-1)


def terms(model: nn.Module, pictures: Tensor, lam: Tensor | None, noise: Tensor | None = None) -> dict[str, Tensor]:
    """Both losses of each picture, unweighted.

    Args:
        model: a `BetaVAE`, or an `Ensemble` of them.
        pictures: ``(..., B, 3, S, S)`` in [0, 1].
        lam: β of each picture, ``(..., B)``: what the model is told.
        noise: standard normal ``(..., B, D)``; drawn by the model if not given.

    Returns:
        ``{"reconstruction", "kl"}``, each ``(..., B)``, in nats.
    """
    mean, std, pixels = model(pictures, lam) if noise is None else model(pictures, lam, noise)
    return {
        "reconstruction": pixel_nll(pixel_parameters(pixels), pictures),
        "kl": kl_to_standard_normal(mean, std),
    }
