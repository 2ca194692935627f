"""The two terms of learned compression, and the weight between them.

L(x, λ) = R + λ · D. R is the rate: bits per pixel of the picture, as the model's own probabilities price its latents. D is
the distortion: the mean squared error over pixels and colours, on the scale of grey levels from 0 to 255.

"You Only Train Once" gives λ's range, [1.2·10⁻³, 2.6·10⁻¹], without its unit. It is that of Ballé et al. 2018, bits per
pixel and squared grey level: with errors on the scale from 0 to 1 the same numbers would buy nothing but rate.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from lossconditioning.codec import bits
from lossconditioning.evaluation.rate_distortion import squared_error
from lossconditioning.priors import log_grid

LAM_RANGE = (1.2e-3, 2.6e-1)
"""λ's training range (A.2)."""
MIDDLE = math.sqrt(math.prod(LAM_RANGE))
"""λ₀, its geometric middle."""
Batch = Tensor | tuple[Tensor, Tensor, Tensor]


def lam_grid(count: int = 5) -> Tensor:
    """``count`` values of λ from end to end of the range, evenly spaced in log λ; five are the fixed-weight models'."""
    return log_grid(*LAM_RANGE, count)


def terms(model: nn.Module, batch: Batch, lam: Tensor) -> dict[str, Tensor]:
    """Both losses of each picture, unweighted.

    Args:
        model: a `ScaleHyperprior`.
        batch: pictures ``(B, 3, H, W)`` in [0, 1], H and W multiples of 64, whose latents are rounded; or, in training, such
            pictures and the noise of y and of z, see `ScaleHyperprior.forward`.
        lam: λ of each picture, ``(B,)``: what the model is told.

    Returns:
        ``{"rate", "distortion"}``, each ``(B,)``: bits per pixel, and squared grey levels.
    """
    pictures, *noise = (batch,) if isinstance(batch, Tensor) else batch
    out = model(pictures, lam, noise or None)
    return {
        "rate": (bits(out.y_likelihood) + bits(out.z_likelihood)) / pictures[0, 0].numel(),
        "distortion": squared_error(out.picture, pictures),
    }
