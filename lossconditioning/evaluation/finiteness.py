"""Only finite numbers can be compared: what diverged is named before it can be the best, or be passed over."""

from __future__ import annotations

from torch import Tensor

from lossconditioning.errors import ReaderError


def all_finite(what: str, values: Tensor) -> Tensor:
    """Return ``values`` if every one is a finite number.

    Args:
        what: what they are, in words, to begin a sentence with.

    Raises:
        ReaderError: naming the first that is NaN or infinite, and its place.
    """
    found = values.isfinite()
    if not bool(found.all()):
        places = (~found).nonzero().tolist()
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        raise ReaderError(
            f"{what} must be finite numbers to be compared; got {float(values[tuple(places[0])])} at index "
            f"{', '.join(map(str, places[0])) or 0}{more} (a network that diverged?)."
        )
    return values
