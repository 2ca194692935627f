"""Edited pictures: changed where the mask says so, and nowhere else."""

import pytest
import torch
from PIL import Image

from lossconditioning.datasets import editing, harmonisation, scenery
from lossconditioning.datasets.edited import MOVED, PASTED
from lossconditioning.datasets.stickers import STICKERS, sticker
from lossconditioning.errors import ReaderError


@pytest.mark.parametrize(("make", "known"), [(harmonisation, PASTED), (editing, MOVED)])
@pytest.mark.parametrize("size", [58, 130])
def test_pictures_are_changed_where_the_mask_says(make, known, size):
    edits = make(size)
    assert list(edits) == list(known)
    trained_on = scenery(50, size=size)
    for name, edit in edits.items():
        assert edit.picture.shape == edit.original.shape == trained_on.shape[1:], name
        assert (edit.mask.shape, edit.mask.dtype) == ((1, *edit.picture.shape[1:]), torch.bool)
        assert torch.equal(edit.original, trained_on[edit.number])
        changed = (edit.picture != edit.original).any(0, keepdim=True)
        assert not (changed & ~edit.mask).any(), name
        assert changed[edit.mask].float().mean() > 0.7, name
        assert 0.02 < edit.mask.float().mean() < 0.5, name


def test_a_pasted_flower_is_the_photographs():
    """Its middle is opaque: the picture there is the sticker."""
    edit = harmonisation(130)["flower in the pond"]
    rows, columns = edit.mask[0].any(1).nonzero().flatten(), edit.mask[0].any(0).nonzero().flatten()
    middle = edit.picture[:, int(rows.float().mean()), int(columns.float().mean())].int()
    assert middle[0] > middle[2] + 60  # orange, where the pond is blue


def test_moved_patches_are_copies():
    edit = editing(100)["second temple"]
    assert torch.equal(edit.picture[:, 3:67, 56:98], edit.original[:, 3:67, 10:52])


@pytest.mark.parametrize("name", STICKERS)
def test_stickers_are_opaque_within_and_clear_at_the_corners(name):
    made = sticker(name, 64)
    assert (made.shape, made.dtype) == ((4, 64, 64), torch.uint8)
    assert made[3, ::63, ::63].max() == 0
    assert 0.1 < (made[3] > 250).float().mean() < 0.9


def test_an_unknown_sticker_is_answered_with_the_known_ones():
    with pytest.raises(ReaderError, match=r"There is no sticker 'ballon'. Did you mean 'balloon'"):
        sticker("ballon", 64)


@pytest.fixture
def folder(tmp_path):
    """One picture to harmonise and two to edit, as SinGAN names its files."""
    place = tmp_path / "single_image"
    for part in ("Harmonization", "Editing"):
        (place / part).mkdir(parents=True)
    Image.new("RGB", (40, 40), (9, 9, 9)).save(place / "Editing" / "stone.png")
    Image.new("RGB", (40, 40), (1, 1, 1)).save(
        place / "Harmonization" / "street_naive.png"
    )  # of another size than its mask
    Image.new("RGB", (80, 60), (5, 5, 5)).save(place / "Harmonization" / "street.jpg")
    for number, mask in ((1, (0, 0, 20, 40)), (12, (20, 0, 40, 40))):
        picture = Image.new("L", (40, 40))
        picture.paste(255, mask)
        picture.save(place / "Editing" / f"stone_edit_{number}_mask.png")
        Image.new("RGB", (40, 40), (number, 0, 0)).save(place / "Editing" / f"stone_edit_{number}.png")
    picture.save(place / "Harmonization" / "street_naive_mask.png")
    return tmp_path


def test_singans_pictures_are_read_with_their_masks(folder):
    edits = editing(32, folder)
    assert list(edits) == ["stone_edit_1", "stone_edit_12"]
    for name, red, column in (("stone_edit_1", 1, slice(2, 14)), ("stone_edit_12", 12, slice(18, 30))):
        edit = edits[name]
        assert edit.picture[:, 0, 0].tolist() == [red, 0, 0]
        assert edit.original[:, 0, 0].tolist() == [9, 9, 9]
        assert edit.mask[..., column].all()
        assert edit.mask.float().mean() == pytest.approx(0.5, abs=0.05)
        assert (edit.mask.shape, edit.number) == ((1, 24, 32), None)
    assert list(harmonisation(32, folder)) == ["street_naive"]


def test_a_mask_without_its_picture_or_original_is_refused(folder):
    (folder / "single_image" / "Editing" / "stone.png").unlink()
    with pytest.raises(ReaderError, match=r"has a mask stone_edit_1_mask, but no picture stone. Add it"):
        editing(32, folder)
    (folder / "single_image" / "Harmonization" / "street_naive_mask.png").unlink()
    with pytest.raises(ReaderError, match="has no mask"):
        harmonisation(32, folder)
    with pytest.raises(ReaderError, match="Its pictures are in the authors' repositories"):
        editing(32, folder / "nowhere")


@pytest.mark.parametrize("size", [31, 257, 64.0, None])
def test_sizes_out_of_range_are_refused(size):
    for make in (harmonisation, editing):
        with pytest.raises(ReaderError, match="size"):
            make(size)
