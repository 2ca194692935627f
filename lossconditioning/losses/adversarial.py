"""Least-squares adversarial losses of each example, for discriminators that score a picture patch by patch.

The discriminator is asked for 1 where a picture is real and 0 where it is made; the network, that its pictures get 1 (LSGAN,
Mao et al. 2017, equation 9; SGN, appendix A.2). Terms, as everywhere: unweighted, one number per example.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError


def lsgan_generator(scores: Tensor) -> Tensor:
    """How far a discriminator is from taking what a network makes for real: mean over patches of (D(G(x)) − 1)².

    Args:
        scores: of what was made, ``(B, …)``, such as a patch discriminator's ``(B, 1, h, w)``; any numbers, no sigmoid.

    Returns:
        ``(B,)``, in single precision at least.
    """
    return _distance(scores, 1.0)


def lsgan_discriminator(real: Tensor, made: Tensor) -> dict[str, Tensor]:
    """How far a discriminator is from telling pictures apart: mean over patches of (D(y) − 1)² and of D(G(x))².

    Under loss weights each example's two counts are weighted as the network's adversarial loss of that example is (SGN,
    equation 4; in the public code ½ times, and a real picture with the weight of the made one beside it).

    Args:
        real: scores of real pictures, ``(B, …)``.
        made: scores of what a network made, without its gradient, ``(B, …)``.

    Returns:
        "real" and "fake", each ``(B,)``, in single precision at least.
    """
    return {"real": _distance(real, 1.0), "fake": _distance(made, 0.0)}


def _distance(scores: Tensor, target: float) -> Tensor:
    if not isinstance(scores, Tensor) or scores.dim() == 0 or not scores.is_floating_point():
        given = f"{scores.dtype} {tuple(scores.shape)}" if isinstance(scores, Tensor) else type(scores).__name__
        raise ReaderError(
            f"A discriminator's scores are floating-point numbers, (B, …), one or more a picture; got {given}."
        )
    squares = (scores.to(torch.promote_types(scores.dtype, torch.float32)) - target).square()
    return squares.flatten(1).mean(1) if squares.dim() > 1 else squares
