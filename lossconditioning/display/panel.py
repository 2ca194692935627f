"""Slider panels: a picture that follows the sliders.

A panel is ``explore(render, …)``: sliders in, a picture out. The picture is an ``Image`` widget whose bytes are replaced,
so nothing flickers. Moves that arrive while a picture is being made collapse into the last one; recent pictures are kept.
A panel also carries a film-strip over its first control, which is what a saved notebook shows where no kernel runs.
"""

from __future__ import annotations

import asyncio
import gc
import html
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display.figures import film_strip, snapshot
from lossconditioning.display.menu import Menu
from lossconditioning.display.slider import Slider
from lossconditioning.display.triangle import Triangle, Weights
from lossconditioning.display.uploads import Picture, Upload
from lossconditioning.errors import ReaderError, WeightWarning, one_of

Readouts = Mapping[str, float | str]
Rendered = bytes | Figure | tuple[bytes | Figure, Readouts]
Control = Slider | Triangle | Upload | Menu
Render = Callable[..., Rendered]
Presets = Mapping[str, Mapping[str, Any]]

_CACHED = 128  # pictures kept per panel
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"  # but read out
_SETTLE = 0.002  # seconds in which further moves may still arrive before a picture is made
_STILL = 0.35  # seconds without a move after which the fine picture is worth making
_SURPRISE = "surprise me"
# Pictures are made one at a time, in whatever thread a move is handled: figures, and torch's number of threads, are shared.
_MAKING = threading.RLock()


class Panel:
    """Sliders and the picture they steer; made by `explore`. The last expression of a cell shows it.

    Attributes:
        values: control's name → value.
        image: bytes of the picture on show, PNG or JPEG.
        readouts: name → value, as the last picture returned them.
        still: the film-strip, for where no kernel runs: PNG bytes, of photographs JPEG.
        frames: how many pictures were made so far (cached ones not counted).
    """

    def __init__(
        self,
        render: Render,
        controls: Mapping[str, Control],
        alt: str,
        strip: int = 4,
        refine: Render | None = None,
        presets: Presets | None = None,
        photographs: bool = False,
        columns: int = 2,
    ):
        if not alt.strip():
            raise ReaderError("A panel needs alt text: one sentence that says what its picture shows.")
        if not controls:
            raise ReaderError("A panel needs at least one slider.")
        for name, control in controls.items():
            if not isinstance(control, Control):
                raise ReaderError(
                    f"{name} is steered by a Slider, a Triangle, a Menu or an Upload, such as Slider(0, 1, 0.5); "
                    f"got {control!r}."
                )
        self.render, self.fine, self.controls, self.alt = render, refine, dict(controls), alt
        self.frames = 0
        self._cache: OrderedDict[tuple, tuple[bytes, Readouts]] = OrderedDict()
        self._waiting, self._later = False, None
        # One width for all labels, so that the tracks begin below one another.
        width = f"{1 + max(len(control.label or name) for name, control in self.controls.items())}ch"
        self._widgets = {name: control.widget(name, width) for name, control in self.controls.items()}
        self._picture = widgets.Image(layout=widgets.Layout(max_width="100%", align_self="flex-start"))
        self._text = widgets.HTML()
        described = widgets.HTML(f"<p style='{_UNSEEN}'>{html.escape(alt)}</p>")  # an Image widget takes no alt text
        buttons = [self._button(name, values) for name, values in (presets or {}).items()]
        if buttons:
            buttons = [
                widgets.HBox([*buttons, self._button(_SURPRISE, None)], layout=widgets.Layout(flex_flow="row wrap"))
            ]
        self.widget = widgets.VBox([*self._widgets.values(), *buttons, self._picture, described, self._text])
        self.still = self._film_strip(strip, columns, photographs)
        self._show(self.fine or self.render)
        _spare_what_is_loaded()
        for widget in self._widgets.values():
            widget.observe(self._moved, names="value")

    @property
    def values(self) -> dict[str, float | Weights | str | Picture]:
        return {name: widget.value for name, widget in self._widgets.items()}

    @property
    def image(self) -> bytes:
        return self._picture.value

    def set(self, **values: float | Weights | str | Tensor | Picture) -> bytes:
        """Move sliders by program, make the picture at once, and return it: for scripts and tests.

        Raises:
            ReaderError: for an unknown slider, or a value outside its range.
        """
        values = self._checked(values)
        for name, value in values.items():
            widget = self._widgets[name]
            widget.unobserve(self._moved, names="value")
            with _without_echo(widget):
                widget.value = value
            widget.observe(self._moved, names="value")
        self._refresh()
        return self.image

    def settle(self) -> bytes:
        """Make the fine picture at once, as when the sliders have been still for a moment, and return it.

        It is the picture there is already, where the panel was made without ``refine``.
        """
        if self.fine is not None:
            self._show(self.fine)
        return self.image

    def surprise(self) -> None:
        """Move all sliders, and triangles, anywhere in their trained ranges."""
        moving = {name: control for name, control in self.controls.items() if isinstance(control, (Slider, Triangle))}
        self._jump({name: control.anywhere() for name, control in moving.items()})

    def _button(self, name: str, values: Mapping[str, Any] | None) -> widgets.Button:
        """A button that moves sliders to where ``values`` says; anywhere for None."""
        button = widgets.Button(description=name, layout=widgets.Layout(width="auto"))
        checked = None if values is None else self._checked(values)
        button.on_click(lambda _: self.surprise() if checked is None else self._jump(checked))
        return button

    def _jump(self, values: Mapping[str, Any]) -> None:
        self.set(**values)
        self._soon_fine()

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.controls[one_of("slider", name, self.controls)].check(name, value)
            for name, value in values.items()
        }

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
        if self._later is not None:
            self._later.cancel()
        loop.call_later(_SETTLE, self._follow)

    def _follow(self) -> None:
        self._aloud(self._refresh)
        self._soon_fine()

    def _aloud(self, make: Callable[[], Any]) -> None:
        try:
            make()
        except Exception as error:  # nobody sees what a callback raises
            self._text.value = f"<b>{type(error).__name__}: {html.escape(str(error))}</b>"
            raise

    def _soon_fine(self) -> None:
        """Make the fine picture once the sliders have been still for a moment."""
        if self.fine is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._later is not None:
            self._later.cancel()
        self._later = loop.call_later(_STILL, self._aloud, self.settle)

    def _refresh(self) -> None:
        self._waiting = False
        if self._later is not None:
            self._later.cancel()
        self._show(self.render)

    def _show(self, render: Render) -> None:
        with _MAKING:  # values are read in here, so that the last picture is of the last ones
            values = self.values
            try:
                picture, self.readouts = self._frame(values, render)
            except ReaderError as error:  # shown where the reader looks; the picture before it stays
                self._text.value = f"<b>{html.escape(str(error))}</b>"
                return
            if picture != self._picture.value:
                with self._picture.hold_sync():  # one message
                    self._picture.format, self._picture.value = _format(picture), picture
            self._text.value = self._describe(values)

    def _frame(self, values: Mapping[str, float | Weights | str | Picture], render: Render) -> tuple[bytes, Readouts]:
        key = (render, *(self.controls[name].key(value) for name, value in values.items()))
        if key not in self._cache:
            with _one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore", WeightWarning)  # a slider says so itself
                made = render(**values)
            picture, readouts = made if isinstance(made, tuple) else (made, {})
            if not isinstance(picture, (bytes, Figure)):
                raise ReaderError(
                    f"A panel draws bytes of a picture or a matplotlib figure; its function returned {picture!r:.60}."
                )
            self._cache[key] = (snapshot(picture) if isinstance(picture, Figure) else picture, readouts)
            self.frames += 1
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    def _describe(self, values: Mapping[str, float | Weights | str | Picture]) -> str:
        parts = [f"{html.escape(name)}: <b>{_number(value)}</b>" for name, value in self.readouts.items()]
        parts += [note for name, control in self.controls.items() if (note := control.note(name, values[name]))]
        return f"<div role='status'>{' &nbsp; '.join(parts)}</div>"  # read out when it changes

    def _film_strip(self, count: int, columns: int, photographs: bool) -> bytes:
        first, control = next(iter(self.controls.items()))
        others = {name: control.value for name, control in self.controls.items()}
        draw = self.fine or self.render
        frames = [self._frame({**others, first: value}, draw)[0] for value in control.positions(count)]
        return film_strip(frames, columns=columns, photographs=photographs)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Written out, for ipywidgets 7 (Colab's) offers no bundle of its own.
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        kind = f"image/{_format(self.still)}"
        bundle = {
            "application/vnd.jupyter.widget-view+json": view,
            "text/plain": f"[slider panel] {self.alt}",
            kind: self.still,
        }
        return bundle, {kind: {"alt": self.alt}}


@cache
def _spare_what_is_loaded() -> None:
    """Keep Python's garbage collector from searching all that was imported, which is felt amid a drag."""
    gc.collect()
    gc.freeze()


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: for a small picture, two that share the cores with a browser mostly wait for each other."""
    with _MAKING:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def _without_echo(widget: widgets.DOMWidget) -> Iterator[None]:
    """Set a slider so that its front end does not send the value back.

    It rounds what it is given to its own steps (0 to −2.8e-17, a weight between two steps to the nearer one), and sends that as
    if the reader had moved it; late, it would undo what was set meanwhile. Not so while it reports only handles let go.
    """
    if not hasattr(widget, "continuous_update"):  # a triangle, a menu, an upload
        yield
        return
    try:
        with widget.hold_sync():  # one message
            widget.continuous_update = False
            yield
    finally:
        widget.continuous_update = True


def _format(picture: bytes) -> str:
    """How a picture is encoded, read off its first bytes, in the word an Image widget has for it."""
    return "jpeg" if picture.startswith(b"\xff\xd8") else "png"


def _number(value: float | str) -> str:
    return html.escape(value) if isinstance(value, str) else f"{value:.4g}"


def explore(
    render: Render,
    *,
    alt: str,
    strip: int = 4,
    refine: Render | None = None,
    presets: Presets | None = None,
    photographs: bool = False,
    columns: int = 2,
    **controls: Control,
) -> Panel:
    """Show what a function draws while sliders move.

    Args:
        render: called with one keyword argument per control, a slider's number, a triangle's three weights, a menu's name or
            an upload's `Picture`; returns PNG or JPEG bytes or a matplotlib figure, alone or with a dictionary of readouts to
            print below it.
        alt: one sentence that says what the picture shows, for who cannot see it.
        strip: frames in the film-strip over the first control.
        refine: called like ``render`` once the sliders have been still for a moment: for a picture that takes too long for a
            drag. If not given, the picture stays as it is.
        presets: button's label → control's name → value. If there are any, a button "surprise me" joins them.
        photographs: keep all colours in the film-strip, too.
        columns: frames side by side in the film-strip.
        **controls: name → `Slider`, `Triangle`, `Menu` or `Upload`.

    Example:
        >>> panel = explore(draw, beta=Slider(0.5, 512, value=16, log=True), alt="reconstructions as β grows")
        >>> panel.set(beta=2.0)                  # the same without a mouse; returns the picture's bytes
    """
    return Panel(render, controls, alt, strip, refine, presets, photographs, columns)
