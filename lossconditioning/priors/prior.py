"""What all priors over loss weights share."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, WeightWarning


class Prior(torch.distributions.Distribution):
    """Encoding, stratified draws and the check against the support."""

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


def as_tensor(name: str, value: object) -> Tensor:
    """``value`` in torch's default dtype, or a `ReaderError` that names it."""
    try:
        return torch.as_tensor(value, dtype=torch.get_default_dtype())
    except (RuntimeError, ValueError, TypeError) as error:
        raise ReaderError(f"{name} needs numbers, in a list or a tensor; got {value!r} ({error}).") from None
