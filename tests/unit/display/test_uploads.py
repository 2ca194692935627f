"""The control for a picture of the reader's own: chosen, uploaded, set by program; what fails changes nothing."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from picture_files import COLOUR, encoded, uploaded
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.display import Picture, Upload, explore, open_picture

pytestmark = pytest.mark.filterwarnings("error")


def plain(value: float, height: int = 4, width: int = 4) -> torch.Tensor:
    return torch.full((3, height, width), value)


@pytest.fixture
def upload() -> Upload:
    return Upload({"night": plain(0.1), "day": plain(0.9)}, size=8)


@pytest.fixture
def control(upload):
    return upload.widget("picture")


def bring(control, data: bytes, name: str = "mine.png") -> None:
    """What ipywidgets does when a file arrives."""
    control._button.set_state({"value": [{**uploaded(data, name)[0], "last_modified": 0}]})


def test_it_starts_with_the_first_picture(control, upload):
    assert control.value is upload.value
    assert (control.value.name, control.value.pixels.shape) == ("night", (3, 8, 8))
    assert control._choice.description == "picture"


def test_choosing(control):
    control._choice.value = control._choice.options[1][1]
    assert control.value.name == "day"


def test_uploading_once_is_one_change_and_can_be_chosen_again(control, upload):
    seen = []
    control.observe(lambda change: seen.append(change.new.name), names="value")
    bring(control, encoded(COLOUR, "PNG"), "cat.png")
    assert seen == ["cat.png"]
    assert control._button.value == ()
    control._choice.value = upload.pictures["day"]
    control._choice.value = control._choice.options[-1][1]
    assert seen == ["cat.png", "day", "cat.png"]
    assert [label for label, _ in control._choice.options] == ["night", "day", "cat.png (yours)"]
    bring(control, encoded(COLOUR, "BMP"), "cat.bmp")  # the same pixels
    assert len(control._choice.options) == 3
    assert len(seen) == 3


def test_what_fails_is_said_and_changes_nothing(control):
    bring(control, encoded(COLOUR, "PNG"), "cat.png")
    before = control.value
    for _ in range(2):
        bring(control, b"<b>no</b>", "<i>.png")
        assert control.value is before
        assert control._choice.value is before
        assert "&#x27;&lt;i&gt;.png&#x27; is text" in control._message.value
        assert "The picture before it stays." in control._message.value
        assert control._button.value == ()
    bring(control, encoded(COLOUR, "BMP"), "cat.bmp")
    assert control._message.value == ""


def test_a_choice_takes_the_message_away(control, upload):
    bring(control, b"")
    assert "empty" in control._message.value
    control._choice.value = upload.pictures["day"]
    assert control._message.value == ""


def test_pictures_are_cut_to_their_middle_and_scaled():
    wide = torch.cat([plain(0.0, 10, 15), plain(1.0, 10, 10), plain(0.0, 10, 15)], dim=2)
    for picture in (wide, wide.transpose(1, 2)):
        for size in (5, 10, 20):
            made = Upload({"wide": picture}, size=size).value.pixels
            assert made.shape == (3, size, size)
            assert float(made.min()) == pytest.approx(1.0)
    assert Upload({"wide": wide}).value.pixels.shape == (3, 10, 40)


def test_pictures_are_cut_to_a_shape():
    wide = torch.cat([plain(0.0, 10, 15), plain(1.0, 10, 20), plain(0.0, 10, 15)], dim=2)
    for size in ((10, 20), (5, 10), (20, 40)):
        made = Upload({"wide": wide}, size=size).value.pixels
        assert made.shape == (3, *size)
        assert float(made.min()) == pytest.approx(1.0)
    tall = torch.cat([plain(0.0, 10, 20), plain(1.0, 10, 20), plain(0.0, 20, 20)], dim=1)
    assert float(Upload({"tall": tall}, size=(10, 20)).value.pixels.min()) == 1.0  # a third from above
    assert Upload({"dot": plain(1.0, 1, 1)}, size=(2, 30)).value.pixels.shape == (3, 2, 30)


def test_a_picture_is_told_by_its_pixels(upload):
    same, other = Picture("a", plain(0.1)), Picture("b", plain(0.1))
    assert same == other
    assert hash(same) == hash(other)
    assert upload.key(same) == upload.key(other)
    assert same != Picture("a", plain(0.2))
    assert Picture("a", torch.zeros(3, 2, 6)) != Picture("a", torch.zeros(3, 6, 2))
    assert hash(upload) is not None


def test_by_program(upload):
    assert upload.check("picture", "day") is upload.pictures["day"]
    made = upload.check("picture", plain(0.5, 20, 30))
    assert (made.name, made.pixels.shape) == ("picture", (3, 8, 8))
    assert upload.check("picture", Picture("mine", plain(0.5, 20, 30))).name == "mine"
    assert [picture.name for picture in upload.positions(5)] == ["night", "day"]
    assert [picture.name for picture in upload.positions(1)] == ["night"]
    assert upload.note("picture", made) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("dya", "no picture to choose 'dya'. Did you mean 'day'"),
        (torch.zeros(4, 4), r"got \(4, 4\)"),
        (torch.zeros(1, 3, 4, 4), "got"),
        (torch.zeros(3, 0, 4), "got"),
        (np.zeros((3, 4, 4)), "got a ndarray"),
        (None, "got a NoneType"),
        (255 * torch.ones(3, 4, 4), "Divide 8-bit values by 255"),
        (torch.full((3, 4, 4), torch.nan), "got nan"),
    ],
)
def test_values_by_program_are_checked(upload, value, said):
    with pytest.raises(ReaderError, match=said):
        upload.check("picture", value)


@pytest.mark.parametrize("given", [{}, None, [plain(0.1)], {"night": 3}])
def test_it_needs_a_picture_to_begin_with(given):
    with pytest.raises(ReaderError, match="tensor"):
        Upload(given)


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", (8, 0), (8, 8, 8), [8, 8]])
def test_the_size_is_whole_numbers(size):
    with pytest.raises(ReaderError, match="size"):
        Upload({"night": plain(0.1)}, size=size)


def test_a_file_as_ipywidgets_7_has_it_is_taken(control, monkeypatch):
    """Colab's: files by name instead of a tuple, and a value that only set_trait may change."""
    emptied = []
    monkeypatch.setattr(control._button, "set_trait", lambda name, value: emptied.append((name, value)))
    file = {"metadata": {"name": "cat.png", "type": "image/png"}, "content": encoded(COLOUR, "PNG")}
    control._uploaded(SimpleNamespace(new={"cat.png": file}))
    assert (control.value.name, control.value.pixels.shape) == ("cat.png", (3, 8, 8))
    assert emptied == [("value", {})]


def test_of_a_hundred_uploads_the_last_few_are_kept():
    """In the control and in its panel, brought or set by program."""

    def render(picture):
        return encoded(Image.new("L", (8, 8), round(255 * float(picture.pixels.mean()))), "PNG")

    panel = explore(render, alt="a picture", picture=Upload({"night": plain(0.1)}))
    control = panel._widgets["picture"]
    seen = []
    for number in range(100):
        file = encoded(Image.new("RGB", (20, 20), (2 * number,) * 3), "PNG")
        bring(control, file, f"{number}.png") if number % 2 else panel.set(picture=open_picture(file))
        seen.append(weakref.ref(control.value))
        assert [picture for _, picture in control._choice.options][-1] is control.value
    gc.collect()
    assert [number for number, picture in enumerate(seen) if picture() is not None] == [96, 97, 98, 99]
    assert [name for name, _ in control._choice.options] == [
        "night",
        *("picture (yours)", "97.png (yours)", "picture (yours)", "99.png (yours)"),
    ]
    control._choice.value = control._choice.options[2][1]
    assert panel.image == encoded(Image.new("L", (8, 8), 2 * 97), "PNG")
    panel.set(picture="night")
    assert len(control._choice.options) == 5
