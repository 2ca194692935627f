"""Photographs from wherever there are some, crops and squares of them, and paintings to learn from."""

import pytest
import torch
from PIL import Image
from small_painters import SIDE

from lossconditioning import ReaderError
from lossconditioning.datasets import paintings, photographs
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.painting import (
    crops,
    held_out_photographs,
    middle_square,
    squares,
    styles,
    training_photographs,
)


def filled(folder, grey, count):
    """A folder of pictures with one grey value each, counted up."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (50, 40), (grey + number,) * 3).save(folder / f"{number:02d}.png")


def test_photographs_come_from_bsds500_where_a_folder_has_it(tmp_path, capsys):
    filled(tmp_path / "bsds500" / "train", 100, 3)
    filled(tmp_path / "bsds500" / "val", 200, 4)
    filled(tmp_path / "paintings" / "mine", 50, 1)
    training, held_out = training_photographs(tmp_path), held_out_photographs(tmp_path)
    assert [int(picture[0, 0, 0]) for picture in training.pictures.values()] == [100, 101, 102]
    assert [int(picture[0, 0, 0]) for picture in held_out.pictures.values()] == [200, 201, 202, 203]
    assert (training.source, held_out.source) == ("bsds500/train, 3 photographs", "bsds500/val, 4 photographs")
    few = held_out_photographs(tmp_path, 2)
    assert [int(picture[0, 0, 0]) for picture in few.pictures.values()] == [200, 201]
    assert "first 2 of" in few.source
    assert capsys.readouterr().err == ""


def test_a_readers_own_folder_of_photographs_will_do(tmp_path):
    filled(tmp_path / "trip", 10, 2)
    filled(tmp_path / "paintings", 50, 1)
    for found in (training_photographs(tmp_path), held_out_photographs(tmp_path)):
        assert [int(picture[0, 0, 0]) for picture in found.pictures.values()] == [10, 11]
        assert found.source == f"{tmp_path.name}, 2 photographs"


def test_an_empty_folder_is_said_to_be_so(tmp_path):
    with pytest.raises(ReaderError, match="There is no picture in"):
        training_photographs(tmp_path)


def test_the_stand_in_is_said_aloud_and_given_up_once_there_are_photographs(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    found = held_out_photographs()
    assert len(found.pictures) == 6
    assert found.source == STAND_IN
    assert f"There is no bsds500/val in {tmp_path}; used instead: {STAND_IN}." in capsys.readouterr().err
    filled(tmp_path / "bsds500" / "val", 200, 2)
    assert held_out_photographs().source == "bsds500/val, 2 photographs"


def test_squares_are_the_middles_of_photographs():
    found = squares(list(photographs().values())[:2], 20)
    assert found.shape == (2, 3, 20, 20)
    expected = middle_square(photographs()["chelsea"], 20)
    assert torch.equal(found[1], expected)


# Crops --------------------------------------------------------------------------------------------------------------------


def slope(height, width):
    """A photograph that grows redder to the right and greener downwards; blue in all of it."""
    rows, columns = torch.linspace(0, 255, height)[:, None], torch.linspace(0, 255, width)
    return torch.stack(
        [columns.expand(height, width), rows.expand(height, width), torch.full((height, width), 90.0)]
    ).byte()


def test_crops_are_squares_at_random_places_and_scales_mirrored_half_of_the_time():
    found = crops([slope(60, 90), slope(40, 40)], SIDE, 120, seed=0)
    assert found.shape == (120, 3, SIDE, SIDE)
    assert 0 <= found.min() <= found.max() <= 1
    assert found[:, 2].sub(90 / 255).abs().max() < 1e-3
    across, down = found[:, 0, 16, -1] - found[:, 0, 16, 0], found[:, 1, -1, 16] - found[:, 1, 0, 16]
    mirrored = across < 0
    assert 40 <= mirrored.sum() <= 80
    assert (down > 0).all()  # but never upside down
    # Of the shorter side a crop shows between 1 / 1.6 and all.
    assert 0.55 < down.min() < 0.68
    assert 0.92 < down.max() <= 1
    assert len(found[:, 0, 0, 0].mul(100).round().unique()) > 20


def test_crops_are_a_function_of_seed_and_number():
    photos = list(photographs().values())[:3]
    found = crops(photos, SIDE, 6, seed=3)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert torch.equal(crops(photos, SIDE, 3, seed=3, first=3), found[3:])
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(crops(photos, SIDE, 6, seed=4), found)
    assert not torch.equal(found[0], found[1])


# Squares ------------------------------------------------------------------------------------------------------------------


def test_the_middle_of_a_picture_is_cut_and_scaled():
    wide = torch.zeros(3, 40, 100, dtype=torch.uint8)
    wide[0, :, 30:70] = 255  # the square in the middle is red
    found = middle_square(wide, 16)
    assert (found.shape, found.dtype) == ((3, 16, 16), torch.float32)
    assert found[0].min() > 0.999
    assert found[1:].abs().max() == 0
    torch.testing.assert_close(middle_square(wide.transpose(1, 2), 16), found)
    exact = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(middle_square(exact, 32), exact / 255)


# Styles -------------------------------------------------------------------------------------------------------------------


def test_the_styles_are_the_built_in_paintings_where_a_reader_has_none(tmp_path):
    filled(tmp_path / "trip", 10, 2)
    for found in (styles(), styles(tmp_path)):
        assert list(found.pictures) == list(paintings())
        assert found.source == "the built-in paintings"


def test_a_readers_own_paintings_take_their_place(tmp_path):
    filled(tmp_path / "styles", 100, 16)
    found = styles(tmp_path)
    assert list(found.pictures) == [f"{number:02d}" for number in range(14)]
    assert found.source == "paintings in styles"
    assert {(picture.dtype, tuple(picture.shape)) for picture in found.pictures.values()} == {
        (torch.uint8, (3, 256, 320))
    }
    filled(tmp_path / "trip", 10, 2)
    assert training_photographs(tmp_path).pictures.keys() == {"trip/00", "trip/01"}  # they are not painted themselves


def test_too_few_paintings_to_learn_are_refused(tmp_path):
    filled(tmp_path / "styles", 100, 3)
    with pytest.raises(ReaderError, match=r"14 paintings; .*styles has 3. Add some"):
        styles(tmp_path)
    assert len(styles(tmp_path, 3).pictures) == 3
