"""Central biasing: λ in a bias that is added to features after their means have been taken out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.conditioners import Conditioner
from lossconditioning.conditioning.instance_norm import normalised, refuse_what_has_no_spread


class CentralBiasing(Conditioner):
    r"""Central biasing instance normalisation: :math:`IN(X) + \tanh(A S + a)` (Yu et al. 2018, arXiv 1806.10050).

    What SGN calls CBN and compares CCAM with (section 5.3, Figures 8 and 11). "Central" says what the bias is added to, not
    that it is centred itself: features whose offset the normalisation has taken out, so that what λ adds to a channel's mean
    is all there is of it. A code that is joined to the features before a normalisation is taken out with the offset
    (`Concatenation`). This is our reading of the authors' public code; the tanh keeps the bias within one deviation of the
    features.

    Args:
        normalise: whether to normalise, each channel of each example to mean 0 and deviation 1. False where the layer that this
            stands at is an instance normalisation itself: then the bias alone is added, to features of any shape.
        affine: scale and shift every channel afterwards, alike for all λ, as SingleGAN does, on which SGN's CBN is modelled.
        eps: keeps constant channels finite.
    """

    def __init__(
        self,
        channels: int,
        code_size: int,
        channel_dim: int = 1,
        normalise: bool = True,
        affine: bool = False,
        eps: float = 1e-5,
    ):
        super().__init__(channels, code_size, channel_dim)
        self.normalise, self.eps = normalise, eps
        self.to_bias = nn.Sequential(nn.Linear(code_size, channels), nn.Tanh())
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        mu = self.to_bias(code)  # (B, C)
        sigma = torch.ones_like(mu)
        if self.weight is not None:
            sigma, mu = self.weight * sigma, self.weight * mu + self.bias
        sigma, mu = self.spread(sigma, features), self.spread(mu, features)
        if not self.normalise:
            return (sigma * features + mu).to(features.dtype)
        features, sigma, mu = (part.movedim(self.channel_dim, 1) for part in (features, sigma, mu))
        refuse_what_has_no_spread(features, self.channels)
        return normalised(features, sigma, mu, self.eps).movedim(1, self.channel_dim)
