"""Files that one process holds: the system lets go of them when it ends, however it ends, so none is ever stale.

Some network folders have no locks; there nothing is held, and nothing refused.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

ABANDONED = 3600
"""Seconds after which a half-written file is nobody's, where no lock can tell."""


class Held(Exception):
    """Somebody else holds the file; the message is what they wrote into it about themselves, or empty."""


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; afterwards the file is gone.

    Raises:
        Held: at once, if another process, or another part of this one, holds it.
        OSError: if it can not be made.
    """
    descriptor = opened(path)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    try:
        yield
    finally:
        if fcntl:  # while it is still held: later it may be somebody else's
            path.unlink(missing_ok=True)
        os.close(descriptor)
        if not fcntl:  # Windows keeps a file that is open
            with contextlib.suppress(OSError):
                path.unlink()


def opened(path: Path, wait: bool = False) -> int:
    """Open a file, made if missing, that is held until it is closed.

    Args:
        wait: for whoever holds it now, instead of raising `Held`.

    Returns:
        its descriptor, for reading and writing.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            if _lock(descriptor, wait) is False:
                raise Held(os.read(descriptor, 200).decode(errors="replace"))
            if _stands_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def clear(path: Path) -> None:
    """Remove a half-written file, unless somebody is writing it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            held = _lock(descriptor) if fcntl else None
            abandoned = time.time() - path.stat().st_mtime > ABANDONED if held is None else held
            if abandoned and fcntl and _stands_at(descriptor, path):
                path.unlink()
        finally:
            os.close(descriptor)
        if abandoned and not fcntl:
            path.unlink()


def _lock(descriptor: int, wait: bool = False) -> bool | None:
    """Whether the file is held now; None where there are no locks."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        else:
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # what stands before it can still be read by others
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        return False if isinstance(error, BlockingIOError) or not fcntl else None
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True


def _stands_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at a path: whoever held it before may have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
