"""Gradients in flight: what has been accumulated, and not yet stepped on, is part of a run's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def gradients(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The gradients of all parameters of the modules and optimizers in a state, by name; those that are None left out."""
    return {name: p.grad for name, p in _parameters(state).items() if p.grad is not None}


@torch.no_grad()
def restore_gradients(state: Mapping[str, Any], saved: Mapping[str, Tensor]) -> None:
    """Give all parameters the gradients they had, and those without any None."""
    for name, parameter in _parameters(state).items():
        there = saved.get(name)
        if there is None:
            parameter.grad = None
        elif there.is_sparse:
            parameter.grad = there.to(parameter.device)
        else:  # laid out in memory as autograd does, for the order of a sum depends on it
            parameter.grad = torch.empty_like(parameter, dtype=there.dtype).copy_(there)


def _parameters(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Each parameter once, under the name where it comes first; the frozen ones, too, which may still be stepped."""
    found, seen = {}, set()
    for name, item in state.items():
        for key, parameter in _named(item):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found[f"{name}/{key}"] = parameter
    return found


def _named(item: Any) -> Iterable[tuple[Any, Tensor]]:
    if isinstance(item, nn.Module):
        return item.named_parameters()
    if hasattr(item, "param_groups"):
        return enumerate(parameter for group in item.param_groups for parameter in group["params"])
    return ()
