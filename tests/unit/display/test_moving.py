"""Pictures that move without a kernel: every frame is there, in its colours, and what can not move shows the first."""

import io

import numpy as np
import pytest
from PIL import Image

from lossconditioning.display import animation, show_moving
from lossconditioning.errors import ReaderError


def frame(color, size=(40, 30)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


COLORS = ("red", "lime", "blue", "white", "black")


def test_all_frames_are_there_in_order_and_in_their_colours():
    moving = Image.open(io.BytesIO(animation([frame(color) for color in COLORS], seconds=0.2)))
    assert (moving.format, moving.n_frames, moving.size, moving.info["loop"]) == ("PNG", 5, (40, 30), 0)
    for number, color in enumerate(COLORS):
        moving.seek(number)
        assert moving.info["duration"] == 200
        shown = np.array(moving.convert("RGB")).reshape(-1, 3)
        wanted = np.array(Image.new("RGB", (1, 1), color)).reshape(3)
        assert np.abs(shown.astype(int) - wanted).max() <= 8, color


def test_what_knows_no_animations_shows_the_first_frame():
    data = animation([frame("red"), frame("blue")])
    assert data.index(b"IDAT") < data.index(b"fdAT")  # the picture of plain PNG comes first
    assert Image.open(io.BytesIO(data)).convert("RGB").getpixel((5, 5))[0] > 240


def test_frames_of_several_sizes_and_none_are_refused():
    with pytest.raises(ReaderError, match="all of one size"):
        animation([frame("red"), frame("red", (41, 30))])
    with pytest.raises(ReaderError, match="got 0"):
        animation([])
    with pytest.raises(ReaderError, match="seconds"):
        animation([frame("red")], seconds=0)


def test_it_is_displayed_with_alt_text_and_caption(monkeypatch):
    shown = []
    monkeypatch.setattr("lossconditioning.display.moving.display", shown.append)
    show_moving([frame("red"), frame("blue")], alt="Red, then blue.", caption="Two colours.")
    picture, caption = shown
    assert picture.metadata == {"alt": "Red, then blue."}
    assert picture.data.startswith(b"\x89PNG")
    assert caption.data == "*Two colours.*"
    for missing in ({"alt": " ", "caption": "x"}, {"alt": "x", "caption": ""}):
        with pytest.raises(ReaderError, match="alt text"):
            show_moving([frame("red")], **missing)
