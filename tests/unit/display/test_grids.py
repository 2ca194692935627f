"""Pictures in rows with labels, and blank ones for panels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning.display import LiveRow, blank_pictures, enlarged, exact_axes, figure, look, picture_grid, to_bytes


def test_pictures_become_bytes():
    picture = torch.tensor([-0.5, 0.0, 0.5, 1.0, 2.0, 0.499]).view(3, 1, 2).requires_grad_()
    assert to_bytes(picture).tolist() == [[[0, 128, 255], [0, 255, 127]]]
    whole = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    assert np.array_equal(to_bytes(whole), whole.permute(1, 2, 0).numpy())


@pytest.mark.parametrize("pixels", [False, True])
def test_a_grid_has_labels_where_they_belong(pixels):
    rows = {"first": torch.rand(3, 3, 8, 16), "second": [torch.rand(3, 8, 16)] * 3}
    made = picture_grid(rows, ["a", "b", "c"], side=2.0, below=["x", "y", "z"], pixels=pixels)
    axes = made.axes
    assert len(axes) == 6
    assert [axis.get_title() for axis in axes] == ["a", "b", "c", "", "", ""]
    assert [axis.get_xlabel() for axis in axes] == ["", "", "", "x", "y", "z"]
    assert [axis.get_ylabel() for axis in axes] == ["first", "", "", "second", "", ""]
    assert {axis.images[0].get_interpolation() for axis in axes} == {"nearest" if pixels else "antialiased"}
    assert made.get_size_inches().tolist() == pytest.approx([2.0 * 3 + 1.2, 1.0 * 2 + 0.4])
    assert np.array_equal(axes[1].images[0].get_array(), to_bytes(rows["first"][1]))


def test_a_grid_without_labels_leaves_no_room_for_them():
    assert picture_grid({"": torch.rand(2, 3, 4, 4)}, ["", ""], side=1.0).get_size_inches()[0] == 2.0
    blank = picture_grid({"": torch.rand(2, 3, 4, 4), " ": torch.rand(2, 3, 4, 4)}, ["", ""], side=1.0)
    assert blank.get_size_inches()[0] == 2.0


def test_blank_pictures_are_white_and_wait_for_their_content():
    made, axes = figure(3)
    shown = blank_pictures(axes, 4, 6, titles=["photograph", "painted"])
    assert len(made.axes) == 3
    assert [image.get_array().shape for image in shown] == [(4, 6, 3)] * 3
    assert all((image.get_array() == 255).all() for image in shown)
    assert [axis.get_title(loc="left") for axis in axes] == ["photograph", "painted", ""]
    assert not any(axis.axison for axis in axes)
    shown[0].set_data(to_bytes(torch.zeros(3, 4, 6)))
    assert not shown[0].get_array().any()


def test_a_live_row_shows_new_pictures_in_every_frame():
    row, pictures = LiveRow(["given", ""], 4), torch.rand(2, 3, 4, 4)
    assert [image.axes.get_title(loc="left") for image in row.shown] == ["given", ""]
    first = row.frame(pictures)
    for image, picture in zip(row.shown, pictures, strict=True):
        assert np.array_equal(image.get_array(), to_bytes(picture))
    assert row.frame(1 - pictures) != first
    assert row.frame(pictures) == first
    assert row.frame(pictures, "α = 1") != first
    with pytest.raises(ValueError, match="zip"):
        row.frame(pictures[:1])


def test_a_live_rows_pictures_are_as_many_pixels_as_they_say_and_not_resampled():
    row, colours = LiveRow(["", "", ""], 8, times=5), torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    frame = Image.open(io.BytesIO(row.frame(colours[:, :, None, None].expand(3, 3, 8, 8), "α = 0.5")))
    found = np.asarray(frame.convert("RGB")).astype(int)
    assert found.shape == (6 + 40 + 28, 3 * 52 + 12, 3)
    for column, colour in enumerate(colours):
        inside = found[6:46, 12 + column * 52 :][:, :40]
        assert np.abs(inside - 255 * colour.numpy()).max() <= 12  # a JPEG's
    assert (found[46:] < 128).any(), "nothing is said below"
    assert (found[:6] > 240).all()


def test_pictures_are_enlarged_smoothly_and_stay_colours():
    pictures = (torch.rand(2, 3, 4, 6) > 0.5).float()
    found = enlarged(pictures, 3)
    assert found.shape == (2, 3, 12, 18)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.equal(enlarged(pictures, 1), pictures)
    flat = torch.full((1, 3, 4, 4), 0.25)
    torch.testing.assert_close(enlarged(flat, 4), torch.full((1, 3, 16, 16), 0.25))


def test_exact_axes_have_whole_pixels():
    made, axes = exact_axes(3, 50, above=20, below=10, gap=5)
    assert made.get_size_inches().tolist() == [1.7, 0.8]
    for column, axis in enumerate(axes):
        corners = axis.get_window_extent().extents
        np.testing.assert_allclose(corners, [5 + column * 55, 10, 55 + column * 55, 60])


def test_a_role_has_one_look():
    assert look("fixed", 5) == {"color": "#D55E00", "ls": "--", "marker": "s", "ms": 5}


def test_every_row_of_a_grid_can_have_labels_of_its_own():
    rows = {"upper": [torch.rand(3, 8, 8)] * 2, "lower": [torch.rand(3, 8, 8)] * 2}
    made = picture_grid(rows, ["", ""], below={"upper": ["a", "b"], "lower": ["c", "d"]})
    assert [axis.get_xlabel() for axis in made.axes] == ["a", "b", "c", "d"]
    taller = made.get_figheight() - picture_grid(rows, ["", ""], below=["c", "d"]).get_figheight()
    assert 0 < taller < 0.5
