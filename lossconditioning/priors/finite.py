"""Priors over a list of loss weights, or over one alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import constraints

from lossconditioning.errors import ReaderError
from lossconditioning.priors.prior import Prior, as_tensor


class Choice(Prior):
    """λ from a finite list, as in Dynamic-Net's two objectives.

    Args:
        values: the possible weights, shape ``(N,)`` for a scalar weight or ``(N, K)`` for vectors.
        probs: probability of each, shape ``(N,)``; equal if not given.

    ``encode`` standardises over the list; where all values agree it subtracts their common value.
    """

    arg_constraints = {}  # noqa: RUF012 - torch.distributions' own protocol
    has_rsample = False

    def __init__(self, values: Tensor | list, probs: Tensor | list[float] | None = None):
        self.values = as_tensor("Choice", values)
        if self.values.dim() not in (1, 2) or self.values.numel() == 0 or not bool(torch.isfinite(self.values).all()):
            raise ReaderError(f"Choice needs finite values of shape (N,) or (N, K), N ≥ 1; got {self.values.tolist()}.")
        count = len(self.values)
        self.probs = torch.full((count,), 1 / count) if probs is None else as_tensor("Choice", probs).to(self.values)
        if (
            self.probs.shape != (count,)
            or bool((self.probs < 0).any())
            or not math.isclose(self.probs.sum(), 1, abs_tol=1e-5)
        ):
            raise ReaderError(f"Choice needs {count} probabilities that sum to 1; got {self.probs.tolist()}.")
        super().__init__(event_shape=self.values.shape[1:], validate_args=False)

    @constraints.dependent_property
    def support(self):
        return _OneOf(self.values)

    @property
    def mean(self) -> Tensor:
        return torch.tensordot(self.probs, self.values, dims=1)

    @property
    def variance(self) -> Tensor:
        return torch.tensordot(self.probs, (self.values - self.mean) ** 2, dims=1)

    def _draw(self, shape: torch.Size) -> Tensor:
        return self.icdf(torch.rand(shape + self.weight_shape))

    def icdf(self, value: Tensor) -> Tensor:
        """The entry of the list at cumulative probability ``value``; a vector's first number decides."""
        first = value[..., 0] if self.event_shape else value
        index = torch.searchsorted(self.probs.cumsum(0), first.contiguous(), right=True)
        return self.values[index.clamp(max=len(self.values) - 1)]

    def log_prob(self, value: Tensor) -> Tensor:
        same = self.support.matches(value)
        return (same * self.probs).sum(-1).log()

    def describe_support(self) -> str:
        return f"one of {self.values.tolist()}"


class Fixed(Choice):
    """Always the same λ: the prior of a fixed-weight model, and the bridge between both worlds.

    Args:
        value: the weight, a number, or K weights of shape ``(K,)``.
    """

    def __init__(self, value: float | Tensor | list[float]):
        super().__init__(as_tensor("Fixed", value).unsqueeze(0))

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = (), stratified: bool = False) -> Tensor:
        """As of every prior; but random numbers drawn after it are what they would be without it."""
        with torch.random.fork_rng(devices=()):
            return super().sample(sample_shape, stratified)


class _OneOf(constraints.Constraint):
    """The constraint of a finite list, to single-precision rounding."""

    is_discrete = True

    def __init__(self, values: Tensor):
        self.values = values
        self.event_dim = values.dim() - 1

    def matches(self, value: Tensor) -> Tensor:
        """Which entry each value is, as booleans of shape ``(..., N)``."""
        event = value.dim() - self.event_dim
        same = torch.isclose(value.unsqueeze(event), self.values.to(value), rtol=1e-5, atol=1e-7)
        return same.flatten(event + 1).all(-1) if self.event_dim else same

    def check(self, value: Tensor) -> Tensor:
        return self.matches(value).any(-1)
