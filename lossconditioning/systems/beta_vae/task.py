"""The β-VAE's two loss terms, and the weight between them.

L(x, β) = reconstruction + β · KL, in nats per picture: reconstruction is −log p(x | z) for one z ~ q(z | x), summed over
pixels and colours; KL is KL(q(z | x) ‖ N(0, I)), summed over the D latent units ("You Only Train Once", equation 5, with
the sign of a loss). In code β is ``lam``, as the weights of every system are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.losses import weighted
from lossconditioning.priors import LogUniform, log_grid
from lossconditioning.systems.beta_vae.models import STD_FLOOR

RANGES = {"cifar10": (0.5, 512.0), "shapes3d": (0.5, 2048.0)}
"""β's training range (A.1)."""
TERMS = ("reconstruction", "kl")
Values = dict[str, Tensor]
"""Both terms by name: of pictures, ``(B,)`` each; or a frontier, means over pictures ``(G,)``, one per β of a grid."""
Batch = tuple[Tensor, Tensor]
"""Pictures ``(..., B, 3, S, S)`` in [0, 1], and standard normal noise ``(..., B, D)``."""


def lam_prior(data: str) -> LogUniform:
    """β ~ log-uniform over A.1's range."""
    return LogUniform(*RANGES[data])


def lam_grid(data: str, count: int = 8) -> Tensor:
    """``count`` values of β from end to end of the range, evenly spaced in log β; shape ``(count,)``."""
    return log_grid(*RANGES[data], count)


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


def pixel_nll(parameters: Sequence[Tensor], pictures: Tensor) -> Tensor:
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


def unit_kl(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std²) ‖ N(0, 1)) of every latent unit, in nats and float32; ``(..., D)`` each → ``(..., D)``."""
    mean, std = mean.float(), std.float()
    return 0.5 * (mean.square() + std.square() - 1) - std.log()


def kl_to_standard_normal(mean: Tensor, std: Tensor) -> Tensor:
    """`unit_kl`, summed over the latent units; ``(..., D)`` each → ``(...,)``."""
    return unit_kl(mean, std).sum(-1)


def terms_of(mean: Tensor, std: Tensor, parameters: Sequence[Tensor], pictures: Tensor) -> Values:
    """Both loss terms, ``(...,)`` each, in nats, of posteriors ``(..., D)`` and of pixels' distributions."""
    return {"reconstruction": pixel_nll(parameters, pictures), "kl": kl_to_standard_normal(mean, std)}


def terms(model: nn.Module, batch: Batch | Tensor, lam: Tensor | None) -> Values:
    """Both losses of each picture, unweighted.

    Args:
        model: a `BetaVAE`, or an `Ensemble` of them.
        batch: pictures and noise; or pictures ``(..., B, 3, S, S)`` alone, for which the model draws noise.
        lam: β of each picture, ``(..., B)``: what the model is told; a fixed-weight model needs none.

    Returns:
        ``{"reconstruction", "kl"}``, each ``(..., B)``, in nats.
    """
    pictures, *noise = (batch,) if isinstance(batch, Tensor) else batch
    mean, std, pixels = model(pictures, lam, *noise)
    return terms_of(mean, std, pixel_parameters(pixels), pictures)


def full_loss(values: Values, lam: Tensor) -> Tensor:
    """L = reconstruction + β · KL, of each picture or at every point of a grid; one shape throughout."""
    return weighted(values, {"kl": lam.to(values["kl"])})
