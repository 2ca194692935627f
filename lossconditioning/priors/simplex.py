"""The prior over weights that sum to 1."""

from __future__ import annotations

import torch
from scipy.special import betaincinv
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.priors.prior import Prior, as_tensor

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
        alpha = as_tensor("Dirichlet", concentration)
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
