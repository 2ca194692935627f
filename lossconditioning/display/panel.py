"""Slider panels: a picture that follows the sliders.

A panel is ``explore(render, …)``: sliders in, a picture out. The picture is an ``Image`` widget whose bytes are replaced,
so nothing flickers. Moves that arrive while a picture is being made collapse into the last one; recent pictures are kept.
A panel also carries a film-strip over its first slider, which is what a saved notebook shows where no kernel runs.
"""

from __future__ import annotations

import asyncio
import html
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure

from lossconditioning.display.figures import film_strip, png
from lossconditioning.errors import ReaderError, one_of

Readouts = Mapping[str, float | str]
Rendered = bytes | Figure | tuple[bytes | Figure, Readouts]

_CACHED = 128  # pictures kept per panel
_SETTLE = 0.005  # seconds in which further moves may still arrive before a picture is made


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
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ReaderError(f"A slider needs finite low < high; got {self.low}, {self.high}.")
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

    def widget(self, name: str) -> widgets.DOMWidget:
        """The ipywidgets slider, steerable by mouse and arrow keys."""
        first, last = self.ends
        options = dict(  # noqa: C408 - keyword names read better
            description=self.label or name,
            value=self.value,
            continuous_update=True,
            readout_format=".3g",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="100%", max_width="520px"),
        )
        if self.log:
            first, last = math.log10(first), math.log10(last)
            step = math.log10(self.high / self.low) / self.steps
            return widgets.FloatLogSlider(base=10, min=first, max=last, step=step, **options)
        return widgets.FloatSlider(min=first, max=last, step=(self.high - self.low) / self.steps, **options)


class Panel:
    """Sliders and the picture they steer; made by `explore`. The last expression of a cell shows it.

    Attributes:
        values: slider name → value.
        image: PNG bytes of the picture on show.
        readouts: name → value, as the last picture returned them.
        still: PNG bytes of the film-strip, for where no kernel runs.
        frames: how many pictures were made so far (cached ones not counted).
    """

    def __init__(self, render: Callable[..., Rendered], sliders: Mapping[str, Slider], alt: str, strip: int = 4):
        if not alt.strip():
            raise ReaderError("A panel needs alt text: one sentence that says what its picture shows.")
        if not sliders:
            raise ReaderError("A panel needs at least one slider.")
        self.render, self.sliders, self.alt = render, dict(sliders), alt
        self.frames = 0
        self._cache: OrderedDict[tuple, tuple[bytes, Readouts]] = OrderedDict()
        self._waiting = False
        self._controls = {name: slider.widget(name) for name, slider in self.sliders.items()}
        self._picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self._text = widgets.HTML()
        self.widget = widgets.VBox([*self._controls.values(), self._picture, self._text])
        self.still = self._film_strip(strip)
        self._refresh()
        for control in self._controls.values():
            control.observe(self._moved, names="value")

    @property
    def values(self) -> dict[str, float]:
        return {name: control.value for name, control in self._controls.items()}

    @property
    def image(self) -> bytes:
        return self._picture.value

    def set(self, **values: float) -> bytes:
        """Move sliders by program, make the picture at once, and return it: for scripts and tests.

        Raises:
            ReaderError: for an unknown slider, or a value outside its range.
        """
        for name, value in values.items():
            slider = self.sliders[one_of("slider", name, self.sliders)]
            first, last = slider.ends
            if not first * (1 - 1e-9) - 1e-12 <= value <= last * (1 + 1e-9) + 1e-12:
                raise ReaderError(f"Slider {name!r} goes from {first:g} to {last:g}; got {value}.")
        for name, value in values.items():
            control = self._controls[name]
            control.unobserve(self._moved, names="value")
            control.value = value
            control.observe(self._moved, names="value")
        self._refresh()
        return self.image

    def _moved(self, _change: Any) -> None:
        """A slider moved: make the picture soon, so that moves in quick succession make one picture, the last."""
        if self._waiting:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop: a script or a plain test
            self._refresh()
            return
        self._waiting = True
        loop.call_later(_SETTLE, self._refresh)

    def _refresh(self) -> None:
        self._waiting = False
        values = self.values
        try:
            picture, self.readouts = self._frame(values)
        except ReaderError as error:  # shown where the reader looks; the picture before it stays
            self._text.value = f"<b>{html.escape(str(error))}</b>"
            return
        if picture != self._picture.value:
            self._picture.value = picture
        self._text.value = self._describe(values)

    def _frame(self, values: Mapping[str, float]) -> tuple[bytes, Readouts]:
        key = tuple(float(f"{value:.6g}") for value in values.values())
        if key not in self._cache:
            made = self.render(**values)
            picture, readouts = made if isinstance(made, tuple) else (made, {})
            self._cache[key] = (png(picture) if isinstance(picture, Figure) else picture, readouts)
            self.frames += 1
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    def _describe(self, values: Mapping[str, float]) -> str:
        parts = [f"{html.escape(name)}: <b>{_number(value)}</b>" for name, value in self.readouts.items()]
        for name, slider in self.sliders.items():
            if not slider.low * (1 - 1e-9) - 1e-12 <= values[name] <= slider.high * (1 + 1e-9) + 1e-12:
                label = html.escape(slider.label or name)
                parts.append(
                    f"<i>{label} lies outside the trained range [{slider.low:g}, {slider.high:g}]: extrapolated</i>"
                )
        return " &nbsp; ".join(parts)

    def _film_strip(self, count: int) -> bytes:
        first = next(iter(self.sliders))
        others = {name: slider.value for name, slider in self.sliders.items()}
        shares = [i / max(1, count - 1) for i in range(count)]
        return film_strip([self._frame({**others, first: self.sliders[first].position(share)})[0] for share in shares])

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = self.widget._repr_mimebundle_()
        live = live[0] if isinstance(live, tuple) else live
        bundle = {**live, "text/plain": f"[slider panel] {self.alt}", "image/png": self.still}
        return bundle, {"image/png": {"alt": self.alt}}


def _number(value: float | str) -> str:
    return html.escape(value) if isinstance(value, str) else f"{value:.4g}"


def explore(render: Callable[..., Rendered], *, alt: str, strip: int = 4, **sliders: Slider) -> Panel:
    """Show what a function draws while sliders move.

    Args:
        render: called with one keyword argument per slider; returns PNG bytes or a matplotlib figure, alone or with a
            dictionary of readouts to print below it.
        alt: one sentence that says what the picture shows, for who cannot see it.
        strip: frames in the film-strip over the first slider.
        **sliders: name → `Slider`.

    Example:
        >>> panel = explore(draw, beta=Slider(0.5, 512, value=16, log=True), alt="reconstructions as β grows")
        >>> panel.set(beta=2.0)                  # the same without a mouse; returns the picture's bytes
    """
    return Panel(render, sliders, alt, strip)
