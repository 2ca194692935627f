"""A control at a panel for the weights of three losses: a point to drag in a triangle, each corner one loss."""

from __future__ import annotations

import html
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from string import Template
from typing import Any

import ipywidgets as widgets

from lossconditioning.errors import ReaderError, positive_int

Weights = tuple[float, float, float]
CORNERS: tuple[Weights, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
MIDDLE: Weights = (1 / 3, 1 / 3, 1 / 3)
# Of Okabe and Ito's palette, those that have no role in figures.
_COLORS = {"color_1": "#E69F00", "color_2": "#56B4E9", "color_3": "#CC79A7"}
_HELP = (
    "Drag the point. Arrow keys move it, with Shift in larger steps; 1, 2 and 3 take it to a corner, 0 to the middle."
)
_MARKUP, _SCRIPT = (Path(__file__).with_name(f"triangle.{kind}") for kind in ("html", "js"))
_CLOSE = 1e-6  # how far a sum of weights may be from 1 by rounding, as of float32


@dataclass(frozen=True)
class Triangle:
    """Weights λ of three losses that sum to 1, as a Dirichlet prior draws them: ``explore(render, weights=Triangle(…), …)``.

    A point of the triangle stands for its barycentric coordinates: a corner gives all weight to one loss, a side leaves out
    the loss of the corner opposite, the middle weighs all alike. ``render`` is given a tuple of three floats in [0, 1].

    Attributes:
        names: of the losses: the upper corner's, the left one's, the right one's.
        value: where the point starts.
        label: shown at the triangle.
        steps: positions along a side, for mouse and keys.
    """

    names: Sequence[str] = ("A", "B", "C")
    value: Weights = MIDDLE
    label: str = ""
    steps: int = 100

    def __post_init__(self):
        names = () if isinstance(self.names, str) else tuple(self.names)
        if len(names) != 3 or not all(isinstance(name, str) and name.strip() for name in names) or len(set(names)) != 3:
            raise ReaderError(
                f'A triangle needs three different names, one for each corner, such as ("A", "B", "C"); got {self.names!r:.80}.'
            )
        positive_int("steps", self.steps)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "value", self.check(self.label or "weights", self.value))

    # What a panel asks of its controls.

    def check(self, name: str, value: Sequence[float]) -> Weights:
        """A value set by program, if it is a point of the triangle: a sequence, an array or a tensor ``(3,)``."""
        given = value.tolist() if hasattr(value, "tolist") else value
        expected = f"Triangle {name!r} takes three weights of 0 or more that sum to 1, such as (0.5, 0.5, 0)"
        if (
            not isinstance(given, (tuple, list))
            or len(given) != 3
            or not all(isinstance(weight, Real) and not isinstance(weight, bool) for weight in given)
        ):
            raise ReaderError(f"{expected}; got {given!r:.80}. Name one number for each of {', '.join(self.names)}.")
        if not all(-_CLOSE <= weight < math.inf for weight in given):
            raise ReaderError(f"{expected}; got {given!r:.80}. Set what is negative or not finite to 0 or more.")
        weights = [max(0.0, float(weight)) for weight in given]
        total = math.fsum(weights)
        if abs(total - 1) > _CLOSE:
            raise ReaderError(f"{expected}; got {given!r:.80}, which sum to {total:g}. Divide them by their sum.")
        return tuple(weight / total for weight in weights)

    def key(self, value: Weights) -> Weights:
        """What tells one value from another."""
        return tuple(float(f"{weight:.6g}") for weight in value)

    def note(self, name: str, value: Weights) -> str:
        """Nothing: the triangle ends where the prior does."""
        return ""

    def positions(self, count: int) -> list[Weights]:
        """Values for a film-strip: a walk round the triangle, and of four or more the last in its middle."""
        if count < 4:
            return list(CORNERS[:count])
        return [*(_around(3 * i / (count - 1)) for i in range(count - 1)), MIDDLE]

    def anywhere(self) -> Weights:
        """A point of the triangle at random, each as likely as any other."""
        low, high = sorted((random.random(), random.random()))
        return low, high - low, 1 - high  # the parts of a stick broken at two places: a draw from Dirichlet(1, 1, 1)

    def widget(self, name: str, label_width: str = "initial") -> TriangleChoice:
        """The triangle, steerable by mouse, finger and keys; its ``value`` is the tuple of weights."""
        return TriangleChoice(self, self.label or name, label_width)


def _around(sides: float) -> Weights:
    """The point that many sides from the first corner on, past the second and the third."""
    share, here, there = sides % 1, CORNERS[int(sides)], CORNERS[(int(sides) + 1) % 3]
    return tuple((1 - share) * one + share * other for one, other in zip(here, there, strict=True))


class TriangleChoice(widgets.VBox, widgets.ValueWidget):
    """The widget of a `Triangle`, made of core widgets alone, which every front end has without installing anything.

    The picture is an HTML widget that carries its script. What the reader does there arrives through a text field that
    nobody sees; what a program sets is told in a second HTML widget, and the picture is not drawn anew amid a drag.
    """

    def __init__(self, triangle: Triangle, label: str, label_width: str):
        self._triangle, self._answers = triangle, ""
        unseen = widgets.Layout(display="none")
        self._sent, self._told = widgets.Text(layout=unseen), widgets.HTML(layout=unseen)
        first, second, third = map(html.escape, triangle.names)
        picture = Template(_MARKUP.read_text("utf-8")).substitute(
            _COLORS,
            first=first,
            second=second,
            third=third,
            label=html.escape(label),
            help=_HELP,
            steps=triangle.steps,
            script=html.escape(_SCRIPT.read_text("utf-8")),
        )
        self._picture = widgets.HTML(
            picture,
            description=label,
            style={"description_width": label_width},
            layout=widgets.Layout(width="auto"),
        )
        super().__init__([self._picture, self._sent, self._told], value=triangle.value)
        self.add_class("lossconditioning-triangle")
        self._tell()
        self._sent.observe(self._moved, names="value")
        self.observe(self._tell, names="value")

    def _moved(self, change: Any) -> None:
        *weights, self._answers = change.new.split()
        self.value = self._triangle.check("weights", [float(weight) for weight in weights])
        self._tell()  # also where the weights are what they were

    def _tell(self, _change: Any = None) -> None:
        """Say in the front end which weights hold, and which of its moves was the last to arrive."""
        weights = " ".join(f"{weight!r}" for weight in self.value)
        self._told.value = f'<span data-weights="{weights}" data-answers="{html.escape(self._answers)}"></span>'
