"""What a loss-conditional network is told: the code of λ, after λ has been looked at."""

from __future__ import annotations

import contextlib

from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.priors import Prior
from lossconditioning.tracing import exporting


def encoded(model: nn.Module, prior: Prior, lam: Tensor) -> Tensor:
    """The code ``(B, code_size)`` of the weights that a network's ``forward`` was called with; called there and nowhere else.

    Args:
        model: in evaluation mode, weights outside the prior are warned about, in the name of the line that calls it.
        lam: one λ per example, ``(B,)`` or ``(B, K)``.

    Raises:
        ReaderError: for weights of another shape, and in evaluation mode for those that have no code.
    """
    code = prior.encode(lam)
    if lam.dim() != 1 + len(prior.weight_shape):
        raise ReaderError(
            f"Weights of shape {tuple(lam.shape)} given; this prior takes one λ per example, "
            f"{('B', *prior.weight_shape)} (to use one λ for all, expand it to the batch)."
        )
    if not model.training and not exporting():
        with contextlib.suppress(RuntimeError):  # under vmap nothing can be looked at
            if lam.isfinite().all() and not code.isfinite().all():
                raise ReaderError(
                    f"Loss weights {lam.flatten()[:8].tolist()} can not be encoded for the network; expected weights within "
                    f"{prior.describe_support()}."
                )
            prior.check(lam, stacklevel=6)  # the line that calls the network
    return code
