"""Files that survive: nested state in one safetensors file, written atomically, verified when read.

Tensors are stored as safetensors, everything else (step, learning rates, history, …) as JSON in the same file's header.
Nothing is ever unpickled. The header also holds a digest of all contents, so a truncated or edited file is refused, and
the name of what wrote it, so a foreign one is.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lossconditioning.errors import CheckpointError

FORMAT = "lossconditioning-1"


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Write a file so that a reader sees the old contents or the new, never half, whatever happens in between."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system can (POSIX)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_state(path: str | os.PathLike, state: dict[str, Any]) -> None:
    """Save a nested dictionary of tensors, numbers, strings, lists and dictionaries.

    Args:
        path: the file; its folder is made if missing.
        state: for instance ``{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 100}``.

    Raises:
        CheckpointError: for a value that is neither tensor nor JSON; it names where it stands.
        OSError: if the disk is full or read-only; the file that stood at ``path`` is then untouched.
    """
    tensors: dict[str, Tensor] = {}
    plain = _split(state, "", tensors)
    text = json.dumps(plain)
    header = {"format": FORMAT, "state": text, "digest": _digest(text, tensors)}
    write_atomically(path, save(tensors, metadata=header))


def load_state(path: str | os.PathLike, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Load what `save_state` saved, verified.

    Raises:
        CheckpointError: if the file is missing, truncated, edited, or was not written by `save_state`.
    """
    text, tensors = read_verified(path, device)
    return _join(json.loads(text), tensors)


def read_verified(path: str | os.PathLike, device: str | torch.device = "cpu") -> tuple[str, dict[str, Tensor]]:
    """The JSON text and the tensors of a checkpoint file, after checking format and digest."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a safetensors file ({error}). Delete it, or fetch it again."
        ) from None
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was not written by lossconditioning (format {header.get('format')!r}, not {FORMAT!r})."
        )
    text = header.get("state", "")
    if header.get("digest") != _digest(text, tensors):
        raise CheckpointError(
            f"{path} has been changed since it was written (its digest does not fit). Delete it, or fetch it again."
        )
    return text, {key: tensor.to(device) for key, tensor in tensors.items()}


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).clone().view(torch.uint8).numpy())
    return sha.hexdigest()


@functools.cache
def _storable(dtype: torch.dtype) -> bool:
    """Whether safetensors knows a dtype."""
    try:
        save({"empty": torch.empty(0, dtype=dtype)})
    except (KeyError, SafetensorError):
        return False
    return True


def _split(value: Any, where: str, tensors: dict[str, Tensor]) -> Any:
    """Copy a nested value with its tensors moved into ``tensors``, a reference left in their place."""
    if isinstance(value, Tensor):
        if value.layout != torch.strided or not _storable(value.dtype):
            raise CheckpointError(
                f"state{where} is a {value.layout} tensor of {value.dtype}, which safetensors does not store."
            )
        name = f"{len(tensors):05d}{where}"  # numbered, for two paths may read alike
        tensors[name] = value.detach().to("cpu").clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        odd = next((key for key in value if not isinstance(key, (str, int)) or isinstance(key, bool)), None)
        if odd is not None:
            raise CheckpointError(f"state{where} has the key {odd!r}; only strings and whole numbers can be keys.")
        # Optimizers key their state by integers, which JSON would turn into strings: pairs keep the type.
        return {"items": [[key, _split(item, f"{where}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_split(item, f"{where}/{i}", tensors) for i, item in enumerate(value)]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    raise CheckpointError(
        f"state{where} is a {type(value).__name__}, which can not be stored without pickle. Keep tensors, numbers, strings, "
        "lists and dictionaries in the state."
    )


def _join(value: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    (kind, content), *_ = value.items()
    rebuild: dict[str, Callable[[Any], Any]] = {
        "tensor": lambda name: tensors[name],
        "items": lambda pairs: {key: _join(item, tensors) for key, item in pairs},
        "list": lambda items: [_join(item, tensors) for item in items],
        "tuple": lambda items: tuple(_join(item, tensors) for item in items),
        "value": lambda plain: plain,
    }
    return rebuild[kind](content)
