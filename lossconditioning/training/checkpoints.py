"""Files that survive: nested state in one safetensors file, written atomically, verified when read.

Tensors are stored as safetensors, everything else (step, learning rates, history, …) as JSON in the same file's header.
Nothing is ever unpickled. The header also holds a digest of all contents, so a truncated or edited file is refused, and
the name of what wrote it, so a foreign one is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lossconditioning.errors import CheckpointError
from lossconditioning.training import locks
from lossconditioning.training.values import Tensors, join, split

FORMAT = "lossconditioning-1"
CAN_NOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS)
"""What file systems answer that do not know how to wait for the disk; anything else may mean that data is lost."""


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Write a file so that a reader sees the old contents or the new, never half, whatever happens in between.

    It is written beside its place first, into ``.NAME.partial``. What a killed process leaves of that is overwritten by the
    next one that writes the same file, and removed by `clear_partial`.
    """
    path = Path(path)
    try:
        temporary, descriptor = _temporary(path)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                _sync(file.fileno())
                if locks.fcntl:  # while it is held, so that nobody takes it for abandoned
                    os.replace(temporary, path)
            if not locks.fcntl:  # Windows does not move an open file
                os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename, error.filename2 = os.fspath(path), None  # what the reader asked for, not the hidden one
        raise
    _sync_folder(path.parent)


def clear_partial(folder: Path, name: str) -> None:
    """Remove what killed processes left half written of a folder's files; a live one's stays.

    Args:
        name: a pattern for the names of those files, ``step-*``.
    """
    for leftover in folder.glob(f".{name}.partial"):
        locks.clear(leftover)


def _temporary(path: Path) -> tuple[Path, int]:
    """An empty file beside a path, open and this call's alone; and its descriptor."""
    temporary = path.with_name(f".{path.name}.partial")
    if not locks.fcntl:
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody has just removed the folder, empty as it was
            descriptor = locks.opened(temporary, wait=True)
            if os.fstat(descriptor).st_size == 0:
                return temporary, descriptor
            temporary.unlink()  # a killed process's, whose mode may be another
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    """Wait until a file is on the disk, where the file system can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CAN_NOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system can; the file is whole, and in its place, also where it can not."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def described(state: Any, where: str = "state") -> tuple[str, Tensors]:
    """The JSON text and the tensors, not copied, that a nested value is stored as.

    Raises:
        CheckpointError: for what can not be stored; it names where it stands.
    """
    tensors: Tensors = {}
    try:
        return json.dumps(split(state, where, tensors)), tensors
    except RecursionError:
        raise CheckpointError(f"{where} contains itself, or is nested too deeply to be stored.") from None


def save_state(path: str | os.PathLike, state: dict[str, Any]) -> None:
    """Save a nested dictionary of tensors, numbers, strings, lists, sets and dictionaries; NumPy's arrays and numbers, too.

    All come back as the types they were, `collections.OrderedDict`, ``Counter``, ``defaultdict`` and ``deque`` included.

    Args:
        path: the file; its folder is made if missing.
        state: for instance ``{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 100}``.

    Raises:
        CheckpointError: for a value of any other type; it names where it stands.
        OSError: if the disk is full or read-only; the file that stood at ``path`` is then untouched.
    """
    text, tensors = described(state)
    tensors = {
        name: tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    header = {"format": FORMAT, "state": text, "digest": _digest(text, tensors)}
    write_atomically(path, save(tensors, metadata=header))


def load_state(path: str | os.PathLike, device: str | torch.device = "cpu", keys: Iterable[str] = ()) -> dict[str, Any]:
    """Load what `save_state` saved, verified.

    Args:
        keys: that the dictionary has to have.

    Raises:
        CheckpointError: if the file is missing, truncated, edited, was not written by `save_state`, or lacks one of the keys.
    """
    text, tensors = read_verified(path, device)
    try:
        state = join(json.loads(text), tensors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} holds no state that save_state wrote ({type(error).__name__}: {error}). Delete it, or fetch it again."
        ) from None
    missing = [key for key in keys if not isinstance(state, dict) or key not in state]
    if missing:
        found = ", ".join(map(str, state)) if isinstance(state, dict) else f"a {type(state).__name__}"
        raise CheckpointError(
            f"{path} lacks {', '.join(missing)}; it holds {found or 'nothing'}. Delete it, or give another file."
        )
    return state


def read_verified(path: str | os.PathLike, device: str | torch.device = "cpu") -> tuple[str, Tensors]:
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


def _digest(text: str, tensors: Tensors) -> str:
    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).clone().view(torch.uint8).numpy())
    return sha.hexdigest()
