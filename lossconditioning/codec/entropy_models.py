"""What a symbol costs: the two probability models of the scale hyperprior (Ballé et al. 2018, section 3 and appendix 6.1).

Both give the probability of the interval of width one around a value. In training the values carry uniform noise of that
width, so that the cost is differentiable; in use they are rounded, and the same formula is the probability of an integer.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.codec.gdn import lower_bound

LIKELIHOOD_MIN = 1e-9
SCALE_MIN = 0.11
"""Smallest standard deviation: below it, a rounded Gaussian is zero for all that matters."""


class FactorisedPrior(nn.Module):
    r"""A learned distribution per channel, for the hyper-latents ẑ.

    The cumulative is a composition :math:`c = \mathrm{sigmoid} \circ f_K \circ \dots \circ f_1` of small monotonic maps
    :math:`f_k(x) = g_k(H_k x + b_k)`, :math:`g_k(x) = x + a_k \odot \tanh(x)`, with H = softplus(Ĥ) > 0 and
    a = tanh(â) > −1; it can take any shape.

    Args:
        channels: N.
        hidden: widths between the maps.
        spread: how wide the distribution is at the start.

    Attributes:
        median: ``(N,)``, where the cumulative is one half, as of the last call of `find_medians`.
    """

    def __init__(self, channels: int, hidden: tuple[int, ...] = (3, 3, 3, 3), spread: float = 10.0):
        super().__init__()
        self.channels = channels
        widths = (1, *hidden, 1)
        gain = spread ** (1 / (len(hidden) + 1))
        self.matrices, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for narrow, wide in itertools.pairwise(widths):
            start = math.log(math.expm1(1 / gain / wide))
            self.matrices.append(nn.Parameter(torch.full((channels, wide, narrow), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, wide, 1).uniform_(-0.5, 0.5)))
        for width in hidden:
            self.factors.append(nn.Parameter(torch.zeros(channels, width, 1)))
        self.register_buffer("median", torch.zeros(channels))

    def logit(self, values: Tensor) -> Tensor:
        """The cumulative's logit at values ``(N, n)``, in their dtype: ``(N, n)``."""
        x = values.unsqueeze(1)  # (N, 1, n)
        for index, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            x = F.softplus(matrix.to(x.dtype)) @ x + bias.to(x.dtype)
            if index < len(self.factors):
                x = x + self.factors[index].to(x.dtype).tanh() * x.tanh()
        return x.squeeze(1)

    def likelihood(self, values: Tensor) -> Tensor:
        """Probability of the interval of width one around each value ``(B, N, H, W)``; same shape, at least 1e-9."""
        flat = values.transpose(0, 1).reshape(self.channels, -1)  # (N, B·H·W)
        lower, upper = self.logit(torch.cat([flat - 0.5, flat + 0.5], dim=1)).chunk(2, dim=1)
        # Where both ends are far out in the upper tail, their difference is taken in the lower one: no cancellation.
        sign = -(lower + upper).sign().detach()
        mass = ((sign * upper).sigmoid() - (sign * lower).sigmoid()).abs()
        shape = (self.channels, values.shape[0], *values.shape[2:])
        return lower_bound(mass, LIKELIHOOD_MIN).reshape(shape).transpose(0, 1)

    @torch.no_grad()
    def quantile(self, probability: float) -> Tensor:
        """Where each channel's cumulative takes a value, by bisection in float64: ``(N,)``."""
        wanted = math.log(probability / (1 - probability))
        low = torch.full((self.channels,), -1e5, dtype=torch.float64, device=self.median.device)
        high = -low
        for _ in range(64):
            middle = (low + high) / 2
            above = self.logit(middle[:, None])[:, 0] > wanted
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return (low + high) / 2

    def find_medians(self) -> None:
        """Set ``median``, around which ẑ is rounded in use; call it when training has ended."""
        self.median.copy_(self.quantile(0.5))

    def quantise(self, values: Tensor) -> Tensor:
        """Round ``(B, N, H, W)`` to whole steps from each channel's median."""
        median = self.median[:, None, None].to(values)
        return (values - median).round() + median


def gaussian_likelihood(values: Tensor, scale: Tensor, step: Tensor | float = 1.0) -> Tensor:
    r"""Probability of the interval of width Δ around each value, under a Gaussian of mean 0 and deviation σ.

    :math:`\Phi((y + \Delta/2)/\sigma) - \Phi((y - \Delta/2)/\sigma)`, with σ/Δ at least 0.11.

    Args:
        values: y, noisy or rounded to multiples of Δ.
        scale: σ, same shape.
        step: Δ, the quantisation step, broadcast against ``values``.

    Returns:
        same shape, at least 1e-9.
    """
    size, scale = values.abs() / step, lower_bound(scale / step, SCALE_MIN)
    # In units of Δ, on the negative side: there both terms are small, and their difference is exact.
    mass = _cumulative((0.5 - size) / scale) - _cumulative((-0.5 - size) / scale)
    return lower_bound(mass, LIKELIHOOD_MIN)


def _cumulative(x: Tensor) -> Tensor:
    return 0.5 * torch.erfc(-(2**-0.5) * x)


def bits(likelihood: Tensor) -> Tensor:
    """The ideal code length −log₂ p, summed over everything but the batch axis: ``(B,)``."""
    return -likelihood.log2().flatten(1).sum(1)
