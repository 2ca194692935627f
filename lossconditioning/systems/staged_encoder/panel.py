"""A layout in any style: of a picture, between two pictures, and moved along eight directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.display import (
    LiveFigure,
    Panel,
    Picture,
    Slider,
    Upload,
    blank_pictures,
    explore,
    figure,
    to_bytes,
)
from lossconditioning.systems.staged_encoder.axes import Direction
from lossconditioning.systems.staged_encoder.models import Translator

REACH = 1.0
"""How far a slider goes, in multiples of the distance of its two ends."""
SHOWN = 192
"""Pixels a side on the screen, at least."""


def play(
    model: Translator,
    layouts: Mapping[str, Tensor],
    pictures: Mapping[str, Tensor],
    directions: Sequence[Direction] = (),
    side: int = 128,
    strip: int = 4,
) -> Panel:
    """A panel: a layout, a picture to take the style from, another to walk to, and a slider for each direction.

    Args:
        model: the translator.
        layouts: name → ``(3, H, W)`` in [0, 1]: what is to be painted; the reader may bring one, such as a drawing.
        pictures: name → ``(3, H, W)`` in [0, 1], at least two: styles.
        directions: see `directions`.
        side: of all pictures, in pixels.
        strip: pictures in the film strip that stands where no kernel runs.
    """
    stage = _Stage(model, directions, side)
    second = list(pictures)[1]
    moves = {f"move_{number}": Slider(-REACH, REACH, 0.0, label=each.label) for number, each in enumerate(directions)}
    return explore(
        stage.render,
        walk=Slider(0.0, 1.0, 0.0, label="walk from style to second style"),
        layout=Upload(layouts, size=side, label="layout"),
        style=Upload(pictures, size=side, label="style"),
        towards=Upload(
            {second: pictures[second], **{n: p for n, p in pictures.items() if n != second}},
            size=side,
            label="second style",
        ),
        **moves,
        presets={"as the style is": {"walk": 0.0, **dict.fromkeys(moves, 0.0)}},
        strip=strip,
        photographs=True,
        alt="A layout, the picture whose style is taken, the layout painted in that style, and a second style to walk to: "
        "colours, light and weather are those of the style, the place is that of the layout.",
    )


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, model: Translator, directions: Sequence[Direction], side: int):
        self.model, self.directions, self.shown_side = model.eval(), directions, max(side, SHOWN)
        made, axes = figure(4, size=(9.2, 2.6))
        self.shown = blank_pictures(axes, self.shown_side, titles=("layout", "style", "painted", "second style"))
        self.title = axes[2].set_title("painted")
        self.live = LiveFigure(made, [*self.shown, self.title])

    @torch.no_grad()
    def code(self, style: Picture, towards: Picture, walk: float, moves: Mapping[str, float]) -> Tensor:
        """The code on show, ``(1, Z)``."""
        ends = self.model.encoder(torch.stack([style.pixels, towards.pixels])).z
        z = torch.lerp(ends[:1], ends[1:], walk)
        return z + sum(moves[f"move_{number}"] * each.vector for number, each in enumerate(self.directions))

    @torch.no_grad()
    def render(self, walk: float, layout: Picture, style: Picture, towards: Picture, **moves: float):
        z = self.code(style, towards, walk, moves)
        self.title.set_text(f"painted, walk {walk:.2f}")
        painted = self.model.generator(layout.pixels[None], z)
        shown = torch.stack([layout.pixels, style.pixels, painted[0], towards.pixels])
        larger = F.interpolate(shown, (self.shown_side,) * 2, mode="bilinear").clamp(0, 1)
        for place, pixels in zip(self.shown, larger, strict=True):
            place.set_data(to_bytes(pixels))
        return self.live.frame(), {"z": " ".join(f"{number:+.2f}" for number in z[0].tolist())}
