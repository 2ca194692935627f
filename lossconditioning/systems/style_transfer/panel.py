"""Five dials on one painter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import (
    COLORS,
    LiveFigure,
    Menu,
    Panel,
    Picture,
    Slider,
    Upload,
    blank_pictures,
    explore,
    figure,
    to_bytes,
)
from lossconditioning.losses import PerceptualLoss
from lossconditioning.painting import FULL, SIDES, in_time, style_targets
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.task import DEFAULT, WEIGHTS, painted_terms
from lossconditioning.training.config import bfloat16_pays
from lossconditioning.training.devices import faster_in_half, in_half

_MOST = 1.5  # length of the longest bar
PRESETS = {
    "default": DEFAULT,
    "faithful": (1e-3, 1e-3, 1e-3, 1e-2, 40.0),
    "all style": (1e-2, 1e-2, 1e-2, 1e-1, 0.3),
    "colours": (3e-2, 1e-4, 1e-4, 1e-3, 2.0),
    "dots": (1e-4, 2e-2, 2e-2, 1e-3, 2.0),
}
"""Button → λ."""


def play(
    model: Painter, photographs: Mapping[str, Tensor], paintings: Mapping[str, Tensor], loss: PerceptualLoss
) -> Panel:
    """A panel over all five weights: a photograph, chosen or uploaded, in one style or a mixture of two.

    While a slider moves the painting has as many of `painting.SIDES` pixels as this processor paints in time, which is tried
    out; once it is still, 256, and the bars show the losses of it, and λ.

    Args:
        model: told all five weights.
        photographs: name → ``(3, H, W)`` in [0, 1], cut to the square in the middle.
        paintings: the styles the model was trained on, name → uint8 ``(3, H, W)``, in their order.
        loss: what the bars are computed with; they say with which features.
    """
    stage = _Stage(model, paintings, loss)
    # Rounded, for single precision would leave 0.03 outside of a range that ends there.
    ends = torch.stack([model.prior.low, torch.tensor(DEFAULT), model.prior.high]).T.tolist()
    places = {name: [float(f"{end:.6g}") for end in three] for name, three in zip(WEIGHTS, ends, strict=True)}
    sliders = {}
    for name in ("content", *WEIGHTS[:4]):  # the one with the clearest effect first
        low, start, high = places[name]
        sliders[name] = Slider(low, high, value=start, log=True, label=f"weight of {name.replace('_', ' ')}")
    return explore(
        stage.quick,
        refine=stage.full,
        presets={name: dict(zip(WEIGHTS, lam, strict=True)) for name, lam in PRESETS.items()},
        **sliders,
        style=Menu(paintings, label="style"),
        second=Menu(paintings, value=list(paintings)[-1], label="second style"),
        share=Slider(0.0, 1.0, value=0.0, label="share of the second"),
        photograph=Upload(photographs, size=FULL, label="photograph"),
        strip=3,
        columns=1,
        photographs=True,
        alt="A photograph, the painting whose style it is given, and the result, with bars for five losses: with a large "
        "weight of content the photograph stays recognisable, with a small one the painting's colours and dots take over.",
    )


def _four_axes() -> tuple[Figure, np.ndarray]:
    """Three pictures of `FULL` pixels, none of which is resampled, and room for bars."""
    wide, high, gap = 1200, 316, 10
    made, axes = figure(4, size=(wide / 100, high / 100))  # 100 dots per inch
    made.set_layout_engine("none")
    for column, axis in enumerate(axes[:3]):
        axis.set_position([(gap + column * (FULL + gap)) / wide, 25 / high, FULL / wide, FULL / high])
    axes[3].set_position([(9 * gap + 3 * (FULL + gap)) / wide, 30 / high, 200 / wide, (FULL - 10) / high])
    return made, axes


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, model: Painter, paintings: Mapping[str, Tensor], loss: PerceptualLoss):
        self.model, self.loss = model.eval(), loss
        self.paintings = {name: to_bytes(picture) for name, picture in paintings.items()}
        self.number = {name: index for index, name in enumerate(paintings)}
        # A style's targets are computed when its losses are first asked for: all of them at once would take seconds.
        self.targets = cache(lambda name: style_targets(loss, [paintings[name]]))
        first, lam = torch.tensor([0]), torch.tensor([DEFAULT])
        blank = {side: torch.zeros(1, 3, side, side) for side in SIDES}
        self.half = bfloat16_pays() and faster_in_half(lambda: model(blank[SIDES[-1]], first, lam))
        self.quicker = in_half(model) if self.half else model
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            self.side = in_time(lambda side: self.quicker(blank[side], first, lam))
        self.small = lru_cache(4)(lambda given: F.interpolate(given.pixels[None], (self.side, self.side), mode="area"))
        made, axes = _four_axes()
        self.shown = blank_pictures(axes[:3], FULL, titles=("photograph", "style", "painted"))
        names = [name.replace("_", " ") for name in WEIGHTS]
        self.bars = axes[3].barh(names, [0.0] * 5, color=[COLORS["conditional"]] * 4 + [COLORS["fixed"]])
        axes[3].set(xlim=(0, _MOST), title=f"losses, once still (up to {_MOST:g})")
        axes[3].invert_yaxis()
        # λ, in finished paintings alone: drawing text takes time that a drag does not have.
        beside = {"va": "center", "size": 9, "transform": axes[3].get_yaxis_transform()}
        self.asked = [axes[3].text(1.04, row, "", **beside) for row in range(len(WEIGHTS))]
        self.live = LiveFigure(made, [self.shown[2], *self.bars, *self.asked])
        self.still: tuple[Picture, str] | None = None  # the photograph and the style on show

    @torch.no_grad()
    def quick(self, photograph: Picture, style: str, second: str, share: float, **lam: float) -> bytes:
        """A small painting, without its losses."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            painted = self._paint(self.quicker, self.small(photograph), (style, second), share, lam)
        for bar, text in zip(self.bars, self.asked, strict=True):
            bar.set_alpha(0.3)  # the losses of the last painting that was still
            text.set_text("")
        return self._frame(photograph, style, F.interpolate(painted.float(), (FULL, FULL), mode="bilinear")[0])

    @torch.no_grad()
    def full(self, photograph: Picture, style: str, second: str, share: float, **lam: float):
        """A large painting, its losses as bars and as numbers."""
        photo = photograph.pixels[None]
        painted = self._paint(self.model, photo, (style, second), share, lam)
        both = zip(self.targets(style), self.targets(second), strict=True)
        targets = tuple(torch.lerp(first, other, share) for first, other in both)
        values = painted_terms(self.loss, painted, self.loss.content_targets(photo), targets)
        values = {name: float(value) for name, value in values.items()}
        for name, bar, text in zip(WEIGHTS, self.bars, self.asked, strict=True):
            bar.set(width=min(values[name], _MOST), alpha=1.0)
            text.set_text(f"λ = {lam[name]:.3g}")
        said = {name.replace("_", " "): value for name, value in values.items()}
        return self._frame(photograph, style, painted[0]), {**said, "losses by": self.loss.features.source}

    def _paint(
        self, model: Painter, photo: Tensor, names: tuple[str, str], share: float, lam: Mapping[str, float]
    ) -> Tensor:
        """A photograph ``(1, 3, S, S)`` in the first style, mixed with a share of the second."""
        first, second = (self.model.styles[self.number[name]] for name in names)
        return model(photo, torch.lerp(first, second, share)[None], torch.tensor([[lam[name] for name in WEIGHTS]]))

    def _frame(self, photograph: Picture, style: str, painted: Tensor) -> bytes:
        self.shown[2].set_data(to_bytes(painted))
        if self.still != (photograph, style):
            self.still = photograph, style
            self.shown[0].set_data(to_bytes(photograph.pixels))
            self.shown[1].set_data(self.paintings[style])
            self.live.redraw()
        return self.live.frame()
