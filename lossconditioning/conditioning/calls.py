"""What belongs to one call of a network: the weights it was called with, which layers deep inside have to find.

They are kept by thread, so that two threads may call one network under two λ, and by network, so that one may hold another.
Activation checkpointing runs a part of a call again in the backward pass: it is given back what the call knew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch.utils.checkpoint
from torch import nn
from torch.utils.hooks import RemovableHandle


class _Calls(threading.local):
    """The calls under way in a thread: `Site` → its weights, and the model, which must not go before its backward pass.

    The mapping is replaced, never changed.
    """

    def __init__(self):
        self.now: Mapping[Site, tuple[Any, nn.Module]] = {}
        self.again = False  # whether a checkpoint runs a part of a call again


CALLS = _Calls()


class Site:
    """Where one conditioning, or set of blocks, stands in a network: its hooks, and the key of what they are called with.

    Attributes:
        hooks: layer's name → its hook.
        stands: whether they have not been taken off.
    """

    def __init__(self):
        self.hooks: dict[str, RemovableHandle] = {}
        self.stands = True

    def remove(self) -> None:
        """Take all hooks off."""
        self.stands = False
        for hook in self.hooks.values():
            hook.remove()
        self.hooks.clear()


def sites(network: nn.Module, kind: type) -> list[Site]:
    """The sites of hooks of one kind on a network's layers, each once."""
    hooks = (hook for layer in network.modules() for hook in layer._forward_hooks.values())
    return list(dict.fromkeys(hook.site for hook in hooks if isinstance(hook, kind)))


def forgotten() -> bool:
    """Whether a layer is run again, in a backward pass, by something that does not know what it was called with."""
    if torch.compiler.is_compiling():
        return False
    return not CALLS.again and torch._C._current_graph_task_id() != -1


def remember_in_checkpoints() -> None:
    """Let what `torch.utils.checkpoint` runs again find what the call knew; without effect from the second time on.

    PyTorch offers no hook for this where the reader, not we, writes the checkpoint. Both of its ways are passed the function
    that is run again as their first argument; it is wrapped, and nothing else changes.
    """
    module = torch.utils.checkpoint
    if hasattr(module.CheckpointFunction, "remembers") or not hasattr(
        module, "_checkpoint_without_reentrant_generator"
    ):
        return
    plain, generator = module.CheckpointFunction, module._checkpoint_without_reentrant_generator

    class CheckpointFunction(plain):
        remembers = True

        @classmethod
        def apply(cls, function: Callable, *args: Any) -> Any:
            return plain.apply(_remembering(function), *args)

    def without_reentrant(function: Callable, *args: Any, **options: Any) -> Any:
        return generator(_remembering(function), *args, **options)

    module.CheckpointFunction = CheckpointFunction
    module._checkpoint_without_reentrant_generator = without_reentrant


def _remembering(function: Callable) -> Callable:
    known = CALLS.now

    def again(*args: Any, **options: Any) -> Any:
        before = CALLS.now, CALLS.again
        CALLS.now, CALLS.again = known, True
        try:
            return function(*args, **options)
        finally:
            CALLS.now, CALLS.again = before

    return again
