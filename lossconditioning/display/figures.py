"""Figures a reader sees: one style, colour-blind-safe colours, alt text and a caption on every one."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from IPython.display import Image, Markdown, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image as Picture

from lossconditioning.errors import ReaderError

# Okabe and Ito's palette, readable with every common colour vision; roles keep their colour through the whole course.
COLORS = {
    "conditional": "#0072B2",  # blue: one network for every objective
    "fixed": "#D55E00",  # vermilion: a network per objective
    "optimum": "#000000",  # black: the best there can be
    "baseline": "#009E73",  # green: what is compared with
    "data": "#595959",  # grey: targets
    "accent": "#CC79A7",  # purple: anything else
}
# A second cue beside colour, so that nothing is told by colour alone.
LINES = {
    "conditional": "-",
    "fixed": "--",
    "optimum": ":",
    "baseline": "-.",
    "data": (0, (8, 2)),
    "accent": (0, (3, 1, 1, 1, 1, 1)),
}
MARKERS = {"conditional": "o", "fixed": "s", "baseline": "v", "accent": "^", "optimum": "D", "data": "x"}


def look(role: str, size: float = 4) -> dict[str, object]:
    """Colour, line style and marker of a role, as matplotlib's ``plot`` takes them."""
    return {"color": COLORS[role], "ls": LINES[role], "marker": MARKERS[role], "ms": size}


STYLE = {
    "figure.figsize": (9, 3.2),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def figure(
    columns: int = 1, rows: int = 1, size: tuple[float, float] | None = None, **options
) -> tuple[Figure, np.ndarray]:
    """A figure and a flat array of its axes. Sets matplotlib to the course's style, for what is drawn into it next."""
    mpl.rcParams.update(STYLE)
    made = Figure(figsize=size or STYLE["figure.figsize"])
    return made, made.subplots(rows, columns, squeeze=False, **options).ravel()


def png(made: Figure) -> bytes:
    """A figure as PNG bytes, on white, in 256 colours."""
    return _palette(_drawn(made))


def jpeg(made: Figure) -> bytes:
    """A figure of photographs as JPEG bytes, on white, in all colours."""
    return _full_colours(_drawn(made))


def _drawn(made: Figure) -> Picture.Image:
    buffer = io.BytesIO()
    FigureCanvasAgg(made).print_png(buffer, metadata={"Software": None})
    return Picture.open(buffer).convert("RGB")


def _palette(picture: Picture.Image) -> bytes:
    """A PNG of 256 colours: line figures lose nothing one can see, and weigh a third."""
    buffer = io.BytesIO()
    picture.quantize(256, dither=Picture.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _full_colours(picture: Picture.Image) -> bytes:
    """A JPEG: 256 colours turn a sky into stripes, and a PNG of all colours weighs several times as much."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88, optimize=True)
    return buffer.getvalue()


def snapshot(made: Figure) -> bytes:
    """A figure as a frame of a slider panel, see `LiveFigure.frame`."""
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    return _jpeg(canvas)


def _jpeg(canvas: FigureCanvasAgg) -> bytes:
    buffer = io.BytesIO()
    size = canvas.get_width_height(physical=True)
    # The canvas's own memory, not a copy: alpha is passed over as the file is written.
    pixels = Picture.frombuffer("RGBX", size, canvas.buffer_rgba(), "raw", "RGBX", 0, 1)
    pixels.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def show(made: Figure, *, alt: str, caption: str, photographs: bool = False) -> None:
    """Display a figure in a notebook, with alt text for who cannot see it and a caption that says what to see.

    Args:
        photographs: keep all colours, as a JPEG, where pictures are to be judged.

    Raises:
        ReaderError: if alt text or caption is missing.
    """
    if not alt.strip() or not caption.strip():
        raise ReaderError("Every figure needs alt text (what it shows) and a caption (what to see in it).")
    data, kind = (jpeg(made), "jpeg") if photographs else (png(made), "png")
    display(Image(data=data, format=kind, metadata={"alt": alt}))  # Colab's IPython has no alt=
    display(Markdown(f"*{caption}*"))


class LiveFigure:
    """A figure that redraws only what moves: the still parts are drawn once, so a frame takes milliseconds.

    Args:
        made: a finished figure, every axis with fixed limits.
        moving: the artists that change between frames (lines, bars, texts, pictures shown by ``imshow``).
    """

    def __init__(self, made: Figure, moving: Sequence):
        self.canvas = FigureCanvasAgg(made)
        self.moving = list(moving)
        for artist in self.moving:
            artist.set_animated(True)
        self.redraw()

    def redraw(self) -> None:
        """Draw the still parts anew, after one of them has changed; far slower than a frame."""
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.canvas.figure.bbox)

    def frame(self) -> bytes:
        """The present frame as JPEG bytes, fine enough that nobody sees it: a PNG takes several times as long to write."""
        self.canvas.restore_region(self.background)
        pixels = np.asarray(self.canvas.buffer_rgba())
        for artist in self.moving:
            if isinstance(artist, AxesImage) and _pastes(artist):
                self._paste(artist, pixels)
            else:
                artist.axes.draw_artist(artist)
        return _jpeg(self.canvas)

    @staticmethod
    def _paste(shown: AxesImage, pixels: np.ndarray) -> None:
        """Put a picture where imshow would, pixel by pixel enlarged: matplotlib resamples, which takes longer."""
        left, bottom, right, top = np.round(shown.get_window_extent().extents).astype(int)
        enlarged = Picture.fromarray(shown.get_array()).resize((right - left, top - bottom), Picture.Resampling.NEAREST)
        # Four numbers a pixel, as Pillow keeps them and the canvas has them; the fourth is 255.
        opaque = np.frombuffer(enlarged.tobytes("raw", "RGBX"), np.uint8)
        pixels[len(pixels) - top : len(pixels) - bottom, left:right] = opaque.reshape(top - bottom, right - left, 4)


def _pastes(shown: AxesImage) -> bool:
    """Whether a picture is plain enough to be pasted: 8-bit RGB, its first row on top, all of it within its axis."""
    content, frame = shown.get_array(), shown.axes.bbox.extents
    left, bottom, right, top = shown.get_window_extent().extents - frame
    plain = content.ndim == 3 and content.shape[2] == 3 and content.dtype == np.uint8 and shown.origin == "upper"
    return plain and min(left, bottom) > -0.5 and max(right, top) < 0.5


def film_strip(frames: Sequence[bytes], width: int = 1200, columns: int = 2, *, photographs: bool = False) -> bytes:
    """Frames in rows, scaled to a common width: what a slider panel shows where no kernel runs.

    Args:
        frames: PNG or JPEG bytes.
        photographs: a JPEG in all colours, as `show` has it; else a PNG of 256.
    """
    pictures = [Picture.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    each = width // columns
    pictures = [p.resize((each, round(p.height * each / p.width)), Picture.Resampling.LANCZOS) for p in pictures]
    height = max(p.height for p in pictures)
    strip = Picture.new("RGB", (width, height * -(-len(pictures) // columns)), "white")
    for index, picture in enumerate(pictures):
        strip.paste(picture, (index % columns * each, index // columns * height))
    return (_full_colours if photographs else _palette)(strip)
