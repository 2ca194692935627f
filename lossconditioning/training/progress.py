"""A progress bar for terminals, notebooks and log files.

Plain text on stderr everywhere. (The widget bar of ``tqdm.auto`` is prettier in a live notebook, but a saved notebook
keeps nothing of it.) Where nobody watches, in a log file or under CI, it reports every 30 seconds instead of flooding.
"""

from __future__ import annotations

import sys

from tqdm import tqdm


def watched() -> bool:
    """Whether somebody is likely to look at stderr as it is written: a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def report_interval() -> float:
    """Seconds between two updates of a bar."""
    return 0.2 if watched() else 30.0


def progress_bar(total: int, label: str = "", unit: str = "step", initial: int = 0, show: bool = True) -> tqdm:
    """A tqdm bar that redraws at most five times a second, or every 30 seconds where nobody watches."""
    return tqdm(
        total=total,
        initial=initial,
        desc=label or None,
        unit=unit,
        unit_scale=unit == "B",
        mininterval=report_interval(),
        maxinterval=60.0,
        miniters=1,
        dynamic_ncols=sys.stderr.isatty(),
        ncols=None if sys.stderr.isatty() else 96,
        file=sys.stderr,
        disable=not show,
    )
