"""The codec's slider panels: one slider from tiny to faithful, and one for the size of the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib import colormaps
from torch import Tensor

from lossconditioning.codec import Codec, Symbols
from lossconditioning.codec.search import at
from lossconditioning.display import (
    COLORS,
    LINES,
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
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems.compression.figures import bits_map
from lossconditioning.systems.compression.measures import reference_curve
from lossconditioning.systems.compression.task import LAM_RANGE, lam_grid

SIZE = (128, 192)
"""Height and width of the picture in a panel; on two cores that also run the browser, 256×256 is at the limit of 100 ms."""
_GRID = lam_grid(13).tolist()


def play(codec: Codec, photographs: Mapping[str, Tensor], size: tuple[int, int] = SIZE) -> Panel:
    """A panel over λ on a photograph, chosen or uploaded: picture, map of the bits, and the moving point.

    Every frame writes a file and shows what a decoder makes of its symbols.

    Args:
        codec: of a conditional model.
        photographs: name → ``(3, H, W)`` in [0, 1], to choose from.
        size: height and width in pixels that a picture is cut and scaled to.
    """
    stage = _Stage(codec, size)

    def render(lam: float, photograph: Picture):
        stage.know(photograph)
        return stage.show(lam, *codec.encode(stage.facts.pixels, lam))

    return explore(
        render,
        lam=Slider(*LAM_RANGE, value=0.01, log=True, beyond=0.1, label="weight of the distortion λ"),
        photograph=Upload(photographs, size=size, label="photograph"),
        alt="A photograph, what a compressed file holds of it, where the bits of the file go, and the file's place on the "
        "picture's rate-distortion curve above that of JPEG: with small λ a tiny file and a blurred picture, with large λ a "
        "larger file and a faithful picture.",
    )


def play_size(codec: Codec, photographs: Mapping[str, Tensor], size: tuple[int, int] = SIZE) -> Panel:
    """A panel over the size of the file: λ is searched, so that the file just fits.

    Args: as for `play`.
    """
    stage = _Stage(codec, size)
    low, high, start = (round(rate * size[0] * size[1] / 8, -1) for rate in (0.33, 2.06, 0.55))

    def render(target: float, photograph: Picture):
        stage.know(photograph)
        return stage.show(*stage.fit(target), target)

    return explore(
        render,
        target=Slider(low, high, value=start, log=True, label="size of the file in bytes"),
        photograph=Upload(photographs, size=size, label="photograph"),
        alt="A photograph, what a file of the chosen size holds of it, where its bits go, and its place on the rate-distortion "
        "curve: the file is as large as the slider allows, to within a few bytes in a hundred.",
    )


@dataclass(frozen=True)
class _Known:
    """What is computed once per picture: its pixels, and both codecs' curves on it; of ours also the sizes in bytes."""

    pixels: Tensor
    size: np.ndarray
    psnr: np.ndarray
    jpeg: Mapping[str, Tensor]


class _Stage:
    """The still parts of the picture, the artists that move, and what is known of the photograph on it."""

    def __init__(self, codec: Codec, size: tuple[int, int]):
        self.codec, (height, width) = codec, size
        across = 2.3  # inches that a picture is wide
        made, axes = figure(
            4, size=(3 * across + 2.6, across * height / width + 0.7), width_ratios=[across] * 3 + [2.3]
        )
        self.shown = blank_pictures(axes[:3], height, width, ("photograph", "from the file", "where the bits go"))
        self.shown[2].set_extent((-0.5, width - 0.5, height - 0.5, -0.5))  # whatever the number of its blocks
        plot = axes[3]
        plot.set(xlim=(0, 4), ylim=(18, 46), xlabel="bits per pixel", ylabel="PSNR (dB)", title="this picture")
        (self.curve,) = plot.plot([], [], color=COLORS["conditional"], label="one network")
        (self.jpeg,) = plot.plot([], [], color=COLORS["baseline"], ls=LINES["baseline"], label="JPEG")
        self.asked = plot.axvline(-1, color=COLORS["data"], lw=1)
        (self.marker,) = plot.plot([], [], "o", ms=10, color=COLORS["conditional"], mec="black")
        plot.legend(loc="lower right")
        self.live = LiveFigure(made, [*self.shown[1:], self.asked, self.marker])
        self.learn = lru_cache(16)(self._learn)  # uploads come and go
        self.facts: _Known | None = None

    def _learn(self, picture: Picture) -> _Known:
        pixels = (255 * picture.pixels).round().byte()
        found = [at(self.codec, pixels, lam) for lam in _GRID]
        size, psnr = np.array([len(each.data) for each in found]), np.array([each.psnr for each in found])
        return _Known(pixels, size, psnr, reference_curve("jpeg", {"": pixels}, similarity=False))

    def know(self, picture: Picture) -> None:
        """Draw what stays while the sliders move: another photograph, and the codecs' curves on it."""
        facts = self.learn(picture)
        if facts is not self.facts:
            self.facts = facts
            self.shown[0].set_data(to_bytes(facts.pixels))
            self.curve.set_data(8 * facts.size / facts.pixels[0].numel(), facts.psnr)
            self.jpeg.set_data(facts.jpeg["rate"], facts.jpeg["psnr"])
            self.live.redraw()

    def fit(self, target: float) -> tuple[float, Symbols, bytes]:
        """λ and what it makes, of at most ``target`` bytes, in one try or three: faster than `to_size`, a little less close.

        λ is what the picture's own curve suggests, with some room; failing that, the last one on it that is known to fit.
        """
        size = self.facts.size
        target = round(max(target, 1.01 * size[0]))
        suggested = np.exp(np.interp(np.log(np.array([0.985, 0.965]) * target), np.log(size), np.log(_GRID)))
        for lam in (*suggested.tolist(), _GRID[max(0, np.searchsorted(size, target, side="right") - 1)]):
            symbols, data = self.codec.encode(self.facts.pixels, lam)
            if len(data) <= target:
                break
        return lam, symbols, data

    def show(self, lam: float, symbols: Symbols, data: bytes, asked: float | None = None):
        """A frame, and the numbers below it; the size that was asked for, in bytes, is a line in the plot."""
        pixels, size = self.facts.pixels, self.facts.pixels.shape[1:]
        decoded = self.codec.picture(symbols, *size, lam)
        rate, psnr = 8 * len(data) / pixels[0].numel(), quality(pixels, decoded, similarity=False)["psnr"]
        bits = bits_map(self.codec, symbols, *size)
        top = max(float(bits.max()), 1e-3)
        self.shown[1].set_data(to_bytes(decoded))
        self.shown[2].set_data((255 * colormaps["magma"](bits / top)[..., :3]).astype(np.uint8))
        self.marker.set_data([rate], [psnr])
        if asked is not None:
            self.asked.set_xdata([8 * asked / pixels[0].numel()] * 2)
        return self.live.frame(), {
            **({} if asked is None else {"bytes asked for": f"{round(asked):,}"}),
            "bytes": f"{len(data):,}",
            "bits per pixel": rate,
            "PSNR in dB": psnr,
            "most in a block, bits per pixel": top,
            "JPEG of that size, dB": _at(self.facts.jpeg, rate),
        }


def _at(curve: Mapping[str, Tensor], rate: float) -> float | str:
    """PSNR of a curve at a rate; in words where it does not reach so low or so high."""
    rates = curve["rate"].numpy()
    if not rates[0] <= rate <= rates[-1]:
        return "has no such size"
    return float(np.interp(np.log(rate), np.log(rates), curve["psnr"].numpy()))
