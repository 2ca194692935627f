"""The β-VAE's data, and what one step of its training sees: pictures, β, noise, learning rate, decay."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError, weighted
from lossconditioning.datasets.shapes3d import Shapes3D
from lossconditioning.systems import beta_vae
from lossconditioning.training.randomness import reseed_torch

SMOKE = beta_vae.experiments("smoke")
YOTO, FIXED = SMOKE["cifar10_yoto"], SMOKE["cifar10_fixed"]
STEPS = 4

# Data ---------------------------------------------------------------------------------------------------------------------


def test_batches_are_pictures_between_0_and_1(folder):
    data = beta_vae.pictures("cifar10", folder)
    assert "40 + 6" in data.source
    assert data.held_out.shape == (6, 3, 32, 32)
    batch = data.batches(7, seed=3)
    assert torch.equal(batch(5), data.batches(7, seed=3)(5))
    assert not torch.equal(batch(0), data.batches(7, seed=4)(0))
    assert (batch(0).dtype, batch(0).shape) == (torch.float32, (7, 3, 32, 32))
    assert torch.equal((255 * batch(0)).round() / 255, batch(0))
    assert 0 <= batch(0).amin() < 0.1 < 0.9 < batch(0).amax() <= 1


def test_one_shapes3d_picture_in_ten_is_never_trained_on():
    data = beta_vae.pictures("shapes3d", few=True)
    assert len(data.training) == 432_000
    assert data.held_out.shape == (20, 3, 64, 64)
    order = torch.randperm(480_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(data.held_out, Shapes3D()[order[:20]])
    assert not torch.isin(order[:48_000], data.training).any()
    assert len(data.training.unique()) == 432_000
    assert data.batches(2)(0).shape == (2, 3, 64, 64)


def test_however_a_data_set_is_asked_for_it_is_made_once():
    assert beta_vae.pictures("shapes3d", few=True) is beta_vae.pictures("shapes3d", None, "rendered", few=True)


def test_an_unknown_data_set_is_answered_with_the_closest():
    with pytest.raises(ReaderError, match="Did you mean 'cifar10'"):
        beta_vae.pictures("cifar100")


# One step -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [1, 4])
@pytest.mark.parametrize("changes", [{}, {"prior": "uniform"}, {"lam_range": (4.0, 64.0)}], ids=str)
def test_every_draw_stands_beside_its_own_picture(draws, changes):
    config = replace(YOTO, draws=draws, **changes)
    torch.manual_seed(0)
    batch = torch.rand(5, 3, 32, 32)
    (x, noise), lam = beta_vae.draw(config, beta_vae.build(config), batch)
    assert (x.shape, lam.shape, noise.shape) == ((5 * draws, 3, 32, 32), (5 * draws,), (5 * draws, 64))
    for row in range(5 * draws):
        assert torch.equal(x[row], batch[row // draws])
    low, high = config.range
    assert ((lam >= low) & (lam <= high)).all()
    assert len(lam.unique()) == len(noise[:, 0].unique()) == 5 * draws
    if draws > 1:
        share = (lam - low) / (high - low) if config.prior == "uniform" else (lam / low).log() / np.log(high / low)
        strata = (share * draws).floor().long().view(5, draws)
        assert torch.equal(strata.sort(dim=1).values, torch.arange(draws).expand(5, draws))


def test_every_fixed_model_gets_its_own_beta_and_the_same_pictures():
    batch = torch.rand(5, 3, 32, 32)
    (x, noise), lam = beta_vae.draw(FIXED, beta_vae.build(FIXED), batch)
    assert (x.shape, lam.shape, noise.shape) == ((3, 5, 3, 32, 32), (3, 5), (3, 5, 64))
    assert torch.equal(lam, FIXED.grid.unsqueeze(1).expand(3, 5))
    assert (x == batch).all()
    assert (noise == noise[:1]).all()
    assert noise.std() > 0.5


def test_the_learning_rate_is_halved_where_the_paper_says():
    optimizer, schedule = beta_vae.optimise(replace(YOTO, steps=1000), beta_vae.build(YOTO))
    rates = []
    for _ in range(1000):
        rates.append({group["lr"] for group in optimizer.param_groups})
        optimizer.step()
        schedule.step()
    assert all(len(rate) == 1 for rate in rates)
    rates = [rate.pop() for rate in rates]
    expected = [8e-4 * 0.5**halvings for halvings, steps in enumerate((500, 150, 150, 150, 50)) for _ in range(steps)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("name", ["cifar10_yoto", "cifar10_concatenation", "cifar10_input", "cifar10_fixed"])
def test_weights_decay_but_not_those_of_the_conditioning(name):
    model = beta_vae.build(SMOKE[name])
    optimizer, _ = beta_vae.optimise(SMOKE[name], model)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    named = dict(model.named_parameters())
    assert len(decays) == len(named) == sum(len(group["params"]) for group in optimizer.param_groups)
    assert all(decays[id(p)] == (0 if "conditioners" in path else 1e-5) for path, p in named.items())
    assert any("conditioners" in path for path in named) == (name != "cifar10_fixed")


# Training -----------------------------------------------------------------------------------------------------------------


def test_training_separate_models_together_is_training_them_one_by_one(fit, folder):
    config = replace(FIXED, steps=STEPS)
    together, loop = fit(config, seed=2)
    batch, losses = beta_vae.pictures("cifar10", folder).batches(config.batch_size, 2000), torch.zeros(STEPS)
    start = beta_vae.build(config, seed=2)
    for m in range(3):
        alone = start.member(m)
        optimizer, schedule = beta_vae.optimise(config, alone)
        for step in range(STEPS):
            reseed_torch(2000, step)
            (x, noise), lam = beta_vae.draw(config, start, batch(step))
            loss = weighted(beta_vae.terms(alone, (x[m], noise[m]), lam[m]), {"kl": lam[m]}).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses[step] += loss.detach() / 3
        for name, value in together.member(m).state_dict().items():
            torch.testing.assert_close(value, alone.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)
    assert [row["loss"] for row in loop.history] == pytest.approx(losses.tolist(), rel=1e-4)


@pytest.mark.parametrize("name", ["uniform", "concatenation", "input", "linear", "narrow", "wider"])
def test_every_variant_trains(name, fit):
    model, loop = fit(SMOKE[f"cifar10_{name}"])
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert all(p.isfinite().all() for p in model.parameters())


def test_the_loss_logged_is_the_weighted_sum_of_the_terms_where_beta_is_one(fit):
    _, loop = fit(replace(YOTO, lam_range=(0.999, 1.001)))
    for row in loop.history:
        assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"], rel=1e-3)


def test_thirty_steps_lower_the_loss(fit):
    _, loop = fit(replace(YOTO, steps=30, batch_size=8, draws=1, lam_range=(0.5, 1.0)))
    losses = [row["loss"] for row in loop.history]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 30


def test_mixed_precision_can_be_asked_for_in_a_session_that_trained_without(fit):
    _, plain = fit(YOTO, mixed_precision="no")
    _, mixed = fit(YOTO, mixed_precision="bf16")
    for a, b in zip(plain.history, mixed.history, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=0.05)
