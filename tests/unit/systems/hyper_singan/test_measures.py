"""What samples are worth: of painters that are known, numbers by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from small_hyper import GRID, SMALL, SMOKE, gain, of_gains, shaken, some

from lossconditioning import ReaderError
from lossconditioning.datasets import scenery
from lossconditioning.evaluation import FirstLayer, diversity, sifids
from lossconditioning.systems.hyper_singan.applications import sample
from lossconditioning.systems.hyper_singan.data import experiment_data, seen
from lossconditioning.systems.hyper_singan.measures import Measure, measure, unit
from lossconditioning.systems.hyper_singan.models import Generator, Own
from lossconditioning.systems.hyper_singan.pyramid import pyramid, resized
from lossconditioning.systems.hyper_singan.recipes import build

SIDE = 36


@pytest.fixture(scope="module")
def layer():
    return FirstLayer("random")


@pytest.fixture(scope="module")
def pictures():
    """Three, as large as embeddings see them, so that what is repeated is the same to the last bit."""
    return resized(scenery(3, size=78).float() / 127.5 - 1, (SIDE, SIDE))


class Painter:
    """Paints, for each of some pictures, always another one of them: number ``order[n]`` for number n."""

    grid = ((SIDE, SIDE),)

    def __init__(self, pictures, order, noisy=0.0):
        self.pictures, self.order, self.noisy = pictures, order, noisy

    def code(self, images):
        (number,) = [n for n, picture in enumerate(self.pictures) if torch.equal(images[0], picture)]
        return self.pictures[self.order[number]][None]

    def weights(self, code):
        return [code]

    def generate(self, weights, noise):
        return [weights[0] + self.noisy * noise[-1]]


# Scores -------------------------------------------------------------------------------------------------------------------


def test_pictures_are_brought_to_0_to_1():
    assert unit(torch.tensor([-1.2, -1.0, 0.0, 0.5, 1.0, 1.1])).tolist() == [0, 0, 0.5, 0.75, 1, 1]


def test_one_who_repeats_the_picture_scores_0_and_has_no_diversity(layer, pictures):
    scores = Measure(pictures, SIDE, layer, 3).scores(Painter(pictures, (0, 1, 2)))
    assert scores.keys() == {"sifid", "msifid", "diversity"}
    assert abs(scores["sifid"]) < 1e-8
    assert abs(scores["msifid"]) < 1e-8
    assert scores["diversity"] == pytest.approx(0, abs=1e-6)


def test_one_who_paints_another_picture_scores_what_that_one_does(layer, pictures):
    scores = Measure(pictures, SIDE, layer, 2).scores(Painter(pictures, (1, 2, 0)))
    between = [float(sifids(unit(pictures[n]), unit(pictures[(n + 1) % 3])[None], layer)) for n in range(3)]
    assert scores["sifid"] == pytest.approx(sum(between) / 3, rel=1e-5)
    assert scores["msifid"] == pytest.approx(scores["sifid"], rel=1e-5)
    assert scores["sifid"] > 1e-4
    assert scores["diversity"] == pytest.approx(0, abs=1e-6)


def test_sifid_is_of_the_best_sample_msifid_and_diversity_of_all(layer, pictures):
    noisy, held = Painter(pictures, (0, 1, 2), 0.3), Measure(pictures, SIDE, layer, 4)
    found = []
    for number in (2, 0):
        samples = unit(sample(noisy, [pictures[number][None]], 4, 0))
        distances = sifids(unit(pictures[number]), samples, layer)
        found.append((float(distances.min()), float(distances.mean()), diversity(unit(pictures[number]), samples)))
    assert found[0][0] < found[0][1]
    expected = [sum(values) / 2 for values in zip(*found, strict=True)]
    assert list(held.scores(noisy, [2, 0]).values()) == pytest.approx(expected, rel=1e-5)
    assert held.scores(noisy, [2])["sifid"] == pytest.approx(found[0][0], rel=1e-5)


def test_samples_are_drawn_in_parts_with_a_seed_each(pictures):
    model = of_gains(0.5, -0.2)
    weights = model.weights(None)
    found = Measure(pictures, SIDE, None, 30).sampled(model, weights)
    assert found.shape == (30, 3, *GRID[1])
    assert torch.equal(found[:25], unit(sample(model, weights, 25, 0)))
    assert torch.equal(found[25:], unit(sample(model, weights, 5, 25)))
    assert len({tuple(picture.flatten().tolist()) for picture in found}) == 30


def test_embeddings_read_small_pictures_and_those_of_a_copy_are_its_own(layer):
    held = Measure(some(3, (40, 50)), 32, layer)
    assert torch.equal(held.images, seen(held.pictures, 32))
    assert held.images is held.images
    assert torch.equal(replace(held, pictures=held.pictures[1:2]).images, held.images[1:2])


# Reconstructions ----------------------------------------------------------------------------------------------------------


def test_grey_reconstructions_by_hand():
    """All are 0, which is 0.5: the error at each scale is the picture's root mean square."""
    pictures, model = some(2, GRID[1]), of_gains(0.0, 0.0)
    found = Measure(pictures, 32, None).reconstruction(model)
    assert found.keys() == {"psnr", "error_1", "error_2"}
    for number, level in enumerate(pyramid(pictures, model.grid), 1):
        assert found[f"error_{number}"] == pytest.approx(float(level.square().mean().sqrt()))
    psnr = [-10 * math.log10(float((unit(picture) - 0.5).square().mean())) for picture in pictures]
    assert found["psnr"] == pytest.approx(sum(psnr) / 2, rel=1e-4)


def test_reconstructions_are_of_the_fixed_noise():
    model = of_gains(0.5, -0.2)
    pictures = model.reconstruct(model.weights(None), 2)[-1].clamp(-1, 1)
    found = Measure(pictures, 32, None).reconstruction(model)
    assert found["error_2"] < 0.2 * found["error_1"]  # but for the clamp it is repeated
    assert found["psnr"] > 20


# Leakage ------------------------------------------------------------------------------------------------------------------


def test_patches_of_another_picture_leak_and_own_ones_do_not(layer, pictures):
    held = Measure(pictures, SIDE, layer)
    assert held.leakage(Painter(pictures, (0, 1, 2)), 2) == 0
    assert held.leakage(Painter(pictures, (1, 1, 0)), 2) == pytest.approx(2 / 3, abs=0.05)
    with pytest.raises(ReaderError, match="Leakage is between pictures"):
        Measure(pictures[:1], SIDE, layer).leakage(Painter(pictures, (0, 1, 2)), 2)


# Blends -------------------------------------------------------------------------------------------------------------------


def in_grey(*shares):
    """A generator of pictures of one shade, a picture's mean; each scale adds its share of that."""

    def generate(weights, noise):
        shade = sum(share * float(code) for share, code in zip(shares, weights, strict=True))
        return [torch.full_like(z, shade) for z in noise]

    writer = SimpleNamespace(weights=lambda code: code)
    return SimpleNamespace(
        grid=GRID[: len(shares)],
        embedding=True,
        code=lambda images: images.mean((1, 2, 3))[:, None],
        writers=[writer] * len(shares),
        generate=generate,
    )


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_a_blends_speed_by_hand(pairs):
    """Shades 0.6 and −0.2 in [−1, 1] are 0.4 apart in [0, 1], which three colours move together."""
    shades = torch.tensor([0.6, -0.2])[:, None, None, None].expand(2, 3, *GRID[1])
    found = Measure(shades, 16, None).smoothness(in_grey(0.75, 0.25), pairs, steps=5)
    assert found.shape == (2, 4)
    torch.testing.assert_close(found, 3 * 0.4 * torch.tensor([1.0, 0.25])[:, None].expand(2, 4))


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_no_picture_is_blended_with_itself(count):
    """Shades 0, 0.1, … are at least 0.1 apart in [−1, 1]: no pair stands still, and all have a turn."""
    shades = 0.1 * torch.arange(count)[:, None, None, None].expand(count, 3, *GRID[0])
    read, model = [], in_grey(1.0)
    code = model.code
    model.code = lambda images: read.append(round(10 * float(images.mean()))) or code(images)
    found = Measure(shades, 16, None).smoothness(model, 20, steps=2)
    pairs = list(zip(read[::2], read[1::2], strict=True))
    assert len(pairs) == 20
    assert all(one != other for one, other in pairs)
    assert len(set(pairs)) == min(20, count * (count - 1))
    expected = sum(abs(one - other) for one, other in pairs) / 20 * 0.1 / 2 * 3
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_where_finer_scales_alone_are_blended_less_moves():
    model = shaken(build(SMALL["full"])).eval()
    held = Measure(some(3, model.grid[-1]), 32, None)
    found = held.smoothness(model, 2, steps=3)
    assert found.shape == (2, 2)
    assert bool((found[0] > 0).all())
    assert torch.equal(found, held.smoothness(model, 2, steps=3))


def test_what_has_no_speed_is_said(pictures):
    with pytest.raises(ReaderError, match="between two pictures or more, at two α or more; got 1 and 9"):
        Measure(pictures[:1], SIDE, None).smoothness(in_grey(1.0))
    with pytest.raises(ReaderError, match="got 3 and 1"):
        Measure(pictures, SIDE, None).smoothness(in_grey(1.0), steps=1)
    with pytest.raises(ReaderError, match="pairs must be"):
        Measure(pictures, SIDE, None).smoothness(in_grey(1.0), 0)
    with pytest.raises(ReaderError, match="A SinGAN's weights are its own"):
        Measure(pictures, SIDE, None).smoothness(of_gains(0.5, 0.5))


# A card -------------------------------------------------------------------------------------------------------------------

COMMON = {"sifid", "msifid", "diversity", "psnr", "error_1", "error_2"}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("singan_0", set()),
        ("single_0", set()),
        ("batch_4", {"leakage"}),
        ("dataset_10", {"unseen_sifid", "unseen_msifid", "unseen_diversity"}),
    ],
)
def test_a_card_has_leakage_of_few_pictures_and_unseen_ones_of_many(name, more):
    config = SMALL[name]
    model, data = shaken(build(config)).eval(), experiment_data(config, SMOKE)
    data = replace(data, unseen=data.unseen[:2])
    found = measure(config, model, data)
    assert found.keys() == COMMON | more
    assert all(math.isfinite(value) for value in found.values())
    layer = FirstLayer("random")
    first = Measure(data.held_out[:5], config.seen, layer, 4).scores(model)
    assert {score: found[score] for score in first} == pytest.approx(first)
    if "unseen_sifid" in more:
        unseen = Measure(data.unseen, config.seen, layer, 4).scores(model)
        assert {score: found[f"unseen_{score}"] for score in unseen} == pytest.approx(unseen)
    if more == {"leakage"}:
        assert 0 < found["leakage"] <= 1


def test_real_pictures_have_no_unseen_ones():
    config = replace(SMALL["places_dataset"], count=6)
    data = experiment_data(config, SMOKE)
    assert measure(config, build(config).eval(), data).keys() == COMMON


def test_weights_that_are_its_own_are_the_same_for_all_pictures(layer):
    model = Generator(gain(0), [Own(gain(0.5))], GRID[2:], None)
    held = Measure(some(3, GRID[2]), 32, layer, 2)
    both = [list(held.weights(model, range(3)))[number] for number in (0, 2)]
    assert torch.equal(both[0][0]["weight"], both[1][0]["weight"])
