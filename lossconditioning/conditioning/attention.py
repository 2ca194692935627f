"""Conditional channel attention: λ and the features together say how far each channel is let through."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.conditioners import Conditioner
from lossconditioning.errors import positive_int
from lossconditioning.tracing import traced

_OPEN = 4.0
"""Logit of a gate that is nearly open: σ(4) = 0.98."""


class CCAM(Conditioner):
    r"""Conditional channel attention module: :math:`X \cdot \sigma(MLP_m([MLP_e(S), AvgPool(X)]))` (SGN, equation 5).

    AvgPool is the mean over all positions, so that features of any size will do, also sequences; features ``(B, C)`` are
    their own mean. MLP_e is a linear layer and ReLU, MLP_m goes from 2C over C / r to C, with ReLU between (SGN, Figure 4
    and Table 4; that MLP_e is one layer is in the public code). Every channel is multiplied by one number between 0 and 1,
    which depends on λ and on the features: a channel can be closed for one λ and open for another, which no bias can do
    (SGN, sections 5.3 and B.3).

    Stand it after a normalisation and its activation, as the paper does: an instance normalisation that reads its output
    channel by channel would take the gates out again.

    Args:
        reduction: r, by which the hidden layer is narrower than the features (4 in the paper).
        near_identity: start with all gates at about 0.98, for networks that are trained already. The paper's start at about
            0.5, so that, unlike the other conditioners, this one halves what it is given at step 0.
    """

    def __init__(
        self, channels: int, code_size: int, channel_dim: int = 1, reduction: int = 4, near_identity: bool = False
    ):
        super().__init__(channels, code_size, channel_dim)
        hidden = max(1, channels // positive_int("reduction", reduction))
        self.embed = nn.Sequential(nn.Linear(code_size, channels), nn.ReLU())  # MLP_e
        self.to_gate = nn.Sequential(nn.Linear(2 * channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))  # MLP_m
        if near_identity:
            nn.init.constant_(self.to_gate[-1].bias, _OPEN)

    def gates(self, features: Tensor, code: Tensor) -> Tensor:
        """How far each channel is let through: ``(B, C)`` between 0 and 1 (SGN, Figure 10)."""
        self.refuse_other_counts(features, code.shape[0])
        embedded = self.embed(code)  # (B, C)
        pooled = self._pool(features).to(embedded.dtype)  # (B, C)
        return self.to_gate(torch.cat([embedded, pooled], dim=1)).sigmoid()

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return features * self.spread(self.gates(features, code), features).to(features.dtype)

    def _pool(self, features: Tensor) -> Tensor:
        """The mean over positions, in single precision at least; 0 where there are none."""
        places = [axis for axis in range(1, features.dim()) if axis != self.channel_dim % features.dim()]
        if not places:
            return features
        if not traced() and not features.numel():
            return features.new_zeros(features.shape[0], self.channels)
        return features.mean(places, dtype=torch.promote_types(features.dtype, torch.float32))
