"""Scores of single-picture GANs' samples: what is like the picture scores low, what varies scores high."""

import copy
import math
import os
from pathlib import Path

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import places, scenery
from lossconditioning.datasets.single_images import NAME
from lossconditioning.evaluation import FirstLayer, diversity, frechet, msifid, sifid, sifids


def data_folder():
    """Where the real pictures and SqueezeNet's weights are, or None: neither ships."""
    folder = Path(os.environ.get("LOSSCONDITIONING_DATA", "nowhere"))
    there = (folder / NAME / "places50_real").is_dir() and list((folder / "weights").glob("squeezenet1_1*"))
    return folder if there else None


@pytest.fixture(scope="module")
def layer():
    return FirstLayer("random")


@pytest.fixture(scope="module")
def pictures():
    return scenery(8, size=78)


def noisy(picture, much, count=3):
    draw = torch.Generator().manual_seed(0)
    return (picture / 255 + much * torch.randn(count, *picture.shape, generator=draw)).clamp(0, 1)


def test_the_first_layer_has_64_features_at_every_other_pixel(layer):
    found = layer(torch.rand(2, 3, 58, 77))
    assert found.shape == (2, 64, 28, 38)
    assert found.min() == 0  # after the ReLU
    assert not list(filter(lambda each: each.requires_grad, layer.parameters()))


def test_the_first_layer_is_the_same_every_time_and_says_where_it_is_from(layer):
    given = torch.rand(1, 3, 32, 40)
    before = given.clone()
    for other in (FirstLayer("random"), copy.deepcopy(layer)):
        assert torch.equal(other(given), layer(given))
    assert torch.equal(given, before)
    assert layer.source == "squeezenet1_1 with fixed random filters"
    with pytest.raises(ReaderError, match="Pictures are"):
        layer(torch.rand(3, 32, 40))


def test_a_copy_is_at_no_distance_and_noise_is_farther_the_more_there_is(layer, pictures):
    real = pictures[0]
    near, middle, far = (msifid(real, noisy(real, much), layer) for much in (0.0, 0.05, 0.2))
    assert near < 1e-6 < middle < far
    assert msifid(real, real[None], layer) < 1e-9


def test_other_pictures_are_farther_than_the_own_ones_other_half(layer, pictures):
    real, others = pictures[0], pictures[[1, 2, 4, 6]]
    halves = real[:, :, :39], real[None, :, :, 39:]
    assert sifid(*halves, layer) < sifid(real, others, layer)


def test_where_things_are_does_not_matter(layer, pictures):
    """Upside-down is another pattern; shifted around is the same but for two seams."""
    real = pictures[0]
    shifted, turned = sifids(real, torch.stack([real.roll(20, 2), real.flip(1)]), layer)
    assert shifted < 0.5 * turned


def test_distances_are_frechets_of_features_at_positions(layer, pictures):
    real, samples = pictures[0], pictures[1:4]
    at = [layer(each[None] / 255)[0].flatten(1).T for each in (real, *samples)]
    expected = [frechet(each, at[0]) for each in at[1:]]
    found = sifids(real, samples, layer)
    assert found.tolist() == pytest.approx(expected, rel=1e-6)
    assert sifid(real, samples, layer) == pytest.approx(min(expected), rel=1e-6)
    assert msifid(real, samples, layer) == pytest.approx(sum(expected) / 3, rel=1e-6)


def test_bytes_and_numbers_many_and_few_give_the_same(layer, pictures):
    many = pictures.repeat(9, 1, 1, 1)  # more than are looked at together
    found = sifids(pictures[0], many, layer)
    assert torch.allclose(found[:8].repeat(9), found, rtol=1e-4, atol=1e-9)
    assert torch.allclose(sifids(pictures[0] / 255, pictures / 255, layer), found[:8], rtol=1e-4, atol=1e-9)


def test_samples_may_have_another_size(layer, pictures):
    wide = torch.cat([pictures[:1], pictures[:1]], dim=3)
    assert sifid(pictures[0], wide, layer) < 0.1 * sifid(pictures[0], pictures[1:2], layer)


@pytest.mark.skipif(
    data_folder() is None, reason="the real pictures and samples, or SqueezeNet's weights, are not at hand"
)
@pytest.mark.parametrize(("split", "share"), [("places50", 0.8), ("lsun50", 0.8)])
def test_consingans_samples_are_nearer_than_singans(split, share):
    """Meta Internal Learning, Table 1: 0.06 against 0.09 on Places-50, 0.08 against 0.11 on LSUN-50."""
    trained, folder = FirstLayer(data_folder() / "weights"), data_folder()
    real = places(split, folder)
    of = {
        name: torch.tensor([sifid(*pair, trained) for pair in zip(real, made.split(1), strict=True)])
        for name in ("singan", "consingan")
        for made in (places(f"{split}_{name}", folder),)
    }
    assert of["consingan"].mean() < 0.6 * of["singan"].mean()
    assert (of["consingan"] < of["singan"]).float().mean() > share


def test_pictures_that_do_not_do_are_refused(layer):
    real, samples = torch.rand(3, 20, 20), torch.rand(2, 3, 20, 20)
    for wrong in ((real[None], samples), (real, samples[0]), (real[:2], samples), (real, samples[:0])):
        with pytest.raises(ReaderError, match=r"A real picture is \(3, H, W\) and its samples are \(N, 3, H, W\)"):
            sifids(*wrong, layer)
        with pytest.raises(ReaderError, match="A real picture is"):
            diversity(*wrong)
    samples[1, 0, 0, 0] = math.nan
    with pytest.raises(ReaderError, match="Pixels must be finite"):
        msifid(real, samples, layer)


# Diversity ----------------------------------------------------------------------------------------------------------------


def test_diversity_by_hand():
    """Two samples, 0.2 and 0.6 all over: a deviation of 0.2; a picture of halves 0 and 1: 0.5."""
    real = torch.zeros(3, 4, 4)
    real[:, :2] = 1
    samples = torch.stack([torch.full((3, 4, 4), shade) for shade in (0.2, 0.6)])
    assert diversity(real, samples) == pytest.approx(0.2 / 0.5)


def test_samples_that_are_all_one_have_no_diversity(pictures):
    assert diversity(pictures[0], pictures[:1].repeat(5, 1, 1, 1)) == pytest.approx(0)


def test_shuffled_pixels_have_a_diversity_of_one(pictures):
    draw = torch.Generator().manual_seed(0)
    real = pictures[0]
    flat = real.flatten(1)
    shuffled = torch.stack([flat[:, torch.randperm(flat.shape[1], generator=draw)].view_as(real) for _ in range(150)])
    assert diversity(real, shuffled) == pytest.approx(1, abs=0.02)


def test_a_constant_picture_or_a_single_sample_is_refused():
    with pytest.raises(ReaderError, match=r"one intensity all over.*Give a picture that varies"):
        diversity(torch.full((3, 8, 8), 0.3), torch.rand(4, 3, 8, 8))
    with pytest.raises(ReaderError, match="between samples, 2 or more; got 1"):
        diversity(torch.rand(3, 8, 8), torch.rand(1, 3, 8, 8))
