"""Pictures in rows with labels, and blank ones for panels."""

import numpy as np
import pytest
import torch

from lossconditioning.display import LiveRow, blank_pictures, figure, look, picture_grid, to_bytes


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
    row, pictures = LiveRow(["given", ""], 4, size=(4, 2)), torch.rand(2, 3, 4, 4)
    assert [image.axes.get_title(loc="left") for image in row.shown] == ["given", ""]
    first = row.frame(pictures)
    for image, picture in zip(row.shown, pictures, strict=True):
        assert np.array_equal(image.get_array(), to_bytes(picture))
    assert row.frame(1 - pictures) != first
    assert row.frame(pictures) == first
    with pytest.raises(ValueError, match="zip"):
        row.frame(pictures[:1])


def test_a_role_has_one_look():
    assert look("fixed", 5) == {"color": "#D55E00", "ls": "--", "marker": "s", "ms": 5}
