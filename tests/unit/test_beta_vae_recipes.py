"""The β-VAE's recipes: what a configuration allows, and what the profiles train."""

import json
from dataclasses import replace

import pytest
import torch

from lossconditioning import LogUniform, ReaderError, Uniform
from lossconditioning.systems import beta_vae, system

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
        *(({name: 0}, f"{name} must be a whole number") for name in ("betas", "draws", "batch_size", "steps")),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"width": 0}, "width and learning_rate are positive; got 0"),
        ({"learning_rate": -1e-3}, "positive"),
        ({"width": float("nan")}, "positive"),
        ({"hidden": 0}, "hidden"),
        ({"beta_range": (0.0, 4.0)}, "range|low"),
        ({"beta_range": (4.0, 1.0)}, "range|low"),
        ({"kind": "fixed", "draws": 2}, "one β"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        beta_vae.Config("x", **wrong)


@pytest.mark.parametrize("profile", beta_vae.PROFILES)
def test_every_experiment_of_a_profile_survives_json(profile):
    configs = beta_vae.experiments(profile)
    main = ("yoto", "fixed", "wider", "twice_steps", "half_steps")
    assert {f"{data}_{name}" for data in ("shapes3d", "cifar10") for name in main} <= set(configs)
    ablations = ("uniform", "concatenation", "input", "linear", "narrow")
    assert {f"cifar10_{name}" for name in ablations} <= set(configs)
    for name, config in configs.items():
        assert config.name == name
        assert name.startswith(config.data)
        assert beta_vae.Config.from_json(json.loads(json.dumps(config.as_json()))) == config


def test_the_papers_profile_has_the_papers_numbers():
    configs = beta_vae.experiments("paper")
    for data, batch, rate, ends in (
        ("cifar10", 128, 8e-4, (0.5, 512.0)),
        ("shapes3d", 64, 2e-4, (0.5, 2048.0)),
    ):
        for name in ("yoto", "fixed", "wider"):
            config = configs[f"{data}_{name}"]
            assert (config.steps, config.batch_size, config.learning_rate) == (600_000, batch, rate)
            assert (config.range, config.draws, config.hidden, config.betas) == (ends, 1, None, 8)
            assert (config.conditioning, config.prior, config.encoding) == ("film", "log-uniform", "log")
            assert (config.width, config.kind) == (
                1.5 if name == "wider" else 1.0,
                "fixed" if name == "fixed" else "yoto",
            )
        assert configs[f"{data}_twice_steps"].steps == 1_200_000
    assert {config.steps for config in configs.values()} == {300_000, 600_000, 1_200_000}


def test_demo_names_what_laptop_trained():
    assert beta_vae.experiments("demo") == beta_vae.experiments("laptop")
    with pytest.raises(ReaderError, match=r"no profile 'papier'. Did you mean 'paper'"):
        beta_vae.experiments("papier")
    assert system("beta_vae") is beta_vae


@pytest.mark.parametrize(
    ("changes", "prior", "told"),
    [
        ({}, LogUniform, LogUniform),
        ({"prior": "uniform"}, Uniform, LogUniform),
        ({"encoding": "linear"}, LogUniform, Uniform),
        ({"beta_range": (4.0, 64.0)}, LogUniform, LogUniform),
    ],
    ids=str,
)
def test_beta_is_drawn_from_the_prior_and_told_in_the_encoding(changes, prior, told):
    config = replace(YOTO, **changes)
    assert type(config.sampled) is prior
    encodes = beta_vae.build(config).encoder.prior
    assert type(encodes) is told
    for one in (config.sampled, encodes):
        assert (one.low.item(), one.high.item()) == changes.get("beta_range", (0.5, 512.0))
    assert torch.equal(config.grid, beta_vae.beta_grid("cifar10", 3))
