"""What an attempt at a batched call changes, and how to find out at once that it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Before:
    """Buffers and random numbers as they were before an attempt, which changes some of them before it fails."""

    def __init__(self, values: dict[str, Tensor]):
        self._buffers = {name: v.clone() for name, v in values.items() if not isinstance(v, nn.Parameter)}
        self._devices = {value.device for value in values.values() if value.device.type == "cuda"}
        self._random = torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in self._devices}

    @torch.no_grad()
    def restore(self, values: dict[str, Tensor]) -> None:
        for name, buffer in self._buffers.items():
            values[name].copy_(buffer)
        torch.set_rng_state(self._random[0])
        for device, state in self._random[1].items():
            torch.cuda.set_rng_state(state, device)


@contextlib.contextmanager
def without_hooks() -> Iterator[None]:
    """What a member's own hooks keep, as those of activation checkpointing, is batched where the backward pass is not.

    Hooks around the whole call are fine, and can not be turned off within.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(RuntimeError):
            stack.enter_context(torch.autograd.graph.disable_saved_tensors_hooks("hooks for saved tensors"))
        yield
