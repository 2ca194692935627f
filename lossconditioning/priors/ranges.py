"""Priors over ranges of loss weights: uniform, and uniform in the logarithm."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import constraints, transforms
from torch.distributions.utils import broadcast_all

from lossconditioning.errors import ReaderError
from lossconditioning.priors.prior import Prior


def log_grid(low: float, high: float, count: int) -> Tensor:
    """``count`` values from ``low`` to ``high``, both included, evenly spaced in the logarithm: float32 ``(count,)``."""
    return torch.logspace(math.log10(low), math.log10(high), count, dtype=torch.float64).float()


class Uniform(Prior, torch.distributions.Uniform):
    """λ uniform on [low, high]: the ablation of YOTO section 4.1.1.

    Args:
        low, high: bounds, numbers or vectors of shape ``(K,)``, low < high.

    Example:
        >>> Uniform(0.0, 2.0).encode(torch.tensor([1.0]))
        tensor([[0.]])
    """

    def __init__(self, low: float | Tensor, high: float | Tensor):
        low, high = _bounds("Uniform", low, high, lowest=-math.inf)
        super().__init__(low, high)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.low, self.high)

    def log_prob(self, value: Tensor) -> Tensor:
        # Both ends included: a draw may round to either, and torch's own density is zero at high.
        inside = self.support.check(value)
        return torch.where(inside, -(self.high - self.low).log(), -math.inf)


class LogUniform(Prior, torch.distributions.TransformedDistribution):
    """λ whose logarithm is uniform on [log low, log high]: YOTO's prior (section 3.1).

    Args:
        low, high: bounds, numbers or vectors of shape ``(K,)``, 0 < low < high.

    Example:
        >>> prior = LogUniform(0.5, 512.0)
        >>> prior.encode(torch.tensor([16.0]))          # the middle of the range on the log scale
        tensor([[0.]])
    """

    def __init__(self, low: float | Tensor, high: float | Tensor):
        self.low, self.high = _bounds("LogUniform", low, high, lowest=0.0)
        base = torch.distributions.Uniform(self.low.log(), self.high.log(), validate_args=False)
        super().__init__(base, transforms.ExpTransform())

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return self._moment(1).to(self.low)

    @property
    def variance(self) -> Tensor:
        return (self._moment(2) - self._moment(1) ** 2).clamp(min=0).to(self.low)

    def _moment(self, order: int) -> Tensor:
        """E[λⁿ], in float64, for the variance is a small difference of large numbers."""
        low, high = self.low.double(), self.high.double()
        return (high**order - low**order) / (order * (high / low).log())

    def log_prob(self, value: Tensor) -> Tensor:
        inside = self.support.check(value)
        return torch.where(inside, -value.log() - (self.high.log() - self.low.log()).log(), -math.inf)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        # exp(log(high)) can round to just above high, and log_prob would refuse the prior's own draw.
        return super().rsample(torch.Size(sample_shape)).clamp(self.low, self.high)

    def icdf(self, value: Tensor) -> Tensor:
        return super().icdf(value).clamp(self.low, self.high)

    def _standardise(self, lam: Tensor) -> Tensor:
        return (lam.log() - self.base_dist.mean.to(lam)) / self.base_dist.stddev.to(lam)


def _bounds(name: str, low: float | Tensor, high: float | Tensor, lowest: float) -> tuple[Tensor, Tensor]:
    try:
        low, high = broadcast_all(torch.as_tensor(low), torch.as_tensor(high))
    except (RuntimeError, ValueError, TypeError) as error:
        raise ReaderError(
            f"{name} needs numbers or vectors of one length; got low={low}, high={high} ({error})."
        ) from None
    dtype = low.dtype if low.dtype.is_floating_point else torch.get_default_dtype()
    low, high = low.to(dtype), high.to(dtype)
    if low.dim() > 1:
        raise ReaderError(
            f"{name}: one weight (numbers) or K weights (vectors) expected; got shape {tuple(low.shape)}."
        )
    if not bool((torch.isfinite(low) & torch.isfinite(high) & (low < high)).all()):
        raise ReaderError(f"{name} needs finite bounds with low < high; got low={low.tolist()}, high={high.tolist()}.")
    if bool((low <= lowest).any()):
        raise ReaderError(f"{name} needs low > {lowest:g}, for it draws the logarithm; got low={low.tolist()}.")
    return low, high
