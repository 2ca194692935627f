r"""Where λ comes from: distributions over loss weights.

A loss-conditional network is trained on a distribution of losses instead of one loss: for every example, loss weights
λ ~ P_λ are drawn, fed to the network, and used to weigh the loss terms ("You Only Train Once", section 3, equation 2;
sym-parameters, section 3.1). P_λ is the *prior*.

Every prior here is a `torch.distributions.Distribution` with two additions:

- ``encode(lam)`` turns weights into the numbers a network likes to read: the logarithm where the prior is log-uniform,
  then standardised (mean 0, standard deviation 1 under the prior). A Dirichlet vector stays itself.
- ``sample(shape, stratified=True)`` spreads the draws of one batch evenly over the prior.

A scalar prior draws λ of shape ``(B,)``; a prior over K weights (vector arguments, or a Dirichlet) draws ``(B, K)``.
"""

from __future__ import annotations

import math
import warnings

import torch
from scipy.special import betaincinv
from torch import Tensor
from torch.distributions import constraints, transforms
from torch.distributions.utils import broadcast_all

from lossconditioning.errors import ReaderError, WeightWarning

__all__ = ["Choice", "Dirichlet", "Fixed", "LogUniform", "Prior", "Uniform"]


class Prior(torch.distributions.Distribution):
    """What all priors over loss weights share: encoding, stratified draws and the check against the support."""

    @property
    def code_size(self) -> int:
        """How many numbers ``encode`` makes of one λ: 1 for a scalar weight, K for a vector."""
        return math.prod((*self.batch_shape, *self.event_shape))

    @property
    def weight_shape(self) -> torch.Size:
        """Shape of one λ: ``()`` for a scalar weight, ``(K,)`` for a vector."""
        return self.batch_shape + self.event_shape

    def encode(self, lam: Tensor) -> Tensor:
        """Map weights to network input.

        Args:
            lam: weights, shape ``(..., *weight_shape)``.

        Returns:
            The code, shape ``(..., code_size)``, in the dtype of ``lam`` (integers become torch's default dtype).
        """
        self._fits(lam)
        lam = lam if lam.is_floating_point() else lam.to(torch.get_default_dtype())
        code = self._standardise(lam)
        return code if self.weight_shape else code.unsqueeze(-1)

    def _fits(self, lam: Tensor) -> None:
        expected = f"(B{''.join(f', {n}' for n in self.weight_shape)}{',' * (not self.weight_shape)})"
        if not isinstance(lam, Tensor) or lam.is_complex() or lam.dtype == torch.bool:
            given = f"one of {lam.dtype}" if isinstance(lam, Tensor) else f"the {type(lam).__name__} {lam!r:.60}"
            raise ReaderError(
                f"Loss weights are a tensor of real numbers, one λ per example, shape {expected}; got {given}. Make it one: "
                "torch.tensor([…])."
            )
        if lam.shape[lam.dim() - len(self.weight_shape) :] != self.weight_shape:
            raise ReaderError(
                f"Weights of shape {tuple(lam.shape)} do not fit this prior, which draws {tuple(self.weight_shape)} per "
                f"example; expected {expected}."
            )

    def _standardise(self, lam: Tensor) -> Tensor:
        constant = self.stddev <= 1e-6 * self.mean.abs()  # zero, but for rounding
        std = torch.where(constant, torch.ones_like(self.stddev), self.stddev)
        return (lam - self.mean.to(lam)) / std.to(lam)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = (), stratified: bool = False) -> Tensor:
        """Draw weights of shape ``(*sample_shape, *weight_shape)``, without gradient.

        With ``stratified=True`` the last axis of ``sample_shape`` is spread over that many equally probable strata, one
        draw in each, in random order. Every single draw still follows the prior; only the batch is more even than
        chance would have it. ``(B,)`` stratifies the batch, ``(B, D)`` the D draws of each example.
        """
        try:
            shape = torch.Size(sample_shape)
        except TypeError:
            shape = None
        if shape is None or any(n < 0 for n in shape):
            raise ReaderError(f"A prior is sampled in a shape, such as (B,) for a batch of B; got {sample_shape!r}.")
        with torch.no_grad():
            return self.icdf(self._strata(shape)) if stratified else self._draw(shape)

    def _draw(self, shape: torch.Size) -> Tensor:
        return self.rsample(shape)

    def _strata(self, shape: torch.Size) -> Tensor:
        """Uniform numbers, shape ``(*shape, *weight_shape)``, one per stratum of the last axis of ``shape``."""
        if not shape:
            raise ReaderError("Stratified sampling spreads a batch over the prior: give a shape such as (B,), not ().")
        full = shape + self.weight_shape
        axis = len(shape) - 1
        order = torch.rand(full).argsort(dim=axis)
        return (order + torch.rand(full, dtype=self.mean.dtype)) / shape[-1]

    def check(self, lam: Tensor, stacklevel: int = 2) -> None:
        """Warn (`WeightWarning`) about weights outside the support; raise `ReaderError` on NaN or infinity.

        ``stacklevel`` says whose line the warning names: 2 is the caller's, as in `warnings.warn`.
        """
        self._fits(lam)
        if not torch.isfinite(lam).all():
            raise ReaderError(f"Loss weights must be finite numbers; got {lam.tolist()}.")
        lam = lam.detach().to(self.mean)
        if self.support.check(lam).all():
            return
        nudged = (lam, lam * (1 - 1e-5), lam * (1 + 1e-5))  # an end of the range, rounded, is still in it
        if not torch.stack([self.support.check(near) for near in nudged]).any(dim=0).all():
            warnings.warn(
                f"Weights {[round(float(v), 4) for v in lam.flatten()[:8]]} lie outside the prior's support, "
                f"{self.describe_support()}: the network was not trained there and extrapolates.",
                WeightWarning,
                stacklevel=stacklevel,
            )

    def describe_support(self) -> str:
        """The support in words, for messages and axis labels."""
        low, high = self.support.lower_bound, self.support.upper_bound
        return f"[{_numbers(low)}, {_numbers(high)}]"


def _numbers(value: Tensor | float) -> str:
    values = torch.as_tensor(value).flatten().tolist()
    return ", ".join(f"{v:g}" for v in values) if len(set(values)) > 1 else f"{values[0]:g}"


def _as_tensor(name: str, value: object) -> Tensor:
    """``value`` in torch's default dtype, or a `ReaderError` that names it."""
    try:
        return torch.as_tensor(value, dtype=torch.get_default_dtype())
    except (RuntimeError, ValueError, TypeError) as error:
        raise ReaderError(f"{name} needs numbers, in a list or a tensor; got {value!r} ({error}).") from None


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


SPARSE = 0.01
"""Concentrations below it are drawn through `Dirichlet.icdf`."""


class Dirichlet(Prior, torch.distributions.Dirichlet):
    """λ on the simplex (non-negative, sum 1): the sym-parameter's prior (sym-parameters, section 3.1, equation 2).

    ``encode`` is the identity: the vector is its own code.

    Args:
        concentration: α, shape ``(K,)``, positive. Below 1 the corners (one loss alone) are drawn more often than the
            middle; the paper uses 0.5 for every entry.
    """

    def __init__(self, concentration: Tensor | list[float] | tuple[float, ...]):
        alpha = _as_tensor("Dirichlet", concentration)
        if alpha.dim() != 1 or len(alpha) < 2 or not bool((torch.isfinite(alpha) & (alpha > 0)).all()):
            raise ReaderError(f"Dirichlet needs K ≥ 2 positive concentrations, shape (K,); got {alpha.tolist()}.")
        super().__init__(alpha)

    def _draw(self, shape: torch.Size) -> Tensor:
        # torch's gamma variates underflow at small α: at 0.0001 four draws of five would be the exact centre (torch 2.12).
        if bool((self.concentration < SPARSE).any()):
            return self.icdf(torch.rand(shape + self.event_shape, dtype=self.mean.dtype))
        return super()._draw(shape)

    def _standardise(self, lam: Tensor) -> Tensor:
        return lam

    def icdf(self, value: Tensor) -> Tensor:
        """Map K uniform numbers to a simplex point by breaking a stick: each piece is a Beta share of what is left.

        The K-th number is not needed and ignored. Uses SciPy's inverse incomplete beta function on the CPU.
        """
        alpha = self.concentration.double()
        left = torch.ones(value.shape[:-1], dtype=torch.float64)
        pieces = []
        for k in range(len(alpha) - 1):
            u = value[..., k].double().cpu().numpy()
            share = torch.from_numpy(betaincinv(float(alpha[k]), float(alpha[k + 1 :].sum()), u))
            pieces.append(left * share)
            left = left * (1 - share)
        # As torch's own sampler does: the density at a component of exactly 0 may be infinite.
        return torch.stack([*pieces, left], dim=-1).to(value).clamp(min=torch.finfo(value.dtype).tiny)

    def describe_support(self) -> str:
        return f"{self.event_shape[0]} non-negative weights that sum to 1"


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
        self.values = _as_tensor("Choice", values)
        if self.values.dim() not in (1, 2) or self.values.numel() == 0 or not bool(torch.isfinite(self.values).all()):
            raise ReaderError(f"Choice needs finite values of shape (N,) or (N, K), N ≥ 1; got {self.values.tolist()}.")
        count = len(self.values)
        self.probs = torch.full((count,), 1 / count) if probs is None else _as_tensor("Choice", probs).to(self.values)
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
        super().__init__(_as_tensor("Fixed", value).unsqueeze(0))

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
