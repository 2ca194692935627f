"""Generalised divisive normalisation, and the lower bound that keeps its parameters in range.

GDN is the activation of the transforms: every channel is divided by a weighted root mean square of all channels at the same
position, which makes the statistics of photographs nearly Gaussian (Ballé, Laparra and Simoncelli, "End-to-end optimized image
compression", 2017).
"""

from __future__ import annotations

import contextlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.forward_ad import _set_fwd_grad_enabled

from lossconditioning.tracing import traced

_PEDESTAL = 2.0**-36
"""Keeps the gradient of a squared parameter alive at zero."""
_BETA_MIN = 1e-6
_BLOCK = 8192
"""Positions that are normalised at a time without gradients: what they need stays in a core's cache."""


class _LowerBound(torch.autograd.Function):
    """In the form that is fast, and that compilers know."""

    @staticmethod
    def forward(ctx, values: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.bound = bound
        return values.clamp(min=bound)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        return gradient * ((values >= ctx.bound) | (gradient < 0)), None


class _TransformedLowerBound(_LowerBound):
    """In the form that `torch.func` knows."""

    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, bound: float) -> Tensor:
        return values.clamp(min=bound)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:
        values, ctx.bound = inputs
        ctx.save_for_backward(values)
        ctx.save_for_forward(values)

    @staticmethod
    def jvp(ctx, tangent: Tensor, _: None) -> Tensor:
        (values,) = ctx.saved_tensors
        with _set_fwd_grad_enabled(
            True
        ):  # PyTorch takes a jvp for constant, whose second forward derivative would be wrong
            return tangent * (values >= ctx.bound)


def lower_bound(values: Tensor, bound: float) -> Tensor:
    """max(values, bound); below the bound the gradient passes only if a step against it would move the value back up.

    A forward derivative (`torch.func.jvp`) knows of no step: it is that of the maximum.
    """
    if not torch.is_grad_enabled() or torch.jit.is_tracing():
        return values.clamp(min=bound)
    if torch.compiler.is_compiling():
        return _LowerBound.apply(values, bound)
    try:
        return _LowerBound.apply(values, bound)
    except RuntimeError:
        return _TransformedLowerBound.apply(values, bound)


class _Normalise(torch.autograd.Function):
    """x · (β + Γx²)^∓½ with half of the passes over the features that autograd would take, which on a CPU are what it costs."""

    @staticmethod
    def forward(ctx, features: Tensor, gamma: Tensor, beta: Tensor, inverse: bool) -> Tensor:
        flat = features.flatten(2)  # (B, C, H·W)
        energy = torch.baddbmm(beta[:, None], gamma.expand(len(flat), -1, -1), flat.square())
        root = energy.sqrt_() if inverse else energy.rsqrt_()
        ctx.save_for_backward(flat, root, features, gamma, beta)
        ctx.inverse = inverse
        return (flat * root).view(features.shape)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        flat, root, *inputs = ctx.saved_tensors
        if torch.is_grad_enabled():  # it will be differentiated: what it is made of has to lead back to the inputs
            return *_gradients(gradient, *inputs, ctx.inverse), None
        gamma, outer = inputs[1], gradient.reshape(flat.shape)
        energy = outer * flat  # becomes twice the gradient with respect to β + Γx²
        energy = energy.div_(root) if ctx.inverse else energy.mul_(root).mul_(root).mul_(root).neg_()
        inner = torch.bmm(gamma.T.expand(len(flat), -1, -1), energy).mul_(flat).addcmul_(outer, root)
        by_gamma = torch.bmm(energy, flat.square().transpose(1, 2)).sum(0) / 2
        return inner.view(gradient.shape), by_gamma, energy.sum((0, 2)) / 2, None


def _gradients(gradient: Tensor, features: Tensor, gamma: Tensor, beta: Tensor, inverse: bool) -> tuple[Tensor, ...]:
    """By features, Γ and β, as `_Normalise.backward`, of operations that can be differentiated in their turn."""
    flat = features.flatten(2)
    outer = gradient.reshape(flat.shape)
    squares = flat.square()
    energy = beta[:, None] + gamma @ squares
    root = energy.sqrt() if inverse else energy.rsqrt()
    by_energy = outer * flat * (0.5 / root if inverse else -0.5 * root / energy)
    inner = outer * root + 2 * flat * (gamma.T @ by_energy)
    return inner.view(features.shape), (by_energy @ squares.transpose(1, 2)).sum(0), by_energy.sum((0, 2))


def _normalise_in_blocks(features: Tensor, gamma: Tensor, beta: Tensor, inverse: bool) -> Tensor:
    """As `_Normalise`, without gradients: block by block, which takes two thirds of the time on large features."""
    flat = features.flatten(2)  # (B, C, H·W)
    out, gamma = torch.empty_like(flat), gamma.expand(len(flat), -1, -1)
    for part, into in zip(flat.split(_BLOCK, 2), out.split(_BLOCK, 2), strict=True):
        energy = torch.baddbmm(beta[:, None], gamma, part.square())
        torch.mul(part, energy.sqrt_() if inverse else energy.rsqrt_(), out=into)
    return out.view(features.shape)


class GDN(nn.Module):
    r"""Generalised divisive normalisation: :math:`y_i = x_i / \sqrt{\beta_i + \sum_j \gamma_{ij} x_j^2}`.

    β and γ are stored as square roots, so that they stay positive (Ballé et al. 2018, section 2).

    Args:
        channels: C.
        inverse: multiply instead of divide (IGDN, in the synthesis transform).
    """

    def __init__(self, channels: int, inverse: bool = False):
        super().__init__()
        self.inverse = inverse
        self.beta_root = nn.Parameter((torch.ones(channels) + _PEDESTAL).sqrt())
        self.gamma_root = nn.Parameter((0.1 * torch.eye(channels) + _PEDESTAL).sqrt())

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(B, C, H, W)`` to features of the same shape."""
        beta = lower_bound(self.beta_root, (_BETA_MIN + _PEDESTAL) ** 0.5).square() - _PEDESTAL
        gamma = lower_bound(self.gamma_root, _PEDESTAL**0.5).square() - _PEDESTAL
        # Compilers and exporters know plain operations only, and do them well.
        plain = traced() or features.device.type != "cpu"
        if not plain and not torch.is_autocast_enabled("cpu"):
            # Neither form is known to `torch.func` and to forward derivatives, which refuse them.
            with contextlib.suppress(RuntimeError):
                normalise = _Normalise.apply if torch.is_grad_enabled() else _normalise_in_blocks
                return normalise(features, gamma, beta, self.inverse)
        energy = F.conv2d(features.square(), gamma[:, :, None, None], beta)
        return features * (energy.sqrt() if self.inverse else energy.rsqrt())

    def extra_repr(self) -> str:
        return f"{len(self.beta_root)}, inverse={self.inverse}"
