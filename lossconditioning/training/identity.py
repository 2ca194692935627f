"""What makes two trainings the same one, so that a checkpoint is continued by its own training alone.

Learning rates and the like stand in an optimizer's state, which a checkpoint overwrites: without a comparison, a run under
a new rate would go on under the old one, or hand back the old result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from lossconditioning.errors import CheckpointError
from lossconditioning.training.checkpoints import described

_GROUP = re.compile(r"\.param_groups\[\d+\]")
IMPLEMENTATION = ("params", "foreach", "fused", "capturable")
"""Entries of an optimizer's groups that say how it computes, or on what, but not what."""


def identity(seed: int, state: Mapping[str, Any]) -> dict[str, Any]:
    """A training as it begins, before a checkpoint is loaded: name → value.

    It holds the seed, the type of everything in the state that is no module, what optimizers were made with, and the settings
    of their groups and of schedulers. The number of steps is not in it: a training may be made longer where nothing depends on
    that number, and a schedule that does says so itself.
    """
    found: dict[str, Any] = {"seed": seed}
    for name, item in state.items():
        found[name] = "a module" if isinstance(item, nn.Module) else type(item).__name__
        if hasattr(item, "param_groups"):
            made_with = getattr(item, "defaults", {})
            found |= {f"{name}.{key}": value for key, value in made_with.items() if key not in IMPLEMENTATION}
        if hasattr(item, "param_groups") or isinstance(item, LRScheduler):
            found |= settings(name, item.state_dict())
    return {name: value for name, value in found.items() if _storable(value)}


def settings(name: str, saved: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in an optimizer's or a scheduler's state_dict: name → value."""
    if "param_groups" in saved:
        found = {}
        for number, group in enumerate(saved["param_groups"]):
            # A scheduler keeps the rate that it began with as initial_lr, and changes lr.
            ours = {
                k: v for k, v in group.items() if k not in IMPLEMENTATION and (k != "lr" or "initial_lr" not in group)
            }
            found |= {f"{name}.param_groups[{number}].{key}": value for key, value in ours.items()}
        return found
    found = {f"{name}.{key}": value for key, value in saved.items() if not key.startswith("_")}
    for number, part in enumerate(saved.get("_schedulers", ())):  # of a schedule of schedules
        found |= settings(f"{name}[{number}]", part)
    return found


def compare(file: Path, saved: Mapping[str, Any], config: Mapping, here: Mapping[str, Any], state: Mapping) -> None:
    """Refuse another training's checkpoint, before anything of it is loaded.

    Args:
        saved: what the file holds.
        config, here, state: of the training that would continue from it; ``here`` is its `identity`.

    Raises:
        CheckpointError: naming what differs.
    """
    there = saved["config"]
    differ = [n for n in {*there, *config} if n not in there or n not in config or not same(there[n], config[n])]
    if differ:
        raise CheckpointError(f"{file} belongs to another configuration: {said(differ, there, config)}.")
    there, reached = saved.get("identity", {}), {}  # earlier versions kept none
    for name, item in saved["state"].items():
        reached |= settings(name, item) if isinstance(item, Mapping) else {}
    differ = differences(there, here, reached)
    if differ:
        raise CheckpointError(f"{file} belongs to another training: {said(differ, there, here)}.")
    for name, item in state.items():
        now = item.state_dict() if isinstance(item, nn.Module) else {}
        for key, tensor in now.items():
            was = saved["state"][name].get(key, tensor)
            if isinstance(tensor, Tensor) and isinstance(was, Tensor) and was.dtype != tensor.dtype:
                raise CheckpointError(f"{file}: {name} does not fit ({key} is {was.dtype} there, {tensor.dtype} here).")


def differences(there: Mapping[str, Any], here: Mapping[str, Any], reached: Mapping[str, Any]) -> list[str]:
    """In what a training differs from the one that a checkpoint was saved by; nothing if it is the same.

    Args:
        there, here: their identities. What only one of them has is another version's, and does not count.
        reached: the saved training's settings at the checkpoint. What had changed by then changes in training; a cell that
            is run again begins with whatever it had become.
    """
    stepped = {  # in this process before: the same object, so that its settings are those it began with
        name.removesuffix("last_epoch")
        for name in there
        if name.endswith(".last_epoch") and not same(there[name], here.get(name))
    }
    differ = [
        name
        for name in there
        if name in here
        and not same(there[name], here[name])
        and (name not in reached or same(there[name], reached[name]))
        and not any(name.startswith(prefix) for prefix in stepped)
    ]
    # What an optimizer was made with is its groups', too; once is enough.
    return [name for name in differ if _GROUP.sub("", name) == name or _GROUP.sub("", name) not in differ]


def said(names: list[str], there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Differences in words."""
    values = [
        (name, *(repr(side[name]) if name in side else "not set" for side in (there, here))) for name in sorted(names)
    ]
    return "; ".join(f"{name} is {theirs} there, {ours} here" for name, theirs, ours in values)


def same(one: Any, other: Any) -> bool:
    """Whether two nested values are equal; nan is equal to nan."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        one, other = (value.detach().cpu().to_dense() for value in (one, other))  # sparse ones have no comparison
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes() and one.shape == other.shape
    if isinstance(one, Tensor | np.ndarray) or isinstance(other, Tensor | np.ndarray):
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    for kind in (list, tuple):
        if isinstance(one, kind) and isinstance(other, kind):
            return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other) or bool(one != one and other != other)


def _storable(value: Any) -> bool:
    try:
        described(value)
    except CheckpointError:
        return False
    return True
