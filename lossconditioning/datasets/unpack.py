"""A folder out of an archive, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from lossconditioning.errors import ReaderError


def unpack(packed: Path, inner: str, target: Path) -> Path:
    """Unpack a tar or zip archive, and put one folder of it in place.

    It is unpacked aside and then renamed: what stands in its place is whole. What a killed process left is removed, and what
    stood there before is replaced.

    Args:
        packed: the archive.
        inner: path of the wanted folder inside it.
        target: where that folder is to stand.

    Raises:
        ReaderError: if there is no room, or the archive is another one.
    """
    aside = _aside(target)
    clear(target)
    try:
        if zipfile.is_zipfile(packed):
            with zipfile.ZipFile(packed) as archive:
                archive.extractall(aside)  # nothing outside of the folder, no links
        else:
            with tarfile.open(packed) as archive:
                archive.extractall(aside, filter="data")  # nothing outside of the folder, no links out of it
        if not (aside / inner).is_dir():
            raise tarfile.TarError(f"it has no folder {inner}")
        if target.exists():
            os.replace(target, aside / "damaged")
        os.replace(aside / inner, target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise ReaderError(
            f"{packed} is not the archive it should be ({error}). Delete it, and fetch it again."
        ) from None
    except OSError as error:
        raise ReaderError(
            f"{packed} could not be unpacked into {target.parent} ({error.strerror or error}). It is whole: free some space or "
            "make the folder writable, and run this again."
        ) from None
    finally:
        clear(target)
    return target


def clear(target: Path) -> None:
    """Remove what a killed process left of unpacking a folder, the folder that it replaced among it."""
    shutil.rmtree(_aside(target), ignore_errors=True)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")
