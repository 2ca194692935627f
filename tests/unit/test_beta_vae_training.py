"""The β-VAE's training: together as one by one, resumed as uninterrupted, into checkpoints that load back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lossconditioning import CheckpointError, weighted
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.training import draw, optimizer_and_schedule
from lossconditioning.training.randomness import reseed_torch

SMOKE = beta_vae.experiments("smoke")
YOTO, FIXED = SMOKE["cifar10_yoto"], SMOKE["cifar10_fixed"]
STEPS = 4


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


def test_training_separate_models_together_is_training_them_one_by_one(fit, folder):
    config = replace(FIXED, steps=STEPS)
    together, loop = fit(config, seed=2)
    batch, losses = beta_vae.pictures("cifar10", folder).batches(config.batch_size, 2000), torch.zeros(STEPS)
    for m in range(3):
        alone = beta_vae.build(config, seed=2).member(m)
        optimizer, schedule = optimizer_and_schedule(config, alone)
        for step in range(STEPS):
            reseed_torch(2000, step)
            x, lam, noise = (part[m] for part in draw(config, batch(step), 64))
            loss = weighted(beta_vae.terms(alone, x, lam, noise), {"kl": lam}).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses[step] += loss.detach() / 3
        assert_same_weights(together.member(m), alone, rtol=1e-4, atol=1e-5)
    assert [row["loss"] for row in loop.history] == pytest.approx(losses.tolist(), rel=1e-4)


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_a_stopped_training_continues_bit_identically(config, fit, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


@pytest.mark.parametrize("name", ["cifar10_yoto", "cifar10_fixed", "cifar10_uniform", "cifar10_narrow"])
def test_training_twice_gives_the_same_and_another_seed_does_not(name, fit):
    (first, loop), (again, _), (other, _) = (fit(SMOKE[name], seed=seed) for seed in (0, 0, 1))
    assert_same_weights(first, again)
    assert not torch.equal(first.state_dict()[key := next(iter(first.state_dict()))], other.state_dict()[key])
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert_same_weights(fit(replace(SMOKE[name], repeat=1))[0], fit(replace(SMOKE[name], repeat=1))[0])


def test_the_loss_logged_is_the_weighted_sum_of_the_terms_where_beta_is_one(fit):
    _, loop = fit(replace(YOTO, beta_range=(0.999, 1.001)))
    for row in loop.history:
        assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"], rel=1e-3)


def test_sixty_steps_lower_the_loss(fit):
    _, loop = fit(replace(YOTO, steps=60, batch_size=8, beta_range=(0.5, 1.0)))
    losses = [row["loss"] for row in loop.history]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 50


@pytest.mark.usefixtures("few_shapes")
@pytest.mark.parametrize("name", ["shapes3d_yoto", "shapes3d_fixed"])
def test_shapes3d_trains_too(name):
    model, loop = beta_vae.fit(SMOKE[name], progress=False)
    assert loop.done
    assert all(p.isfinite().all() for p in model.parameters())


def test_mixed_precision_can_be_asked_for_in_a_session_that_trained_without(fit):
    _, plain = fit(YOTO, mixed_precision="no")
    _, mixed = fit(YOTO, mixed_precision="bf16")
    for a, b in zip(plain.history, mixed.history, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=0.05)


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_train_writes_a_checkpoint_once_and_it_loads_back(config, folder, tmp_path):
    options = {"out": tmp_path, "profile": "smoke", "progress": False, "folder": folder}
    assert beta_vae.train(config, **options)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"{config.name}.json", f"{config.name}.safetensors"]
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
    assert beta_vae.train(config, **options)
    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in files] == before
    for other in ({"config": replace(config, steps=2)}, {"seed": 1}):
        with pytest.raises(CheckpointError, match="another configuration"):
            beta_vae.train(**{"config": config, **options, **other})
    loaded = beta_vae.load(config.name, tmp_path)
    trained, _ = beta_vae.fit(config, progress=False, folder=folder)
    assert_same_weights(loaded.model, trained, rtol=2e-3, atol=1e-5)
    assert loaded.config == config
    assert "40 + 6" in loaded.card.data
    assert f"--only {config.name}" in loaded.card.command
    assert not loaded.model.training
    measured = beta_vae.frontier(loaded.model, beta_vae.pictures("cifar10", folder).held_out, config.grid)
    for index in range(3):
        for name in ("reconstruction", "kl"):
            assert loaded.card.metrics[f"{name}_{index}"] == pytest.approx(float(measured[name][index]), rel=1e-4)
    assert loaded.card.metrics["mean_loss"] == pytest.approx(
        float(beta_vae.full_loss(measured, config.grid).mean()), rel=1e-4
    )


def test_train_all_shares_a_time_budget_and_continues(folder, tmp_path):
    options = {"out": tmp_path, "profile": "smoke", "folder": folder}
    assert beta_vae.train_all([YOTO, FIXED], minutes=1e-9, **options) == 0
    assert beta_vae.train_all([YOTO, FIXED], **options) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        f"{name}.{kind}" for name in ("cifar10_fixed", "cifar10_yoto") for kind in ("json", "safetensors")
    ]


def test_what_is_not_there_can_not_be_loaded(tmp_path):
    with pytest.raises(CheckpointError, match=r"no card .*cifar10_yoto\.json"):
        beta_vae.load("cifar10_yoto", tmp_path)


def test_weights_depend_on_the_seed_the_repetition_and_the_member_alone():
    few, many = beta_vae.build(FIXED, seed=1), beta_vae.build(replace(FIXED, betas=5), seed=1)
    others = beta_vae.build(FIXED, seed=2), beta_vae.build(replace(FIXED, repeat=1), seed=1)
    torch.manual_seed(99)
    assert_same_weights(beta_vae.build(FIXED, seed=1), few)
    for name, value in few.state_dict().items():
        assert torch.equal(many.state_dict()[name][:3], value)
        assert not torch.equal(value[0], value[1])
        assert not any(torch.equal(other.state_dict()[name], value) for other in others)
