"""The β-VAE's recipes: what a configuration allows, and what the profiles train."""

from dataclasses import replace

import pytest
import torch

from lossconditioning import Fixed, LogUniform, ReaderError, Uniform
from lossconditioning.systems import beta_vae
from lossconditioning.training import PROFILES

SMOKE = beta_vae.experiments("smoke")
YOTO, FIXED = SMOKE["cifar10_yoto"], SMOKE["cifar10_fixed"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": "cifar"}, "Did you mean 'cifar10'"),
        ({"kind": "yotto"}, "Did you mean 'yoto'"),
        ({"conditioning": "none"}, "no conditioning 'none'"),
        ({"prior": "loguniform"}, "Did you mean 'log-uniform'"),
        ({"encoding": "lin"}, "no encoding 'lin'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("lams", "draws", "batch_size", "steps")),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"width": 0}, "width is a positive number; got 0"),
        ({"learning_rate": -1e-3}, "learning_rate is a positive number; got -0.001"),
        ({"width": float("nan")}, "width is a positive number; got nan"),
        ({"hidden": 0}, "hidden"),
        ({"lam_range": (0.0, 4.0)}, "lam_range is a low and a high β"),
        ({"lam_range": (4.0, 1.0)}, "lam_range is a low and a high β"),
        ({"kind": "fixed", "draws": 2}, "one β"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        beta_vae.Config("x", **wrong)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_the_main_experiments_and_the_ablations(profile):
    configs = beta_vae.experiments(profile)
    main = ("yoto", "fixed", "wider", "twice_steps", "half_steps", "yoto_repeat", "fixed_repeat")
    assert {f"{data}_{name}" for data in ("shapes3d", "cifar10") for name in main} <= set(configs)
    ablations = ("uniform", "concatenation", "input", "linear", "narrow")
    assert {f"cifar10_{name}" for name in ablations} <= set(configs)
    assert ("cifar10_one_draw" in configs) == (profile != "paper")
    assert all(name.startswith(config.data) for name, config in configs.items())
    compared = [config for config in configs.values() if config.purpose == "comparison"]
    assert len(compared) == (19 if profile == "paper" else 21)


@pytest.mark.parametrize("profile", PROFILES)
def test_play_networks_have_the_papers_sizes_and_longer_trainings(profile):
    configs = beta_vae.experiments(profile)
    play = {name: config for name, config in configs.items() if config.purpose == "play"}
    assert set(play) == ({"shapes3d_play", "cifar10_play"} if profile in ("laptop", "demo") else set())
    for name, config in play.items():
        yoto = configs[name.replace("play", "yoto")]
        assert (config.kind, config.hidden, config.width, config.conditioning) == ("yoto", None, 1.0, "film")
        assert config.steps > yoto.steps
        assert replace(config, name=yoto.name, purpose="comparison", hidden=yoto.hidden, steps=yoto.steps) == yoto


def test_the_papers_profile_has_the_papers_numbers():
    configs = beta_vae.experiments("paper")
    for data, batch, rate, ends in (
        ("cifar10", 128, 8e-4, (0.5, 512.0)),
        ("shapes3d", 64, 2e-4, (0.5, 2048.0)),
    ):
        for name in ("yoto", "fixed", "wider"):
            config = configs[f"{data}_{name}"]
            assert (config.steps, config.batch_size, config.learning_rate) == (600_000, batch, rate)
            assert (config.range, config.draws, config.hidden, config.lams) == (ends, 1, None, 8)
            assert (config.conditioning, config.prior, config.encoding) == ("film", "log-uniform", "log")
            assert config.width == (1.5 if name == "wider" else 1.0)
            assert config.kind == ("fixed" if name == "fixed" else "yoto")
        assert configs[f"{data}_twice_steps"].steps == 1_200_000
    assert {config.steps for config in configs.values()} == {300_000, 600_000, 1_200_000}


@pytest.mark.parametrize(
    ("changes", "prior", "told"),
    [
        ({}, LogUniform, LogUniform),
        ({"prior": "uniform"}, Uniform, LogUniform),
        ({"encoding": "linear"}, LogUniform, Uniform),
        ({"lam_range": (4.0, 64.0)}, LogUniform, LogUniform),
    ],
    ids=str,
)
def test_beta_is_drawn_from_the_prior_and_told_in_the_encoding(changes, prior, told):
    config = replace(YOTO, **changes)
    model = beta_vae.build(config)
    assert type(model.prior) is prior
    assert type(model.encoder.prior) is type(model.decoder.prior) is told
    for one in (model.prior, model.encoder.prior):
        assert (one.low.item(), one.high.item()) == changes.get("lam_range", (0.5, 512.0))
    assert torch.equal(config.grid, beta_vae.lam_grid("cifar10", 3))


def test_fixed_models_draw_their_own_beta_and_are_not_told():
    model = beta_vae.build(FIXED)
    assert isinstance(model.prior, Fixed)
    assert torch.equal(model.prior.sample((5,)), FIXED.grid.expand(5, 3))
    assert not any("conditioners" in name for name in model.state_dict())


def test_weights_depend_on_the_seed_the_repetition_and_the_member_alone():
    few, many = beta_vae.build(FIXED, seed=1), beta_vae.build(replace(FIXED, lams=5), seed=1)
    others = beta_vae.build(FIXED, seed=2), beta_vae.build(replace(FIXED, repeat=1), seed=1)
    torch.manual_seed(99)
    again = beta_vae.build(FIXED, seed=1).state_dict()
    for name, value in few.state_dict().items():
        assert torch.equal(again[name], value)
        assert torch.equal(many.state_dict()[name][:3], value)
        assert not torch.equal(value[0], value[1])
        assert not any(torch.equal(other.state_dict()[name], value) for other in others)
