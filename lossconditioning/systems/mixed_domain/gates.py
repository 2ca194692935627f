"""Which channels CCAMs let through under which S: Figure 10 of SGN."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import CCAM, Conditioned
from lossconditioning.errors import ReaderError
from lossconditioning.systems.mixed_domain.models import PLACES

CLOSED = 0.05
"""A channel of which less than this is let through counts as closed."""


@torch.no_grad()
def channel_gates(model: nn.Module, photograph: Tensor, lams: Sequence[tuple[float, ...]]) -> dict[str, Tensor]:
    """How far each channel is let through: place, of `PLACES` → ``(G, C)``, a row for each of G weights, between 0 and 1.

    Args:
        model: a network conditioned by CCAM.
        photograph: ``(3, H, W)`` in [0, 1].
        lams: S, three numbers each.

    Raises:
        ReaderError: if it is conditioned otherwise.
    """
    modules = list(model.conditioners.values()) if isinstance(model, Conditioned) else []
    if not modules or not all(isinstance(module, CCAM) for module in modules):
        raise ReaderError("Only CCAMs have gates: give a network with conditioning 'ccam'.")
    found: list[Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda gate, given: found.append(gate.gates(*given))) for module in modules
    ]
    try:
        model(photograph.expand(len(lams), -1, -1, -1), torch.tensor(lams))
    finally:
        for hook in hooks:
            hook.remove()
    return dict(zip(PLACES, found, strict=True))
