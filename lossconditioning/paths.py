"""Where files stand: the checkout, the shipped checkpoints and records, the reader's data and cache."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The repository this package runs from, or None where it was installed from a wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


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
