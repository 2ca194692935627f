"""What goes wrong in a reader's hands, said so that they can mend it: what was given, what is expected, what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Real


class ReaderError(ValueError):
    """A mistake in an argument, a file or a setting. The command line prints it as one line and exits with status 2."""


class CheckpointError(ReaderError):
    """A checkpoint that is damaged, or that belongs to something else."""


class WeightWarning(UserWarning):
    """Loss weights outside the prior a network was trained on: it answers, but by extrapolation."""


def one_of(kind: str, given: object, known: Iterable[str]) -> str:
    """Return ``given`` if it is one of the ``known`` names of a ``kind``.

    Raises:
        ReaderError: naming what was given, the closest known name if there is one, and all known names.
    """
    names = [str(name) for name in known]
    if given in names:
        return str(given)
    close = difflib.get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ReaderError(f"There is no {kind} {given!r}.{hint} Known: {', '.join(names) or 'none'}.")


def positive_int(name: str, value: object) -> int:
    """Return ``value`` as an int if it is a whole number of at least 1, else raise ``ReaderError``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ReaderError(f"{name} must be a whole number of at least 1; got {value!r}.")
    return value


def positive(name: str, value: object) -> float:
    """Return ``value`` if it is a finite number above 0, else raise ``ReaderError``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise ReaderError(f"{name} is a positive number; got {value!r}.")
    return value
