"""Two pictures' generators, blended scale by scale, under noise that a reader moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

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
from lossconditioning.errors import ReaderError
from lossconditioning.systems.hyper_singan.applications import blended
from lossconditioning.systems.hyper_singan.models import Generator
from lossconditioning.systems.hyper_singan.pyramid import noises, resized, scaled
from lossconditioning.training.randomness import generator as generator_of

WIDEST = 1.6
"""Largest width of what is painted, in multiples of the training pictures'."""
ENLARGED = 2.4
"""Pixels on the screen for each pixel of a picture, a side."""
_SEED = 84
_TURN = 1.5 * math.pi  # how far noise is moved: at a whole turn it would be what it was


def play(model: Generator, pictures: Mapping[str, Tensor], side: int = 64, strip: int = 4) -> Panel:
    """A panel: two pictures, the share of the first one's generator at each scale, the noise of each scale, and the width.

    Noise is moved along three quarters of a circle through two fixed draws, so that it is standard normal everywhere.

    Args:
        model: the hyper-generator.
        pictures: name → ``(3, H, W)`` in [0, 1], at least two of one shape; the reader may bring one.
        side: pixels a side of what the embedding reads.
        strip: pictures in the film strip that stands where no kernel runs.

    Raises:
        ReaderError: for fewer than two pictures, and for a generator whose weights are its own.
    """
    if model.embedding is None:
        raise ReaderError("The panel blends generators that a hypernetwork writes; a SinGAN's weights are its own.")
    if len(pictures) < 2:
        raise ReaderError(f"The panel blends the generators of two pictures or more; got {len(pictures)}.")
    stage, names = _Stage(model, pictures, side), list(pictures)
    scales = range(len(model.grid))
    size = tuple(model.grid[-1])
    second = {name: pictures[name] for name in (names[1], names[0], *names[2:])}
    shares = {
        f"share_{scale}": Slider(0.0, 1.0, 1.0, label=_labelled("A's generator", scale, model)) for scale in scales
    }
    turns = {f"noise_{scale}": Slider(0.0, 1.0, 0.0, label=_labelled("noise", scale, model)) for scale in scales}

    def preset(*values: float) -> dict[str, float]:
        return {f"share_{scale}": value for scale, value in enumerate(values)}

    ones, zeros = [1.0] * len(scales), [0.0] * len(scales)
    return explore(
        stage.render,
        **shares,
        **turns,
        width=Slider(0.5, WIDEST, 1.0, label="width of what is painted"),
        picture=Upload(pictures, size=size, label="picture A"),
        other=Upload(second, size=size, label="picture B"),
        presets={
            "generator of A": preset(*ones),
            "generator of B": preset(*zeros),
            "structure of A, texture of B": preset(*ones[:1], *zeros[1:]),
            "structure of B, texture of A": preset(*zeros[:1], *ones[1:]),
        },
        strip=strip,
        photographs=True,
        alt="Two pictures, and one that a generator paints of noise: it looks like another photograph of the same place. With "
        "a share of the second picture's generator it takes on that one's shapes at coarse scales, its texture at fine ones.",
    )


def _labelled(what: str, scale: int, model: Generator) -> str:
    last = len(model.grid) - 1
    where = {0: ", coarsest", last: ", finest"}.get(scale, "")
    return f"{what}, scale {scale + 1}{where}"


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, model: Generator, pictures: Mapping[str, Tensor], side: int):
        self.model, self.side = model.eval(), side
        self.height, self.width = model.grid[-1]
        self.code = lru_cache(16)(self._code)
        self.noise = lru_cache(16)(self._noise)
        high, wide = round(ENLARGED * self.height), round(ENLARGED * self.width)
        most = int(wide * WIDEST)
        small, gap, above = wide // 2, 12, 26
        full = small + most + 3 * gap
        total = high + above + gap
        made, axes = figure(3, size=(full / 100, total / 100))
        made.set_layout_engine("none")
        half = (high - above) // 2
        for row, axis in enumerate(axes[:2]):
            bottom = gap + (1 - row) * (half + above)
            axis.set_position([gap / full, bottom / total, small / full, half / total])
        axes[2].set_position([(small + 2 * gap) / full, gap / total, most / full, high / total])
        self.small = blank_pictures(axes[:2], self.height, self.width, titles=("A", "B"))
        (self.painted,) = blank_pictures(axes[2:], high, most, titles=("painted of noise",))
        self.live = LiveFigure(made, [*self.small, self.painted])

    @torch.no_grad()
    def _code(self, picture: Picture) -> Tensor:
        return self.model.code(resized(picture.pixels[None] * 2 - 1, (self.side, self.side)))

    def _noise(self, width: float) -> tuple[list[Tensor], list[Tensor]]:
        """Two draws for every scale of pictures so wide."""
        grid = scaled(self.model.grid, (self.height, round(width * self.width)))
        return tuple(noises(grid, 1, generator_of(_SEED, number)) for number in range(2))

    @torch.no_grad()
    def render(self, picture: Picture, other: Picture, width: float, **moved: float):
        scales = range(len(self.model.grid))
        shares = [moved[f"share_{scale}"] for scale in scales]
        weights = blended(self.code(picture), self.code(other), shares, self.model)
        ends = self.noise(round(width, 2))
        turns = [_TURN * moved[f"noise_{scale}"] for scale in scales]
        noise = [math.cos(turn) * a + math.sin(turn) * b for turn, a, b in zip(turns, *ends, strict=True)]
        painted = (self.model.generate(weights, noise)[-1] + 1) / 2
        canvas = torch.ones(3, *self.painted.get_array().shape[:2])
        larger = F.interpolate(painted, scale_factor=ENLARGED, mode="bilinear")[0].clamp(0, 1)
        canvas[:, : larger.shape[1], : larger.shape[2]] = larger[:, : canvas.shape[1], : canvas.shape[2]]
        self.painted.set_data(to_bytes(canvas))
        for place, each in zip(self.small, (picture, other), strict=True):
            place.set_data(to_bytes(each.pixels))
        turned = " ".join(f"{moved[f'noise_{scale}']:.2f}" for scale in scales)
        said = {"share of A's generator": " ".join(f"{share:.2f}" for share in shares), "noise": turned}
        return self.live.frame(), {**said, "pixels": f"{painted.shape[-1]}×{painted.shape[-2]}"}
