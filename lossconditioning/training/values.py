"""Nested values as JSON and tensors, and back: whatever comes back has the type it had; what could not is refused.

Each value is a dictionary of one tag and its content, ``{"list": […]}``, so that a tuple does not become a list, nor a
scheduler's Counter a dictionary. Nothing is ever unpickled: the types are those listed here.
"""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from lossconditioning.errors import CheckpointError

Tensors = dict[str, Tensor]

PLAIN = (bool, int, float, str, type(None))
SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "size": torch.Size}
MAPPINGS = {"items": dict, "ordered": OrderedDict, "counter": Counter}
FACTORIES = {kind.__name__: kind for kind in (bool, int, float, str, list, tuple, set, dict)}
"""What a defaultdict that comes back can make its missing values with."""


def split(value: Any, where: str, tensors: Tensors) -> dict[str, Any]:
    """Describe a nested value as JSON can hold it, its tensors moved into ``tensors``, a reference left in their place.

    Args:
        where: what the value is called, for messages: ``state/optimizer``.
        tensors: name → tensor, added to; those of the value itself, not copies.

    Raises:
        CheckpointError: for a value that could not come back as it is; it names where it stands.
    """
    kind = type(value)
    if isinstance(value, Tensor):
        return _split_tensor(value, where, tensors)
    if kind in PLAIN:
        return {"value": value}
    if isinstance(value, np.generic | np.ndarray):
        return _split_numpy(value, where, tensors)
    if kind is deque:
        return {"deque": [value.maxlen, split(list(value), where, tensors)]}
    if kind is defaultdict and (value.default_factory is None or value.default_factory in FACTORIES.values()):
        name = value.default_factory and value.default_factory.__name__
        return {"defaultdict": [name, _pairs(value, where, tensors)]}
    for name, known in SEQUENCES.items():
        if kind is known:
            # A set has no order of its own; the same set gives the same file.
            members = sorted(value, key=repr) if name in ("set", "frozenset") else value
            return {name: [split(item, f"{where}/{i}", tensors) for i, item in enumerate(members)]}
    for name, known in MAPPINGS.items():
        if kind is known:
            found = {name: _pairs(value, where, tensors)}
            if hasattr(value, "_metadata"):  # of a module's state_dict: the versions of its layers' formats
                found["metadata"] = split(value._metadata, f"{where}/_metadata", tensors)
            return found
    raise CheckpointError(
        f"{where} is a {kind.__name__}, which can not be stored without pickle. Keep tensors, numbers, strings, lists and "
        "dictionaries there."
    )


def join(value: dict[str, Any], tensors: Tensors) -> Any:
    """The inverse of `split`."""
    (kind, content), *more = value.items()
    if kind in SEQUENCES:
        return SEQUENCES[kind](join(item, tensors) for item in content)
    if kind in MAPPINGS:
        found = MAPPINGS[kind](_joined(content, tensors))
        for _, metadata in more:
            found._metadata = join(metadata, tensors)
        return found
    rebuild: dict[str, Callable[[Any], Any]] = {
        "tensor": lambda name: tensors[name],
        "sparse": lambda parts: _sparse(*(join(part, tensors) for part in parts)),
        "value": lambda plain: plain,
        "numpy": lambda parts: np.dtype(parts[0]).type(parts[1]),
        "array": lambda name: tensors[name].cpu().numpy(),
        "deque": lambda parts: deque(join(parts[1], tensors), parts[0]),
        "defaultdict": lambda parts: defaultdict(FACTORIES.get(parts[0]), _joined(parts[1], tensors)),
    }
    if kind not in rebuild:
        raise CheckpointError(f"The checkpoint holds a {kind}, which this version does not know. Use a newer one.")
    return rebuild[kind](content)


def _pairs(value: dict, where: str, tensors: Tensors) -> list:
    """A dictionary as pairs, for JSON's own keys are strings: optimizers have integers, MultiStepLR may have NumPy's."""
    for key in value:
        if type(key) not in PLAIN and not isinstance(key, np.generic):
            raise CheckpointError(f"{where} has the key {key!r}; only strings, numbers and None can be keys.")
    return [
        [split(key, where, tensors) if isinstance(key, np.generic) else key, split(item, f"{where}/{key}", tensors)]
        for key, item in value.items()
    ]


def _joined(pairs: list, tensors: Tensors) -> dict:
    return {join(key, tensors) if isinstance(key, dict) else key: join(item, tensors) for key, item in pairs}


def _split_tensor(value: Tensor, where: str, tensors: Tensors) -> dict[str, Any]:
    if value.layout == torch.sparse_coo:  # as an embedding's gradient may be
        parts = (value._indices(), value._values(), tuple(value.shape), value.is_coalesced())
        return {"sparse": [split(part, where, tensors) for part in parts]}
    if value.layout != torch.strided or not _storable(value.dtype):
        raise CheckpointError(f"{where} is a {value.layout} tensor of {value.dtype}, which safetensors does not store.")
    name = f"{len(tensors):05d}/{where}"  # numbered, for two paths may read alike
    tensors[name] = value
    return {"tensor": name}


def _sparse(indices: Tensor, values: Tensor, shape: tuple[int, ...], coalesced: bool) -> Tensor:
    return torch.sparse_coo_tensor(indices, values, shape, is_coalesced=coalesced, check_invariants=True)


def _split_numpy(value: np.generic | np.ndarray, where: str, tensors: Tensors) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and type(value) is np.ndarray:
        try:
            tensor = torch.from_numpy(np.array(value, order="C"))
        except (TypeError, ValueError):
            tensor = None
        if tensor is not None and _storable(tensor.dtype):
            return {"array": _split_tensor(tensor, where, tensors)["tensor"]}
    elif isinstance(value, np.str_):
        return {"numpy": ["str", str(value)]}
    elif isinstance(value, np.bool_ | np.integer | np.floating) and value.dtype.itemsize <= 8:
        return {"numpy": [value.dtype.name, value.item()]}
    raise CheckpointError(
        f"{where} is a {type(value).__name__} of {value.dtype}, which can not be stored. Keep Python's own numbers and "
        "strings there, or tensors."
    )


@functools.cache
def _storable(dtype: torch.dtype) -> bool:
    """Whether safetensors knows a dtype."""
    try:
        save({"empty": torch.empty(0, dtype=dtype)})
    except (KeyError, SafetensorError):
        return False
    return True
