"""Where files stand: the checkout, the shipped checkpoints and records, the reader's data, cache and runs."""

from __future__ import annotations

import os
from pathlib import Path

from lossconditioning.errors import ReaderError

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The repository this package runs from, or None where it was installed from a wheel."""
    root = _PACKAGE.parent
    return root if _is_clone(root) else None


def _is_clone(root: Path) -> bool:
    return all((root / part).exists() for part in ("pyproject.toml", "notebooks", "lossconditioning/paths.py"))


def shipped(folder: str) -> Path:
    """A folder that ships with the project ("checkpoints", "records"): ``data/`` in a checkout, the package elsewhere."""
    root = checkout()
    return root / "data" / folder if root else _PACKAGE / "shipped" / folder


def data_cache() -> Path:
    """Where downloads go: ``$LOSSCONDITIONING_DATA``, else ``data/cache`` in a checkout, else ``~/.cache/lossconditioning``."""
    named = os.environ.get("LOSSCONDITIONING_DATA")
    if named:
        return Path(named).expanduser()
    root = checkout()
    return root / "data" / "cache" if root else Path.home() / ".cache" / "lossconditioning"


def in_words(path: Path) -> str:
    """A path as messages name it: from the clone on, where it is in the clone; else all of it."""
    root = checkout()
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else str(path)


def runs_folder() -> Path:
    """Where the notebooks keep what they train, wherever they are run from; an absolute path.

    ``$LOSSCONDITIONING_RUNS`` if that is set; else ``runs`` in the clone around the working directory; else in the clone that
    this package runs from; else, on Colab for instance, in the working directory.

    Raises:
        ReaderError: if none of these is there, for the working directory has been deleted.
    """
    named = os.environ.get("LOSSCONDITIONING_RUNS")
    if named:
        return Path(named).expanduser().absolute()
    try:
        here = Path.cwd()
    except FileNotFoundError:
        here = None
    around = next(filter(_is_clone, [here, *here.parents]), None) if here else None
    root = around or checkout() or here
    if root is None:
        raise ReaderError(
            "The working directory has been deleted, and no clone of the course is there; change to another."
        )
    return root / "runs"
