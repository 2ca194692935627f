"""Pictures for single-picture GANs that need no file: mixed, all different, nothing shared between parts."""

import hashlib
import itertools
import subprocess
import sys

import pytest
import skimage.data._fetchers
import torch

from lossconditioning.datasets import dataset, scenery, scenery_names, scenic
from lossconditioning.datasets.scenic_kinds import KINDS, _land, _painted, height_of
from lossconditioning.datasets.scenic_photographs import CROPS, _whole, crop, photograph
from lossconditioning.datasets.valley import PLACES
from lossconditioning.errors import ReaderError


def texture(pictures):
    """Mean absolute difference of neighbouring pixels, across plus down, of each picture's lightness in [0, 255]."""
    grey = pictures.float().mean(1)
    return sum(grey.diff(dim=axis).abs().flatten(1).mean(1) for axis in (1, 2))


def test_registered():
    assert (dataset("scenery").load, dataset("scenery").fetch) == (scenery, None)


@pytest.mark.parametrize(("size", "height"), [(32, 24), (58, 44), (130, 98), (256, 192)])
def test_heights_are_three_quarters_rounded(size, height):
    pictures = scenery(5, size=size)
    assert pictures.shape == (5, 3, height, size)
    assert pictures.dtype == torch.uint8
    assert height_of(size) == height


def test_the_first_of_many_are_the_first_of_few():
    assert torch.equal(scenery(4, size=40), scenery(9, size=40)[:4])
    assert scenery_names(4) == scenery_names(9)[:4]


def test_same_pixels_every_time(monkeypatch):
    before = scenery(10, size=40)
    monkeypatch.setattr(scenic, "_picture", scenic._picture.__wrapped__)  # without cache
    assert torch.equal(before, scenery(10, size=40))


def test_same_pixels_in_another_process():
    code = "import hashlib; from lossconditioning.datasets import scenery; "
    code += "print(hashlib.sha256(scenery(5, size=40).numpy().tobytes()).hexdigest())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(scenery(5, size=40).numpy().tobytes()).hexdigest()


def test_what_a_reader_does_with_a_picture_stays_theirs():
    scenery(5, size=40).zero_()
    assert scenery(5, size=40).amax((1, 2, 3)).all()


@pytest.mark.parametrize(("split", "count"), [("train", 400), ("test", 100)])
def test_neighbours_are_of_different_kinds(split, count):
    kinds = [kind for kind, _ in scenic._turns(count, split)]
    assert all(one != other for one, other in itertools.pairwise(kinds))


def test_twenty_are_a_mixture():
    kinds = [kind for kind, _ in scenic._turns(20, "train")]
    assert {kind: kinds.count(kind) for kind in KINDS} == {"landscape": 8, "painted": 4, "valley": 4, "photograph": 4}
    assert len(set(scenery_names(20))) == 20


@pytest.mark.parametrize(("split", "count"), [("train", 200), ("test", 40)])
def test_no_two_pictures_are_alike(split, count):
    pictures = scenery(count, split, 32).float().flatten(1)
    apart = torch.cdist(pictures, pictures) / pictures.shape[1] ** 0.5  # root mean square, in shades of 255
    assert apart.fill_diagonal_(255).min() > 4


@pytest.mark.parametrize(("split", "count"), [("train", 50), ("test", 20)])
def test_no_picture_is_nearly_empty(split, count):
    assert texture(scenery(count, split, 64)).min() > 6


def test_no_place_is_both_trained_on_and_tested_with():
    def shown(split):
        lands = {("land", _land(split, number)[1]) for number in range(400)}
        painted = {_painted(split, number)[0] for number in range(KINDS["painted"].count(split))}
        taken = {crop(split, number)[0] for number in range(KINDS["photograph"].count(split))}
        return lands | painted | taken | {("valley", place) for place in PLACES[split]}

    assert not shown("train") & shown("test")
    assert not (scenery(100, size=32)[:, None] == scenery(20, "test", 32)[None]).flatten(2).all(2).any()


def test_more_than_were_chosen_can_be_had():
    """Kinds of which there are only so many leave their turns to others."""
    names = scenery_names(10_000)
    assert len(names) == 10_000
    assert {name.split(",")[0] for name in names[9_000:]} == {"land", "valley"}
    kind, turn = scenic._turns(10_000, "train")[-1]
    assert KINDS[kind].picture("train", turn, 32).shape == (3, 24, 32)


@pytest.mark.parametrize("split", CROPS)
def test_every_crop_of_a_photograph_is_within_it(split):
    count = KINDS["photograph"].count(split)
    assert all(photograph(split, number, 40, 30).shape == (3, 30, 40) for number in range(count))


def test_photographs_are_installed_and_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr(skimage.data._fetchers, "_image_fetcher", None)  # then what is not installed is refused
    monkeypatch.setattr(skimage.data._fetchers, "data_dir", str(tmp_path), raising=False)
    for name in [name for part in CROPS.values() for name in part]:
        assert _whole.__wrapped__(name).shape[0] == 3


def test_numbers_that_do_not_do():
    with pytest.raises(ReaderError, match=r"There is no split 'tset'. Did you mean 'test'"):
        scenery(5, "tset")
    with pytest.raises(ReaderError, match=r"A part has 10,000 pictures; asked for 10,001"):
        scenery(10_001)
    for size in (31, 257, 64.0, True):
        with pytest.raises(ReaderError, match="size"):
            scenery(5, size=size)
    for count in (0, -1, 2.5, None):
        with pytest.raises(ReaderError, match="count must be a whole number"):
            scenery_names(count)
