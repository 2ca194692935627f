"""Compression's recipes: what a configuration allows, what the profiles train, and with which networks."""

import math
from dataclasses import replace

import pytest
import torch

from lossconditioning import Fixed, LogUniform, ReaderError
from lossconditioning.systems import compression
from lossconditioning.systems.compression import FIXED_NAMES, LAM_RANGE
from lossconditioning.training import PROFILES

SMOKE = compression.experiments("smoke")
MAIN = ["yoto", *(f"fixed_{i}" for i in range(5)), "yoto_wider_batch16", "yoto_batch16", "yoto_wider"]


# Configurations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "yotto"}, "no kind of model 'yotto'. Did you mean 'yoto'"),
        ({"schedule": "cosinus"}, "no schedule 'cosinus'. Did you mean 'cosine'"),
        ({"schedule": "steps"}, "no schedule 'steps'"),
        ({"start": "component"}, "no start 'component'. Did you mean 'components'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("n", "m", "patch", "batch_size", "steps")),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"n": True}, "n must be a whole number of at least 1; got True"),
        ({"patch": 96}, "patch is a multiple of 64 pixels; got 96"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number; got 0"),
        ({"learning_rate": -1e-4}, "learning_rate is a positive number"),
        ({"learning_rate": math.nan}, "learning_rate is a positive number; got nan"),
        ({"kind": "fixed"}, "A fixed-weight model has one λ, a conditional one none; got fixed and None"),
        ({"lam": 0.01}, "A fixed-weight model has one λ, a conditional one none; got yoto and 0.01"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        compression.Config("x", **wrong)


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


@pytest.mark.parametrize("profile", PROFILES)
def test_models_that_are_compared_differ_in_nothing_but_what_their_name_says(profile):
    configs = compression.experiments(profile)
    assert list(configs)[: len(MAIN)] == MAIN
    base = configs["yoto"]
    for name, config in configs.items():
        assert (config.steps, config.patch, config.start) == (base.steps, base.patch, base.start)
        assert (config.learning_rate, config.schedule, config.gain) == (base.learning_rate, base.schedule, base.gain)
        assert config.batch_size == base.batch_size * (2 if "batch16" in name else 1)
        larger = "wider" in name
        assert (config.n > base.n, config.m > base.m) == (larger, larger)
        assert (config.n == base.n, config.m == base.m) == (not larger, not larger)
        assert config.repeat == 0
    fixed = [configs[name] for name in FIXED_NAMES]
    assert [config.lam for config in fixed] == pytest.approx(compression.lam_grid(5).tolist(), rel=1e-3)
    assert {config.balance for config in fixed} == {0.0}
    assert all(config.lam is None for config in configs.values() if config.kind == "yoto")


def test_the_ablation_is_the_papers_conditioning_in_our_size():
    configs = compression.experiments("laptop")
    assert configs["yoto_film_only"] == replace(configs["yoto"], name="yoto_film_only", step=False, balance=0.0)
    assert (configs["yoto"].step, configs["yoto"].balance > 0) == (True, True)


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
        middle = math.sqrt(math.prod(LAM_RANGE))
        assert told.flatten().tolist() == pytest.approx([(middle / config.lam) ** 0.5] * config.m, rel=1e-5)


def test_a_conditional_models_prior_is_log_uniform_over_the_papers_range_and_a_fixed_ones_is_its_weight():
    prior = compression.build(SMOKE["yoto"]).prior
    assert LAM_RANGE == (1.2e-3, 2.6e-1)
    assert type(prior) is LogUniform
    assert (prior.low.item(), prior.high.item()) == pytest.approx(LAM_RANGE)
    own = compression.build(SMOKE["fixed_1"]).prior
    assert type(own) is Fixed
    assert own.sample((3,)).tolist() == pytest.approx([SMOKE["fixed_1"].lam] * 3)


@pytest.mark.parametrize("asked", [None, "bf16"])
def test_gradients_are_clipped_and_precision_is_full_unless_accelerate_is_asked_for_another(asked, monkeypatch):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    if asked:
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", asked)
    assert (SMOKE["yoto"].clip, SMOKE["yoto"].precision) == (1.0, asked or "no")
