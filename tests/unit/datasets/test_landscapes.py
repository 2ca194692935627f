"""Landscapes: the same every time, one place in every season, each season its own, none of them flat."""

import sys
import threading

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, dataset
from lossconditioning.datasets.landscapes import FIRST, SEASONS, landscape, landscapes
from lossconditioning.datasets.landscapes.noise import TILE, at, between, colors, fractal
from lossconditioning.datasets.landscapes.terrain import STEPS, Ground, Scene
from lossconditioning.datasets.landscapes.trees import stamps

SIDE = 64


@pytest.fixture(scope="module")
def gallery():
    """Four places in every season: name → ``(4, 3, 64, 64)``."""
    return {name: torch.stack([landscape(number, name, SIDE) for number in range(4)]) for name in SEASONS}


@pytest.mark.parametrize("size", [16, 33, 128])
def test_they_are_pictures_of_the_size_asked_for(size):
    picture = landscape(3, "autumn", size)
    assert (picture.dtype, picture.shape) == (torch.uint8, (3, size, size))
    assert picture.is_contiguous()


def test_every_call_gives_the_same_pixels_also_in_threads(gallery):
    found = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: landscape(n, "winter", SIDE)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.stack([found[number] for number in range(4)]), gallery["winter"])


def test_no_generator_of_the_readers_is_touched():
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    landscape(0, "night", 16)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_places_and_seasons_all_differ(gallery):
    every = torch.cat(list(gallery.values())).float().flatten(1)
    distance = torch.cdist(every, every).fill_diagonal_(torch.inf) / every.shape[1] ** 0.5
    assert distance.min() > 8


def test_a_place_keeps_its_outline_from_season_to_season(gallery):
    def edges(picture):
        grey = picture.float().mean(0)
        return torch.stack([grey.diff(dim=0)[:, 1:], grey.diff(dim=1)[1:]]).norm(dim=0).flatten()

    for number in range(4):
        here, there = edges(gallery["summer"][number]), edges(gallery["spring"][number])
        elsewhere = edges(gallery["spring"][(number + 1) % 4])
        same, other = (torch.corrcoef(torch.stack([here, one]))[0, 1] for one in (there, elsewhere))
        assert same > 0.6
        assert same > other + 0.2


def test_seasons_have_the_colours_they_are_named_after(gallery):
    def mean(name, rows=slice(SIDE * 2 // 3, None)):
        return gallery[name][:, :, rows].float().mean((0, 2, 3)) / 255  # of the ground, mostly

    red, green, blue = mean("summer")
    assert green > red > blue
    red, green, blue = mean("autumn")
    assert red > green > blue
    assert mean("winter").min() > mean("summer").max()
    assert mean("night").max() < 0.35
    sky = slice(0, SIDE // 4)
    assert mean("dusk", sky)[0] > mean("dusk", sky)[1]  # red skies
    assert mean("summer", sky)[2] > mean("summer", sky)[0] + 0.1  # blue ones
    colour = {name: float((pictures.amax(1) - pictures.amin(1)).float().mean()) for name, pictures in gallery.items()}
    assert colour["mist"] < 0.5 * colour["summer"]


def test_none_is_flat_or_burnt_out(gallery):
    for name, pictures in gallery.items():
        assert pictures.float().std((2, 3)).mean(1).min() > 8, name
        assert (pictures == 255).float().mean() < 0.05, name
        assert (pictures == 0).float().mean() < 0.15, name
        assert all(len(picture.flatten(1).unique(dim=1).T) > 1000 for picture in pictures), name  # many colours


def test_no_place_is_in_two_parts_or_two_seasons(monkeypatch):
    asked, module = [], sys.modules[landscape.__module__]  # the package's attribute of that name is the function
    monkeypatch.setattr(module, "landscape", lambda n, season, size: asked.append(n) or torch.zeros(3, size, size))
    for season in SEASONS:
        for split in FIRST:
            landscapes(season, 3, split, 16)
    assert len(set(asked)) == len(asked) == 3 * len(SEASONS) * len(FIRST)


def test_many_are_one_after_the_other():
    found = landscapes("summer", 2, "test", 32)
    first = FIRST["test"] + 10_000_000 * list(SEASONS).index("summer")
    assert torch.equal(found, torch.stack([landscape(first + number, "summer", 32) for number in range(2)]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, "sumer"), "no season 'sumer'. Did you mean 'summer'"),
        ((-1,), "numbered from 0; got -1"),
        ((1.5,), "numbered from 0; got 1.5"),
        ((True,), "numbered from 0; got True"),
        ((0, "summer", 8), "from 16 to 512 pixels; got 8"),
        ((0, "summer", 1024), "from 16 to 512 pixels; got 1024"),
        ((0, "summer", 64.0), "whole number of at least 1; got 64.0"),
    ],
)
def test_what_can_not_be_painted_is_said(arguments, said):
    with pytest.raises(ReaderError, match=said):
        landscape(*arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sumer", 1), "Did you mean 'summer'"),
        (("summer", 0), "number of landscapes must be a whole number"),
        (("summer", 1_000_001), "A part has 1,000,000 landscapes; asked for 1,000,001"),
        (("summer", 1, "tets"), "no split 'tets'. Did you mean 'test'"),
    ],
)
def test_parts_that_are_not_there_are_refused(arguments, said):
    with pytest.raises(ReaderError, match=said):
        landscapes(*arguments)


def test_the_registry_has_them():
    assert dataset("landscapes") is DATASETS["landscapes"]
    assert DATASETS["landscapes"].load is landscapes
    assert DATASETS["landscapes"].fetch is None


# What they are made of ----------------------------------------------------------------------------------------------------


def test_noise_is_a_tile_that_repeats_and_is_read_between_its_points():
    tile = fractal(np.random.default_rng(0), 2.0)
    assert tile.dtype == np.float32
    assert abs(tile.mean()) < 1e-5
    assert tile.std() == pytest.approx(1, abs=1e-4)
    whole = np.arange(5)
    assert (at(tile, whole, 3) == tile[3, :5]).all()
    np.testing.assert_allclose(at(tile, 2.25, 7), 0.75 * tile[7, 2] + 0.25 * tile[7, 3], rtol=1e-5)
    np.testing.assert_allclose(at(tile, whole + TILE, 3 - TILE), tile[3, :5], rtol=1e-5)
    np.testing.assert_allclose(at(tile, -0.5, 0), (tile[0, -1] + tile[0, 0]) / 2, rtol=1e-5)


def test_colours_go_from_stop_to_stop():
    stops = colors("000000 ff0000 ffffff")
    found = between(stops, np.array([0, 0.25, 0.5, 1.0, 7.0]))
    np.testing.assert_allclose(found[:, 0], [0, 0.5, 1, 1, 1])
    np.testing.assert_allclose(found[:, 1], [0, 0, 0, 1, 1])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_pixel_sees_the_first_ground_that_reaches_up_to_it(number):
    ground = Ground(Scene(number), 24)
    seen, step, _, _ = ground.seen
    rows = ground.rows(ground.surface, np.geomspace(0.6, 70, STEPS)[:, None])
    for column in (0, 11, 23):
        for row in range(24):
            reaching = np.flatnonzero(rows[:, column] >= row + 0.5)
            assert seen[row, column] == bool(len(reaching))
            if len(reaching):
                assert step[row, column] == reaching[0]


def test_stamps_are_whole_and_stand_on_the_ground():
    drawn = stamps()
    assert drawn.part.shape == drawn.light.shape == (20, 128, 96)
    for part in drawn.part:
        assert part[:12].any()
        assert 0.03 < (part > 0).mean() < 0.8
    assert drawn.light.min() >= 0
    assert drawn.light.max() <= 1
    assert set(np.unique(drawn.part)) == {0, 1, 2}
