"""Finished networks that another one is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def lent(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Networks that may be moved and frozen: afterwards, however it ended, they are where they were, and as trainable."""
    before = [
        (network, next(network.parameters()).device, [p for p in network.parameters() if p.requires_grad])
        for network in networks
    ]
    try:
        yield
    finally:
        for network, device, trainable in before:
            network.to(device)
            for parameter in trainable:
                parameter.requires_grad_(True)
