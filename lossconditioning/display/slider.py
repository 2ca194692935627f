"""A control at a panel for one number, usually a loss weight."""

from __future__ import annotations

import html
import math
import random
from dataclasses import dataclass
from numbers import Real

import ipywidgets as widgets

from lossconditioning.errors import ReaderError, positive_int


@dataclass(frozen=True)
class Slider:
    """One weight on a slider.

    Attributes:
        low, high: the range the network was trained on (the prior's support).
        value: where the slider starts.
        log: a logarithmic slider, for weights with a log-uniform prior.
        beyond: how far the slider goes past both ends, as a share of the range (of its logarithm, if ``log``). There the
            network extrapolates, and the panel says so.
        label: shown at the slider.
        steps: positions between low and high.
    """

    low: float
    high: float
    value: float
    log: bool = False
    beyond: float = 0.0
    label: str = ""
    steps: int = 100

    def __post_init__(self):
        for name in ("low", "high", "value", "beyond"):
            if not isinstance(getattr(self, name), Real):
                raise ReaderError(f"A slider's {name} is a number; got {getattr(self, name)!r}.")
        positive_int("steps", self.steps)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ReaderError(f"A slider needs finite low < high; got {self.low}, {self.high}.")
        if not 0 <= self.beyond < math.inf:
            raise ReaderError(f"beyond is a share of the range, 0 or more; got {self.beyond}.")
        if self.log and self.low <= 0:
            raise ReaderError(f"A log slider needs low > 0; got {self.low}.")
        first, last = self.ends
        if not first <= self.value <= last:
            raise ReaderError(f"A slider starts within its range [{first:g}, {last:g}]; got {self.value}.")

    @property
    def ends(self) -> tuple[float, float]:
        """First and last position, the extrapolated zone included."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        margin = self.beyond * (high - low)
        ends = low - margin, high + margin
        return tuple(map(math.exp, ends)) if self.log else ends

    def position(self, share: float) -> float:
        """The value at a share in [0, 1] of the trained range."""
        if self.log:
            return math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    # What a panel asks of its controls.

    def check(self, name: str, value: float) -> float:
        """A value set by program, if the slider reaches it."""
        first, last = self.ends
        if not (isinstance(value, Real) and _within(value, first, last)):
            raise ReaderError(f"Slider {name!r} goes from {first:g} to {last:g}; got {value!r}.")
        return value

    def key(self, value: float) -> float:
        """What tells one value from another."""
        return float(f"{value:.6g}")

    def note(self, name: str, value: float) -> str:
        """What the reader should know about a value, as HTML: that the network extrapolates there."""
        if _within(value, self.low, self.high):
            return ""
        label = html.escape(self.label or name)
        return f"<i>{label} lies outside the trained range [{self.low:g}, {self.high:g}]: extrapolated</i>"

    def positions(self, count: int) -> list[float]:
        """Values that show the trained range, for a film-strip."""
        return [self.position(i / max(1, count - 1)) for i in range(count)]

    def anywhere(self) -> float:
        """A value at random in the trained range, of its logarithm if ``log``."""
        return self.position(random.random())

    @property
    def _whole(self) -> bool:
        """Whether every position is a whole number."""
        step = (self.high - self.low) / self.steps
        return not self.log and float(step).is_integer() and float(self.low).is_integer()

    @property
    def _format(self) -> str:
        """How the value is printed: to the step's digits, so that rounding on the way to 0 does not show as 2.8e-17."""
        if self._whole:
            return ".0f"
        if self.log:
            return ".3g"
        digits = -math.log10((self.high - self.low) / self.steps)
        return f".{max(0, math.ceil(round(digits, 6)))}f"

    def widget(self, name: str, label_width: str = "initial") -> widgets.DOMWidget:
        """The ipywidgets slider, steerable by mouse and arrow keys."""
        first, last = self.ends
        options = dict(  # noqa: C408 - keyword names read better
            description=self.label or name,
            value=self.value,
            continuous_update=True,
            style={"description_width": label_width},
            readout_format=self._format,
            layout=widgets.Layout(width="100%", max_width="520px"),
        )
        if self.log:
            first, last = math.log10(first), math.log10(last)
            step = math.log10(self.high / self.low) / self.steps
            return widgets.FloatLogSlider(base=10, min=first, max=last, step=step, **options)
        return widgets.FloatSlider(min=first, max=last, step=(self.high - self.low) / self.steps, **options)


def _within(value: float, low: float, high: float) -> bool:
    return low - 1e-9 * abs(low) - 1e-12 <= value <= high + 1e-9 * abs(high) + 1e-12
