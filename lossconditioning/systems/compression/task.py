"""The two terms of learned compression, and the weight between them.

L(x, λ) = R + λ · D. R is the rate: bits per pixel of the picture, as the model's own probabilities price its latents. D is
the distortion: the mean squared error over pixels and colours, on the scale of grey levels from 0 to 255.

"You Only Train Once" gives λ's range, [1.2·10⁻³, 2.6·10⁻¹], without its unit. It is that of Ballé et al. 2018, bits per
pixel and squared grey level: with errors on the scale from 0 to 1 the same numbers would buy nothing but rate.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lossconditioning.priors import LogUniform
from lossconditioning.systems.compression.entropy_models import bits

LAMBDA_RANGE = (1.2e-3, 2.6e-1)
"""λ's training range (A.2)."""
PEAK = 255.0
"""The largest grey level: the scale of the distortion."""


def lambda_prior() -> LogUniform:
    """λ ~ log-uniform over A.2's range."""
    return LogUniform(*LAMBDA_RANGE)


def lambda_grid(count: int = 5) -> Tensor:
    """``count`` values of λ from end to end of the range, evenly spaced in log λ; shape ``(count,)``."""
    low, high = (math.log10(end) for end in LAMBDA_RANGE)
    return torch.logspace(low, high, count, dtype=torch.float64).float()


def squared_error(pictures: Tensor, others: Tensor) -> Tensor:
    """Mean squared difference of pictures ``(B, 3, H, W)`` in [0, 1], in squared grey levels of 0–255: ``(B,)``."""
    return PEAK**2 * (pictures - others).square().flatten(1).mean(1)


def psnr(distortion: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of a mean squared error on the scale 0–255; infinite for 0."""
    return 10 * (PEAK**2 / distortion).log10()


def terms(
    model: nn.Module, pictures: Tensor, lam: Tensor, noise: tuple[Tensor, Tensor] | None = None
) -> dict[str, Tensor]:
    """Both losses of each picture, unweighted.

    Args:
        model: a `ScaleHyperprior`.
        pictures: ``(B, 3, H, W)`` in [0, 1], H and W multiples of 64.
        lam: λ of each picture, ``(B,)``: what the model is told.
        noise: in training, see `ScaleHyperprior.forward`; latents are rounded if it is not given.

    Returns:
        ``{"rate", "distortion"}``, each ``(B,)``: bits per pixel, and squared grey levels.
    """
    out = model(pictures, lam, noise)
    pixels = pictures.shape[-1] * pictures.shape[-2]
    return {
        "rate": (bits(out.y_likelihood) + bits(out.z_likelihood)) / pixels,
        "distortion": squared_error(out.picture, pictures),
    }
