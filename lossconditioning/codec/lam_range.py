"""Which λ a codec takes: the range its model was trained on, and, with a warning, a factor of ten beyond."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from lossconditioning.errors import ReaderError, WeightWarning


@dataclass(frozen=True)
class LamRange:
    """The λ of one codec, and what is said of others.

    Attributes:
        trained: lowest and highest λ that the model was trained on.
    """

    trained: tuple[float, float]

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest λ that the codec takes."""
        return self.trained[0] / 10, self.trained[1] * 10

    def takes(self, lam: float) -> bool:
        """Whether λ, in single precision as a file holds it, lies within the limits."""
        return np.float32(self.limits[0]) <= lam <= np.float32(self.limits[1])

    def checked(self, lam: float) -> float:
        """λ as a file holds it; a `ReaderError` if it is no number, or none that the codec takes."""
        if not isinstance(lam, (int, float, np.floating)) or not self.takes(np.float32(lam)):
            (lowest, highest), (low, high) = self.limits, self.trained
            raise ReaderError(
                f"The weight is a number between {lowest:g} and {highest:g} (trained between {low:g} and {high:g}); got "
                f"{lam!r}."
            )
        return float(np.float32(lam))

    def warn(self, lam: float, stacklevel: int = 2) -> None:
        """Say so (`WeightWarning`) if λ lies outside the trained range; ``stacklevel`` as in `warnings.warn`."""
        low, high = self.trained
        if not low * (1 - 1e-6) <= lam <= high * (1 + 1e-6):  # an end of the range, rounded, is still in it
            warnings.warn(
                f"λ = {lam:.4g} lies outside the range from {low:g} to {high:g}: the model was not trained there and "
                "extrapolates.",
                WeightWarning,
                stacklevel=stacklevel + 1,
            )
