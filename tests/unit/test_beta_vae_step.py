"""What one step of the β-VAE's training sees: pictures, β, learning rate, decay."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets.shapes3d import Shapes3D
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.training import draw, optimizer_and_schedule

SMOKE = beta_vae.experiments("smoke")
YOTO, FIXED = SMOKE["cifar10_yoto"], SMOKE["cifar10_fixed"]


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


@pytest.mark.usefixtures("few_shapes")
def test_one_shapes3d_picture_in_ten_is_never_trained_on():
    data = beta_vae.pictures("shapes3d")
    assert len(data.training) == 432_000
    assert data.held_out.shape == (5, 3, 64, 64)
    order = torch.randperm(480_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(data.held_out, Shapes3D()[order[:5]])
    assert not torch.isin(order[:5], data.training).any()
    assert len(data.training.unique()) == 432_000
    assert data.batches(2)(0).shape == (2, 3, 64, 64)


@pytest.mark.usefixtures("few_shapes")
def test_however_a_data_set_is_asked_for_it_is_made_once():
    assert beta_vae.pictures("shapes3d") is beta_vae.pictures("shapes3d", None)


def test_an_unknown_data_set_is_answered_with_the_closest():
    with pytest.raises(ReaderError, match="Did you mean 'cifar10'"):
        beta_vae.pictures("cifar100")


@pytest.mark.parametrize("draws", [1, 4])
@pytest.mark.parametrize("changes", [{}, {"prior": "uniform"}, {"beta_range": (4.0, 64.0)}], ids=str)
def test_every_draw_stands_beside_its_own_picture(draws, changes):
    config = replace(YOTO, draws=draws, **changes)
    torch.manual_seed(0)
    batch = torch.rand(5, 3, 32, 32)
    x, lam, noise = draw(config, batch, 64)
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
    x, lam, noise = draw(FIXED, batch, 64)
    assert (x.shape, lam.shape, noise.shape) == ((3, 5, 3, 32, 32), (3, 5), (3, 5, 64))
    assert torch.equal(lam, FIXED.grid.unsqueeze(1).expand(3, 5))
    assert (x == batch).all()
    assert (noise == noise[:1]).all()
    assert noise.std() > 0.5


def test_the_learning_rate_is_halved_where_the_paper_says():
    optimizer, schedule = optimizer_and_schedule(replace(YOTO, steps=1000), beta_vae.build(YOTO))
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
    optimizer, _ = optimizer_and_schedule(SMOKE[name], model)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    named = dict(model.named_parameters())
    assert len(decays) == len(named) == sum(len(group["params"]) for group in optimizer.param_groups)
    assert all(decays[id(p)] == (0 if "conditioners" in path else 1e-5) for path, p in named.items())
    assert any("conditioners" in path for path in named) == (name != "cifar10_fixed")
