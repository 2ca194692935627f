"""Compression's recipes and units: what a configuration allows, what the profiles train, what the two terms measure."""

import json
import math
from dataclasses import replace

import pytest
import torch
from small_codecs import corner, small_codec

from lossconditioning import LogUniform, ReaderError
from lossconditioning.systems import compression, system
from lossconditioning.systems.compression.models import Output

SMOKE = compression.experiments("smoke")
MAIN = ["yoto", *(f"fixed_{i}" for i in range(5)), "yoto_wider_batch16", "yoto_batch16", "yoto_wider"]


# Configurations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "yotto"}, "no kind of model 'yotto'. Did you mean 'yoto'"),
        ({"schedule": "cosinus"}, "no schedule 'cosinus'. Did you mean 'cosine'"),
        ({"start": "component"}, "no start 'component'. Did you mean 'components'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("n", "m", "patch", "batch_size", "steps")),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"n": True}, "n must be a whole number of at least 1; got True"),
        ({"patch": 96}, "patch is a multiple of 64 pixels; got 96"),
        ({"learning_rate": 0.0}, "learning_rate is positive; got 0"),
        ({"learning_rate": -1e-4}, "learning_rate is positive"),
        ({"learning_rate": math.nan}, "learning_rate is positive; got nan"),
        ({"kind": "fixed"}, "A fixed-weight model has one λ, a conditional one none; got fixed and None"),
        ({"lam": 0.01}, "A fixed-weight model has one λ, a conditional one none; got yoto and 0.01"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        compression.Config("x", **wrong)


@pytest.mark.parametrize("profile", compression.PROFILES)
def test_every_experiment_of_a_profile_survives_json(profile):
    configs = compression.experiments(profile)
    assert list(configs)[: len(MAIN)] == MAIN
    for name, config in configs.items():
        assert config.name == name
        assert compression.Config(**json.loads(json.dumps(config.as_json()))) == config


def test_the_papers_profile_has_the_papers_numbers():
    configs = compression.experiments("paper")
    assert list(configs) == MAIN
    for name, config in configs.items():
        wide = 256 if "wider" in name else 192
        assert (config.n, config.m) == (wide, wide)
        assert config.batch_size == (16 if "batch16" in name else 8)
        assert (config.steps, config.learning_rate, config.schedule) == (1_000_000, 1e-4, "constant")
        assert (config.step, config.balance, config.start, config.patch) == (False, 0.0, "plain", 256)
        assert config.kind == ("fixed" if name.startswith("fixed") else "yoto")


@pytest.mark.parametrize("profile", compression.PROFILES)
def test_models_that_are_compared_differ_in_nothing_but_what_their_name_says(profile):
    configs = compression.experiments(profile)
    base = configs["yoto"]
    for name, config in configs.items():
        assert (config.steps, config.patch, config.start) == (base.steps, base.patch, base.start)
        assert (config.learning_rate, config.schedule, config.gain) == (base.learning_rate, base.schedule, base.gain)
        assert config.batch_size == base.batch_size * (2 if "batch16" in name else 1)
        larger = "wider" in name
        assert (config.n > base.n, config.m > base.m) == (larger, larger)
        assert (config.n == base.n, config.m == base.m) == (not larger, not larger)
        assert config.repeat == 0
    fixed = [configs[name] for name in compression.fixed_names()]
    assert [config.lam for config in fixed] == pytest.approx(compression.lambda_grid(5).tolist(), rel=1e-3)
    assert {config.balance for config in fixed} == {0.0}
    assert all(config.lam is None for config in configs.values() if config.kind == "yoto")


def test_the_ablation_is_the_papers_conditioning_in_our_size():
    configs = compression.experiments("laptop")
    assert configs["yoto_film_only"] == replace(configs["yoto"], name="yoto_film_only", step=False, balance=0.0)
    assert (configs["yoto"].step, configs["yoto"].balance > 0) == (True, True)


def test_demo_names_what_laptop_trained():
    assert compression.experiments("demo") == compression.experiments("laptop")
    with pytest.raises(ReaderError, match=r"no profile 'papier'. Did you mean 'paper'"):
        compression.experiments("papier")
    assert system("compression") is compression


@pytest.mark.parametrize("config", SMOKE.values(), ids=SMOKE)
def test_the_network_is_the_one_a_config_describes(config):
    model = compression.build(config)
    assert (model.n, model.m, model.conditional) == (config.n, config.m, config.kind == "yoto")
    assert (model.delta is not None) == config.step
    y = model.latents(torch.zeros(1, 3, 64, 64), torch.tensor([0.01]))
    assert y.shape == (1, config.m, 4, 4)
    if config.kind == "fixed":
        told, own = (model.step(lam if lam is None else torch.tensor([lam])) for lam in (0.01, None))
        assert torch.equal(told, own)
        middle = math.sqrt(math.prod(compression.LAMBDA_RANGE))
        assert told.flatten().tolist() == pytest.approx([(middle / config.lam) ** 0.5] * config.m, rel=1e-5)


def test_weights_depend_on_the_seed_and_the_repetition_alone():
    config = SMOKE["yoto"]
    one = compression.build(config, seed=1).state_dict()
    torch.manual_seed(99)
    again = compression.build(replace(config, batch_size=7), seed=1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    for other in (compression.build(config, seed=2), compression.build(replace(config, repeat=1), seed=1)):
        assert not torch.equal(other.g_a.network[0].weight, one["g_a.network.0.weight"])


# The weight -----------------------------------------------------------------------------------------------------------


def test_lambda_is_log_uniform_over_the_papers_range():
    prior = compression.lambda_prior()
    assert compression.LAMBDA_RANGE == (1.2e-3, 2.6e-1)
    assert type(prior) is LogUniform
    assert (prior.low.item(), prior.high.item()) == pytest.approx(compression.LAMBDA_RANGE)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_the_grid_goes_from_end_to_end_in_equal_ratios(count):
    grid = compression.lambda_grid(count)
    assert (grid.dtype, grid.shape) == (torch.float32, (count,))
    assert (grid[0].item(), grid[-1].item()) == pytest.approx(compression.LAMBDA_RANGE, rel=1e-6)
    ratio = (compression.LAMBDA_RANGE[1] / compression.LAMBDA_RANGE[0]) ** (1 / (count - 1))
    assert (grid[1:] / grid[:-1]).tolist() == pytest.approx([ratio] * (count - 1), rel=1e-5)


# The terms ------------------------------------------------------------------------------------------------------------


def test_a_picture_off_by_one_grey_level_has_distortion_1():
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.9
    others = pictures.clone()
    others[0] += 1 / 255
    others[1, :, :4] += 2 / 255  # half of the pixels, by two: four times a half
    assert compression.squared_error(others, pictures).tolist() == pytest.approx([1.0, 2.0], rel=1e-3)
    assert compression.squared_error(pictures, pictures).tolist() == [0, 0]


def test_psnr_is_that_of_grey_levels():
    found = compression.psnr(torch.tensor([255.0**2, 1.0, 65.025, 0.0]))
    assert found.tolist() == pytest.approx([0.0, 20 * math.log10(255), 30.0, math.inf], abs=1e-4)


def test_the_rate_is_bits_per_pixel_and_every_picture_has_its_own():
    def known(pictures, lam, noise):
        y, z = torch.full((2, 8, 8, 8), 0.5), torch.full((2, 4, 2, 2), 0.25)
        y[1] = 0.125
        return Output(pictures + lam[:, None, None, None], y, z)

    found = compression.terms(known, torch.zeros(2, 3, 128, 128), torch.tensor([1 / 255, 3 / 255]))
    # 512 latents of one or three bits, and 16 hyper-latents of two, over 128² pixels.
    assert found["rate"].tolist() == pytest.approx([(512 + 32) / 128**2, (3 * 512 + 32) / 128**2])
    assert found["distortion"].tolist() == pytest.approx([1.0, 9.0], rel=1e-5)


@pytest.mark.parametrize("weight", [0.002, 0.1])
def test_the_terms_of_rounded_latents_are_those_of_the_file(weight):
    codec, picture = small_codec(), corner(128, 192)
    with torch.inference_mode():
        found = compression.terms(codec.model, picture[None] / 255, torch.tensor([weight]))
        seen = codec.model(picture[None] / 255, torch.tensor([weight])).picture
    bits = codec.estimate(codec.symbols(picture, weight))
    assert found["rate"].item() == pytest.approx(bits / (128 * 192), rel=1e-3)
    assert torch.equal(found["distortion"], compression.squared_error(seen, picture[None] / 255))
    shown = codec.decompress(codec.compress(picture, weight))  # in whole grey levels
    assert (shown - (255 * seen[0]).clamp(0, 255)).abs().max() <= 0.51


# Patches --------------------------------------------------------------------------------------------------------------


def plan(height: int, width: int, number: int) -> torch.Tensor:
    """A picture whose pixels say where they are: row, column, and which picture it is."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns, torch.full_like(rows, number)]).to(torch.uint8)


PLANS = [plan(70, 90, 0), plan(64, 64, 1), plan(63, 200, 2), plan(110, 66, 3)]


def test_patches_are_cut_anywhere_from_any_photograph_and_mirrored_half_of_the_time():
    batch = compression.patches(PLANS, 64, 400, seed=0)(0)
    assert (batch.dtype, tuple(batch.shape)) == (torch.float32, (400, 3, 64, 64))
    cut = (255 * batch).round().to(torch.uint8)
    mirrored, places = 0, {0: set(), 1: set(), 3: set()}
    for patch in cut:
        flipped = bool(patch[1, 0, 0] > patch[1, 0, 1])
        upright = patch.flip(-1) if flipped else patch
        mirrored += flipped
        top, left, number = (int(value) for value in upright[:, 0, 0])
        assert torch.equal(upright, PLANS[number][:, top : top + 64, left : left + 64])
        places[number].add((top, left))
    assert 160 <= mirrored <= 240
    assert places[1] == {(0, 0)}
    for number, last in ((0, (6, 26)), (3, (46, 2))):
        for axis in (0, 1):
            found = {place[axis] for place in places[number]}
            assert min(found) <= 1
            assert last[axis] - 1 <= max(found) <= last[axis]


def test_patches_are_a_function_of_seed_and_step():
    make = compression.patches(PLANS, 64, 8, seed=3)
    fifth = make(5)
    torch.manual_seed(99)
    make(0)
    assert torch.equal(make(5), fifth)
    assert torch.equal(compression.patches(PLANS, 64, 8, seed=3)(5), fifth)
    assert not torch.equal(make(6), fifth)
    assert not torch.equal(compression.patches(PLANS, 64, 8, seed=4)(5), fifth)
    before = torch.get_rng_state()
    make(7)
    assert torch.equal(torch.get_rng_state(), before)


def test_photographs_that_are_too_small_are_left_out_or_refused():
    assert set(compression.patches(PLANS, 64, 100, seed=0)(0)[:, 2].unique().mul(255).tolist()) == {0.0, 1.0, 3.0}
    for none in (PLANS, []):
        with pytest.raises(ReaderError, match="No photograph is 128 pixels wide and high"):
            compression.patches(none, 128, 4, seed=0)
