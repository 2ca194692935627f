"""Conditional instance normalisation: a code sets the mean and spread of every channel.

How style networks are told which style to paint in (Dumoulin et al. 2017; Ghiasi et al. 2017), and, with λ in the code, under
which loss (YOTO, section 4.3).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.conditioning.conditioners import Conditioner
from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.tracing import traced


class ConditionalInstanceNorm(Conditioner):
    r"""Instance normalisation, then :math:`\sigma_k f_{ijk} + \mu_k` with σ and μ from a code.

    Unlike the other conditioners it changes what it is given: each channel is first brought to mean 0 and deviation 1.

    Args:
        hidden: width of a layer with ReLU between the code and the two affine maps (256 in YOTO's style transfer, A.3); None
            for the affine maps alone (Ghiasi et al.).
        eps: keeps constant channels finite.
    """

    def __init__(
        self, channels: int, code_size: int, channel_dim: int = 1, hidden: int | None = None, eps: float = 1e-5
    ):
        super().__init__(channels, code_size, channel_dim)
        if channel_dim != 1:
            raise ReaderError(
                "Instance normalisation takes features (B, C, H, W); a layer with its channels last has none."
            )
        self.eps = eps
        read = code_size
        self.shared = nn.Identity()
        if hidden is not None:
            read = positive_int("hidden", hidden)
            self.shared = nn.Sequential(nn.Linear(code_size, hidden), nn.ReLU())
        self.to_scale, self.to_shift = nn.Linear(read, channels), nn.Linear(read, channels)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """Features ``(B, C, H, W)`` under codes ``(B, code_size)``; the same shape."""
        refuse_what_has_no_spread(features, self.channels)
        shared = self.shared(code)
        sigma = self.spread(1 + self.to_scale(shared), features)  # (B, C, 1, 1)
        mu = self.spread(self.to_shift(shared), features)
        return normalised(features, sigma, mu, self.eps)


def refuse_what_has_no_spread(features: Tensor, channels: int) -> None:
    """Raise `ReaderError` unless features are ``(B, C, …)`` with two places or more, over which there is a deviation."""
    if features.dim() < 3 or features.shape[1] != channels or math.prod(features.shape[2:]) < 2:
        raise ReaderError(f"Features are (B, {channels}, H, W), of two places or more; got {tuple(features.shape)}.")


def normalised(features: Tensor, sigma: Tensor, mu: Tensor, eps: float) -> Tensor:
    """Every channel of every example at mean μ and deviation σ.

    Args:
        features: ``(B, C, …)``.
        sigma, mu: ``(B, C, 1, …)``.
        eps: added to the variance.
    """
    if traced() or not features.numel():
        return (sigma * _standardised(features, eps) + mu).to(features.dtype)
    # Instance normalisation is batch normalisation over B·C channels, each with a scale and shift of its own.
    flat = F.batch_norm(
        features.reshape(1, sigma.numel(), *features.shape[2:]),
        None,
        None,
        weight=sigma.reshape(-1).to(features.dtype),
        bias=mu.reshape(-1).to(features.dtype),
        training=True,
        eps=eps,
    )
    return flat.view(features.shape)


def _standardised(features: Tensor, eps: float) -> Tensor:
    """Every channel at mean 0 and deviation 1, by plain arithmetic, in single precision at least."""
    exact = features.to(torch.promote_types(features.dtype, torch.float32))
    places = tuple(range(2, features.dim()))
    centred = exact - exact.mean(places, keepdim=True)
    return centred * (centred.square().mean(places, keepdim=True) + eps).rsqrt()
