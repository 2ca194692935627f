"""The codec's slider panels: one slider from tiny to faithful, and one for the size of the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from torch import Tensor

from lossconditioning.display import COLORS, LINES, LiveFigure, Panel, Picture, Slider, Upload, explore, figure
from lossconditioning.systems.compression.codec import Codec, Symbols
from lossconditioning.systems.compression.figures import bits_map
from lossconditioning.systems.compression.measures import quality
from lossconditioning.systems.compression.references import reference_curve
from lossconditioning.systems.compression.task import LAMBDA_RANGE, lambda_grid

SIZE = (128, 192)
"""Height and width of the picture in a panel; on two cores that also run the browser, 256×256 is at the limit of 100 ms."""
_GRID = lambda_grid(13).tolist()


@dataclass(frozen=True)
class _Known:
    """What is computed once per picture: its pixels, and both codecs' curves on it."""

    pixels: Tensor
    rate: np.ndarray
    psnr: np.ndarray
    size: np.ndarray
    jpeg: Mapping[str, Tensor]


def _know(codec: Codec, picture: Picture, known: dict[str, _Known]) -> _Known:
    if picture.digest not in known:
        pixels = (255 * picture.pixels).round().byte()
        files = [codec.compress(pixels, weight) for weight in _GRID]
        shown = [quality(pixels, codec.decompress(data), similarity=False)["psnr"] for data in files]
        size = np.array([len(data) for data in files])
        jpeg = reference_curve("jpeg", {"": pixels}, similarity=False)
        known[picture.digest] = _Known(pixels, 8 * size / pixels[0].numel(), np.array(shown), size, jpeg)
    return known[picture.digest]


def _file(codec: Codec, facts: _Known, weight: float) -> tuple[Symbols, bytes]:
    symbols = codec.symbols(facts.pixels, weight)
    return symbols, codec.pack(symbols, *facts.pixels.shape[1:], weight)


def _fit(codec: Codec, facts: _Known, target: int) -> tuple[float, Symbols, bytes]:
    """A file of at most ``target`` bytes, in one try or three: faster than `to_size`, and a per cent or two less close.

    λ is what the picture's own curve suggests, with some room; failing that, the last weight on it that is known to fit.
    """
    sizes, weights = np.log(facts.size), np.log(_GRID)
    suggested = (np.exp(np.interp(np.log(share * target), sizes, weights)) for share in (0.985, 0.965))
    known = _GRID[max(0, np.searchsorted(facts.size, target, side="right") - 1)]
    for weight in (*suggested, known):
        symbols, data = _file(codec, facts, float(weight))
        if len(data) <= target:
            break
    return float(weight), symbols, data


def play(codec: Codec, photographs: Mapping[str, Tensor], size: tuple[int, int] = SIZE) -> Panel:
    """A panel over λ on a photograph, chosen or uploaded: picture, map of the bits, and the moving point.

    Every frame writes a file and shows what a decoder makes of its symbols.

    Args:
        codec: of a conditional model.
        photographs: name → ``(3, H, W)`` in [0, 1], to choose from.
        size: height and width in pixels that a picture is cut and scaled to.
    """
    stage, known = _Stage(size), {}
    low, high = LAMBDA_RANGE

    def render(weight: float, photograph: Picture):
        facts = _know(codec, photograph, known)
        return stage.show(codec, facts, weight, *_file(codec, facts, weight))

    return explore(
        render,
        weight=Slider(low, high, value=0.01, log=True, beyond=0.1, label="weight of the distortion λ"),
        photograph=Upload(photographs, size=size, label="photograph"),
        alt="A photograph, what a compressed file holds of it, where the bits of the file go, and the file's place on the "
        "picture's rate-distortion curve above that of JPEG: with small λ a tiny file and a blurred picture, with large λ a "
        "larger file and a faithful picture.",
    )


def play_size(codec: Codec, photographs: Mapping[str, Tensor], size: tuple[int, int] = SIZE) -> Panel:
    """A panel over the size of the file: λ is searched, so that the file just fits.

    Args: as for `play`.
    """
    stage, known = _Stage(size), {}
    low, high, start = (round(rate * size[0] * size[1] / 8, -1) for rate in (0.33, 2.06, 0.55))

    def render(target: float, photograph: Picture):
        facts = _know(codec, photograph, known)
        weight, symbols, data = _fit(codec, facts, round(max(target, 1.01 * facts.size[0])))
        return stage.show(codec, facts, weight, symbols, data, target)

    return explore(
        render,
        target=Slider(low, high, value=start, log=True, label="size of the file in bytes"),
        photograph=Upload(photographs, size=size, label="photograph"),
        alt="A photograph, what a file of the chosen size holds of it, where its bits go, and its place on the rate-distortion "
        "curve: the file is as large as the slider allows, to within a few bytes in a hundred.",
    )


class _Stage:
    """The still parts of the picture, and the artists that move."""

    def __init__(self, size: tuple[int, int]):
        height, width = size
        across = 2.3  # inches that a picture is wide
        made, axes = figure(
            4, size=(3 * across + 2.6, across * height / width + 0.7), width_ratios=[across] * 3 + [2.3]
        )
        blank = np.full((height, width, 3), 255, dtype=np.uint8)
        self.shown = [axis.imshow(blank, interpolation="nearest") for axis in axes[:3]]
        self.shown[2].set_extent((-0.5, width - 0.5, height - 0.5, -0.5))  # whatever the number of its blocks
        for axis in axes[:3]:
            axis.axis("off")
        axes[0].set_title("photograph")
        axes[1].set_title("from the file")
        axes[2].set_title("where the bits go")
        plot = axes[3]
        plot.set(xlim=(0, 4), ylim=(18, 46), xlabel="bits per pixel", ylabel="PSNR (dB)", title="this picture")
        (self.curve,) = plot.plot([], [], color=COLORS["conditional"], label="one network")
        (self.jpeg,) = plot.plot([], [], color=COLORS["baseline"], ls=LINES["baseline"], label="JPEG")
        self.asked = plot.axvline(-1, color=COLORS["data"], lw=1)
        (self.marker,) = plot.plot([], [], "o", ms=10, color=COLORS["conditional"], mec="black")
        plot.legend(loc="lower right")
        self.live = LiveFigure(made, [*self.shown[1:], self.asked, self.marker])
        self.facts: _Known | None = None

    def know(self, facts: _Known) -> None:
        """Draw what stays while the sliders move: another photograph, and the codecs' curves on it."""
        if facts is not self.facts:
            self.facts = facts
            self.shown[0].set_data(facts.pixels.permute(1, 2, 0).numpy())
            self.curve.set_data(facts.rate, facts.psnr)
            self.jpeg.set_data(facts.jpeg["rate"], facts.jpeg["psnr"])
            self.live.redraw()

    def show(
        self,
        codec: Codec,
        facts: _Known,
        weight: float,
        symbols: Symbols,
        data: bytes,
        asked: float | None = None,
    ):
        """A frame, and the numbers below it; the size that was asked for, in bytes, is a line in the plot."""
        self.know(facts)
        height, width = facts.pixels.shape[1:]
        decoded = codec.picture(symbols, height, width, weight)
        rate, psnr = 8 * len(data) / (height * width), quality(facts.pixels, decoded, similarity=False)["psnr"]
        bits = bits_map(codec, symbols)[: -(-height // 16), : -(-width // 16)]  # without the padding
        top = max(float(bits.max()), 1e-3)
        self.shown[1].set_data(decoded.permute(1, 2, 0).numpy())
        self.shown[2].set_data((255 * colormaps["magma"](bits / top)[..., :3]).astype(np.uint8))
        self.marker.set_data([rate], [psnr])
        if asked is not None:
            self.asked.set_xdata([8 * asked / (height * width)] * 2)
        return self.live.frame(), {
            **({} if asked is None else {"bytes asked for": f"{round(asked):,}"}),
            "bytes": f"{len(data):,}",
            "bits per pixel": rate,
            "PSNR in dB": psnr,
            "most in a block, bits per pixel": top,
            "JPEG of that size, dB": _at(facts.jpeg, rate),
        }


def _at(curve: Mapping[str, Tensor], rate: float) -> float | str:
    """PSNR of a curve at a rate; in words where it does not reach so low or so high."""
    rates = curve["rate"].numpy()
    if not rates[0] <= rate <= rates[-1]:
        return "has no such size"
    return float(np.interp(np.log(rate), np.log(rates), curve["psnr"].numpy()))
