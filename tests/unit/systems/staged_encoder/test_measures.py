"""What is measured of codes and of translations, with encoders and translators whose answers are known."""

import math
from dataclasses import replace

import pytest
import torch
from small_staged import SMALL, SMOKE, InColour, MeanColour, as_if_trained, flat, some
from torch import nn

from lossconditioning.datasets.pairs import Pairs
from lossconditioning.losses import Lpips
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.data import measure_for
from lossconditioning.systems.staged_encoder.measures import codes_of, realness

COLOURS = torch.tensor([[51, 102, 153], [204, 51, 51], [102, 204, 51], [51, 51, 204]]) / 255


@pytest.fixture(scope="module")
def lpips():
    return Lpips("random")


@pytest.fixture(scope="module")
def measure(lpips):
    """Four pictures of one colour each, and a gallery of six of each colour; the colour's number is the one factor."""
    gallery = (255 * flat(COLOURS.repeat(6, 1))).round().byte()
    pairs = Pairs(gallery, gallery, torch.arange(4).repeat(6)[:, None], ("colour",), (("a", "b", "c", "d"),), "colours")
    pictures = flat(COLOURS)
    return staged.Measure(
        some(4), pictures, pictures.roll(-1, 0), torch.arange(4)[:, None], ("colour",), pairs, lpips, ""
    )


def perfect(more=0.0):
    return staged.Translator(MeanColour(), InColour(more))


# Codes --------------------------------------------------------------------------------------------------------------------


def test_codes_that_are_the_factors_agree_in_all_of_them(measure):
    factors = torch.cartesian_prod(torch.arange(3), torch.arange(2)).repeat(6, 1)
    gallery = replace(measure.gallery, factors=factors)
    both = replace(measure, factors=factors[:6], names=("one", "other"), gallery=gallery)
    found = both.agreement(factors[:6].float(), factors.float())
    assert (
        found["neighbour_accuracy"] == found["neighbour_all"] == found["neighbour_one"] == found["neighbour_other"] == 1
    )
    assert 0.3 < found["neighbour_chance"] < 0.5
    # One factor alone: the other is right as often as it may be.
    found = both.agreement(factors[:6, :1].float(), factors[:, :1].float() + 0.01 * torch.arange(36)[:, None] / 36)
    assert found["neighbour_one"] == 1
    assert found["neighbour_other"] < 1
    assert found["neighbour_accuracy"] == pytest.approx((found["neighbour_one"] + found["neighbour_other"]) / 2)
    assert found["neighbour_all"] == pytest.approx(found["neighbour_other"])


def test_an_encoder_is_judged_by_its_codes_of_both(measure):
    found = measure.neighbours(MeanColour())
    assert found == {
        "neighbour_accuracy": 1,
        "neighbour_all": 1,
        "neighbour_chance": pytest.approx(5 / 23),
        "neighbour_colour": 1,
    }
    assert replace(measure, names=()).neighbours(MeanColour()) == {}


def test_codes_of_bytes_are_those_of_pictures(measure):
    found = codes_of(MeanColour(), measure.gallery.pictures)
    torch.testing.assert_close(found.z, COLOURS.repeat(6, 1))
    assert found.log_variance.shape == (24, 3)
    torch.testing.assert_close(measure.codes(MeanColour()), COLOURS)


# Pictures -----------------------------------------------------------------------------------------------------------------


def test_a_perfect_translator_is_perfect_also_in_other_styles(measure):
    found = measure.reconstruction(perfect())
    assert found["psnr"] > 120  # but for rounding, of which there may be none
    assert found["transfer_psnr"] > 120
    assert found["lpips"] == pytest.approx(0, abs=1e-6)
    assert found["transfer_lpips"] == pytest.approx(0, abs=1e-6)


def test_a_tenth_too_bright_is_20_decibels(measure):
    found = measure.reconstruction(perfect(0.1))
    assert found["psnr"] == pytest.approx(20, abs=1e-3)
    assert found["transfer_psnr"] == pytest.approx(20, abs=1e-3)
    assert found["lpips"] > 0


def test_one_that_ignores_the_style_is_no_better_than_its_colour(measure):
    class Grey(nn.Module):
        def forward(self, layouts, z, lam=None):
            return torch.full_like(layouts, 0.5)

    found = measure.reconstruction(staged.Translator(MeanColour(), Grey()))
    expected = (-10 * (COLOURS - 0.5).square().mean(1).log10()).mean()
    assert found["psnr"] == pytest.approx(float(expected), abs=1e-3)
    assert found["transfer_psnr"] == pytest.approx(found["psnr"], abs=1e-3)
    assert measure.diversity(staged.Translator(MeanColour(), Grey())) == pytest.approx(0, abs=1e-6)


def test_where_no_truth_is_known_none_is_measured(measure):
    assert replace(measure, styled=None).reconstruction(perfect()).keys() == {"psnr", "lpips"}


def test_the_styles_of_a_translation_may_be_others(measure):
    torch.testing.assert_close(measure.translate(perfect(), measure.pictures.flip(0)), measure.pictures.flip(0))
    generator = InColour()
    measure.translate(staged.Translator(MeanColour(), generator), lam=0.25)
    assert generator.calls[0][2].tolist() == [0.25] * 4
    measure.translate(staged.Translator(MeanColour(), generator))
    assert generator.calls[1][2] is None


def test_diversity_is_the_mean_distance_of_one_layouts_pictures(measure, lpips):
    found = measure.diversity(perfect())
    with torch.no_grad():
        expected = lpips(flat(COLOURS), flat(COLOURS).roll(1, 0)).mean()
    assert found == pytest.approx(float(expected), rel=1e-4)
    assert found > 0
    assert measure.diversity(perfect(), COLOURS[:1].expand(16, -1)) == pytest.approx(0, abs=1e-6)
    generator = InColour()
    measure.diversity(staged.Translator(MeanColour(), generator), torch.rand(40, 3))
    assert [len(z) for _, z, _ in generator.calls] == [16] * 4


# Cards --------------------------------------------------------------------------------------------------------------------


def test_realness_is_the_mean_of_a_critics_scores():
    class Brightness(nn.Module):
        def forward(self, layouts, pictures):
            return torch.stack([layouts.mean((1, 2, 3)), pictures.mean((1, 2, 3))], 1)

    found = realness(Brightness(), torch.ones(40, 3, 16, 16), torch.zeros(40, 3, 16, 16))
    assert found == pytest.approx(0.5)


@pytest.fixture(scope="module")
def drawn():
    return measure_for(SMALL["valley_stage2"], SMOKE)


def test_every_kind_of_network_has_the_numbers_of_its_kind(drawn):
    names = ("encoder_valley", "valley_stage2", "valley_told", "valley_lively", "valley_faithful", "valley_critic")
    models = as_if_trained(*names)
    judged = {name: models[name] for name in SMALL["valley_critic"].judged}
    found = {}
    for name, model in models.items():
        data = type("Data", (), {"held_out": drawn, "made": judged})
        found[name] = staged.measure(SMALL[name], model, data)
        assert all(math.isfinite(value) for value in found[name].values())
    neighbours = {f"neighbour_{name}" for name in ("accuracy", "all", "chance", "hour", "weather", "season")}
    pictures = {"psnr", "lpips", "transfer_psnr", "transfer_lpips"}
    assert found["encoder_valley"].keys() == neighbours
    assert found["valley_stage2"].keys() == neighbours | pictures | {"diversity_transfer"}
    assert found["valley_told"].keys() == neighbours | pictures
    assert found["valley_critic"].keys() == {"realness_real", *(f"realness_{name}" for name in judged)}


def test_a_told_generator_is_measured_in_the_middle_of_its_range(drawn):
    (told,) = as_if_trained("valley_told").values()
    low, high = SMALL["valley_told"].lam
    heard = []
    told.generator.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[2]))
    staged.measure(SMALL["valley_told"], told, type("Data", (), {"held_out": drawn}))
    (critic,) = as_if_trained("valley_critic").values()
    data = type("Data", (), {"held_out": drawn, "made": {"valley_told": told}})
    staged.measure(SMALL["valley_critic"], critic, data)
    assert len(heard) == 3  # direct, in other styles, before the critic
    assert torch.cat(heard).tolist() == pytest.approx([(low * high) ** 0.5] * 36)
