"""The Fréchet distance between sets of features, each taken as a normal distribution."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.finiteness import all_finite


class Gaussian(NamedTuple):
    """Normal distributions of C features, in double precision.

    Attributes:
        mean: ``(..., C)``.
        factor: ``(..., R, C)``, such that the covariance is factorᵀ factor; R is at most C.
    """

    mean: Tensor
    factor: Tensor


def gaussian(features: Tensor) -> Gaussian:
    """The normal distributions with the mean and the covariance (divided by N − 1) of sets of features ``(..., N, C)``.

    N may be smaller than C: a covariance that is not of full rank does no harm.

    Raises:
        ReaderError: for other shapes, fewer than two rows, or features that are not finite.
    """
    shape = tuple(features.shape)
    if len(shape) < 2 or shape[-2] < 2 or shape[-1] < 1:
        raise ReaderError(f"Features are (..., N, C), N at least 2; got {shape}.")
    features = all_finite("Features (N, C)", features.detach()).double()
    mean = features.mean(-2)
    centred = (features - mean[..., None, :]) / (shape[-2] - 1) ** 0.5
    return Gaussian(mean, torch.linalg.qr(centred, mode="r").R)  # of ARᵀ = QR no more than R is needed: AᵀA = RᵀR


def gaussian_of(mean: Tensor, covariance: Tensor) -> Gaussian:
    """Normal distributions by their means ``(..., C)`` and covariances ``(..., C, C)``.

    Raises:
        ReaderError: for shapes that do not fit, or a covariance that is not symmetric or has a negative eigenvalue.
    """
    if covariance.shape != (*mean.shape, mean.shape[-1]):
        raise ReaderError(
            f"A mean (..., C) has a covariance (..., C, C); got {tuple(mean.shape)} and {tuple(covariance.shape)}."
        )
    covariance = all_finite("A covariance", covariance.detach()).double()
    values, vectors = torch.linalg.eigh(covariance)
    slack = 1e-6 * covariance.diagonal(dim1=-2, dim2=-1).sum(-1).abs()
    if ((covariance - covariance.mT).abs().amax((-2, -1)) > slack).any() or (values[..., 0] < -slack).any():
        raise ReaderError("A covariance is symmetric and has no negative eigenvalue; this one has. Give torch.cov's.")
    return Gaussian(mean.detach().double(), values.clamp(min=0).sqrt()[..., None] * vectors.mT)


def distance(ours: Gaussian, theirs: Gaussian) -> Tensor:
    """Fréchet distance, squared as usual, between normal distributions: ``(...)``, double precision, at least 0.

        ‖μ − ν‖² + tr(Σ + Τ − 2 (Σ Τ)^½)

    of Heusel et al. 2017, section 1. Leading shapes broadcast.
    """
    if ours.mean.shape[-1] != theirs.mean.shape[-1]:
        raise ReaderError(
            f"Distributions of the same features are compared; got {ours.mean.shape[-1]} and {theirs.mean.shape[-1]}."
        )
    shift = (ours.mean - theirs.mean).square().sum(-1)
    spread = ours.factor.square().sum((-2, -1)) + theirs.factor.square().sum((-2, -1))
    # With Σ = AᵀA and Τ = BᵀB the trace of (ΣΤ)^½ is the sum of the singular values of ABᵀ.
    both = torch.linalg.svdvals(ours.factor @ theirs.factor.mT).sum(-1)
    return (shift + spread - 2 * both).clamp(min=0)


def frechet(ours: Tensor, theirs: Tensor) -> float:
    """Fréchet distance between two normal distributions that have the means and covariances of two sets of features.

    The formula is that of `distance`; Heusel et al. take the features from an Inception network. It grows where sets are small,
    so that only sets of one size compare.

    Args:
        ours, theirs: ``(N, C)``, as many of one as of the other.

    Raises:
        ReaderError: for sets of different sizes, or fewer than two rows.
    """
    if len(ours) != len(theirs) or len(ours) < 2:
        raise ReaderError(
            f"Two sets of one size, 2 or more, have a Fréchet distance; got {len(ours)} and {len(theirs)}."
        )
    return float(distance(gaussian(ours), gaussian(theirs)))
