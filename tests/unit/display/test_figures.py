"""Figures redraw what moves like fresh ones, keep colours, and carry alt text."""

import io

import numpy as np
import pytest
from PIL import Image

from lossconditioning.display import LiveFigure, figure, film_strip, png, show


def shade(value: float) -> bytes:
    """A PNG whose grey tells the value in [0, 1]."""
    buffer = io.BytesIO()
    Image.new("L", (40, 20), round(255 * min(1, max(0, value)))).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_live_figure_redraws_like_a_fresh_one():
    def stage(height):
        made, (axis,) = figure(size=(4, 2))
        (line,) = axis.plot([0, 1], [height, height])
        axis.set(xlim=(0, 1), ylim=(0, 1))
        return made, line

    made, line = stage(0.2)
    live = LiveFigure(made, [line])
    live.frame()
    line.set_ydata([0.8, 0.8])
    moved = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    fresh = np.asarray(Image.open(io.BytesIO(png(stage(0.8)[0]))).convert("RGB"), dtype=int)
    assert np.abs(moved - fresh).mean() < 1
    assert np.abs(moved - np.asarray(Image.open(io.BytesIO(png(stage(0.2)[0]))).convert("RGB"))).mean() > 1


def test_a_live_figures_still_parts_change_when_it_is_told():
    made, (axis,) = figure(size=(4, 2))
    line, still = axis.plot([0, 1], [0.2, 0.2], [0, 1], [0.5, 0.5])
    live = LiveFigure(made, [line])
    before = live.frame()
    still.set_ydata([0.9, 0.9])
    assert live.frame() == before
    live.redraw()
    assert live.frame() != before


def test_a_live_figure_puts_pictures_where_imshow_does():
    content = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)

    def stage(pixels):
        made, (left, right) = figure(2, size=(5, 2.3))
        right.plot([0, 1])
        left.set_title("a picture")
        return made, left.imshow(pixels, interpolation="nearest")

    made, shown = stage(np.full_like(content, 255))
    live = LiveFigure(made, [shown])
    shown.set_data(content)
    pasted = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    drawn = np.asarray(Image.open(io.BytesIO(png(stage(content)[0]))).convert("RGB"), dtype=int)
    # Of 500 columns and 230 rows, a shift by one pixel would change a fifth of the picture by 80 or more.
    assert (np.abs(pasted - drawn).max(axis=2) > 40).mean() < 0.03


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (np.linspace(0, 1, 64).reshape(8, 8), {"cmap": "viridis"}),
        (np.random.default_rng(0).random((8, 8, 3)), {}),
        (np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8), {"origin": "lower"}),
        (np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8), {"zoom": (2, 5)}),
    ],
    ids=["numbers", "floats", "first row at the bottom", "zoomed in"],
)
def test_a_live_figure_leaves_other_pictures_to_matplotlib(content, options):
    zoom = options.pop("zoom", None)

    def stage(pixels):
        made, (axis,) = figure(size=(3, 3))
        shown = axis.imshow(pixels, interpolation="nearest", **options)
        if zoom:
            axis.set(xlim=zoom, ylim=zoom[::-1])
        return made, shown

    made, shown = stage(np.zeros_like(content))
    shown.set_clim(0, 1)
    live = LiveFigure(made, [shown])
    shown.set_data(content)
    moved = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    drawn = np.asarray(Image.open(io.BytesIO(png(stage(content)[0]))).convert("RGB"), dtype=int)
    assert (np.abs(moved - drawn).max(axis=2) > 40).mean() < 0.03


def test_film_strips_stack_rows():
    strip = Image.open(io.BytesIO(film_strip([shade(0), shade(0.5), shade(1)], width=200, columns=2)))
    assert strip.size == (200, 100)


def rainbow() -> np.ndarray:
    """Far more than 256 colours, uint8 ``(64, 64, 3)``."""
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    return np.stack([4 * across, 4 * down, 2 * (across + down)], axis=-1).astype(np.uint8)


def test_photographs_keep_their_colours():
    buffer = io.BytesIO()
    Image.fromarray(rainbow()).save(buffer, "PNG")
    few, all_of_them = (
        Image.open(io.BytesIO(film_strip([buffer.getvalue()], 64, 1, photographs=photographs)))
        for photographs in (False, True)
    )
    assert (few.format, all_of_them.format) == ("PNG", "JPEG")
    assert len(few.convert("RGB").getcolors(1 << 16)) <= 256
    assert len(all_of_them.getcolors(1 << 16)) > 1000
    assert np.abs(np.asarray(all_of_them, dtype=int) - rainbow()).mean() < 4


def test_a_figure_of_photographs_is_shown_as_a_jpeg(monkeypatch):
    shown = []
    monkeypatch.setattr("lossconditioning.display.figures.display", shown.append)
    for photographs in (False, True):
        made, (axis,) = figure(size=(2, 2))
        axis.imshow(rainbow())
        show(made, alt="Colours of all kinds.", caption="Figure 1. Colours.", photographs=photographs)
    pictures = [Image.open(io.BytesIO(image.data)) for image in shown[::2]]
    assert [picture.format for picture in pictures] == ["PNG", "JPEG"]
    assert pictures[0].size == pictures[1].size
    assert [image.metadata["alt"] for image in shown[::2]] == 2 * ["Colours of all kinds."]
