"""The β-VAE's loss terms are those of torch.distributions; β's range is the paper's."""

import itertools

import pytest
import torch
from small_vaes import DATA, LATENT, SIDE, network, photos
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from lossconditioning import Ensemble
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.models import STD_FLOOR
from lossconditioning.systems.beta_vae.task import unit_kl


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("members", [None, 3])
def test_terms_are_those_of_torch_distributions(data, members):
    lead = () if members is None else (members,)
    model = network(data) if members is None else Ensemble([network(data) for _ in range(members)])
    x = photos(data, 4).expand(*lead, 4, 3, SIDE[data], SIDE[data])
    lam, noise = torch.ones(*lead, 4), torch.randn(*lead, 4, LATENT[data])
    ours = beta_vae.terms(model, (x, noise), lam)
    mean, std, pixels = model(x, lam, noise)
    if data == "cifar10":
        centre, spread = pixels.chunk(2, dim=-3)
        nll = -Normal(centre, nn.functional.softplus(spread) + STD_FLOOR).log_prob(2 * x - 1)
    else:
        nll = -Bernoulli(logits=pixels, validate_args=False).log_prob(x)
    kl = kl_divergence(Normal(mean, std), Normal(torch.zeros_like(mean), torch.ones_like(std))).sum(-1)
    assert set(ours) == {"reconstruction", "kl"}
    torch.testing.assert_close(ours["reconstruction"], nll.sum((-3, -2, -1)), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours["kl"], kl, rtol=1e-4, atol=1e-4)
    assert ours["kl"].shape == (*lead, 4)


@pytest.mark.parametrize("data", DATA)
def test_noise_is_drawn_where_none_is_given(data):
    model, x, noise = network(data), photos(data), torch.randn(2, LATENT[data], generator=torch.manual_seed(5))
    torch.manual_seed(5)
    ours, given = beta_vae.terms(model, x, None), beta_vae.terms(model, (x, noise), None)
    assert all(torch.equal(ours[name], given[name]) for name in ("reconstruction", "kl"))


def test_the_full_loss_weighs_the_divergence_with_beta():
    values = {"reconstruction": torch.tensor([0.0, 4.0, 12.0]).double(), "kl": torch.tensor([10.0, 7.0, 3.0]).double()}
    loss = beta_vae.full_loss(values, torch.tensor([1.0, 2.0, 4.0]))
    assert loss.tolist() == [10, 18, 24]
    assert loss.dtype == torch.float64


def test_the_divergence_vanishes_for_the_standard_normal_alone():
    zero, one = torch.zeros(2, 5), torch.ones(2, 5)
    assert beta_vae.kl_to_standard_normal(zero, one).tolist() == [0, 0]
    assert (beta_vae.kl_to_standard_normal(zero + 0.3, one) > 0).all()
    assert (beta_vae.kl_to_standard_normal(zero, 2 * one) > 0).all()
    assert unit_kl(zero + 0.3, one).shape == (2, 5)


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_picture_shown_lies_between_black_and_white(channels, scale, dtype):
    pixels = (scale * torch.randn(2, 5, channels, 8, 8)).to(dtype)
    shown = beta_vae.pixel_mean(pixels)
    assert shown.shape == (2, 5, 3, 8, 8)
    assert shown.dtype == torch.float32
    assert 0 <= shown.amin() <= shown.amax() <= 1


def test_the_picture_shown_is_the_distributions_mean():
    pixels = torch.randn(2, 6, 8, 8) / 4
    torch.testing.assert_close(beta_vae.pixel_mean(pixels), (1 + pixels[:, :3].clamp(-1, 1)) / 2)
    torch.testing.assert_close(beta_vae.pixel_mean(pixels[:, :3]), Bernoulli(logits=pixels[:, :3]).mean)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("conditioning", [None, "film"])
@pytest.mark.parametrize("autocast", [False, True], ids=["float32", "bfloat16"])
def test_loss_and_gradients_are_finite_in_extreme_cases(data, conditioning, autocast):
    model = network(data, conditioning)
    zero, one = torch.zeros(1, 3, SIDE[data], SIDE[data]), torch.ones(1, 3, SIDE[data], SIDE[data])
    x = torch.cat([zero, one, photos(data, 1), (photos(data, 1) > 0.5).float()])
    noise = torch.randn(4, LATENT[data], generator=torch.Generator().manual_seed(0))
    for lam, scale in itertools.product(beta_vae.RANGES[data], (0, 1, 10)):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            values = beta_vae.terms(model, (x, scale * noise), torch.full((4,), lam))
        assert all(term.dtype == torch.float32 for term in values.values())
        loss = beta_vae.full_loss(values, torch.full((4,), lam))
        assert loss.isfinite().all()
        loss.mean().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
        assert sum(p.grad is None for p in model.parameters()) == 0


@pytest.mark.parametrize("value", [-1e4, -50.0, 0.0, 50.0, 1e4])
@pytest.mark.parametrize("channels", [3, 6])
def test_a_saturated_decoder_keeps_finite_gradients(value, channels):
    pixels = torch.full((1, channels, 4, 4), value, requires_grad=True)
    nll = beta_vae.pixel_nll(beta_vae.pixel_parameters(pixels), torch.ones(1, 3, 4, 4))
    nll.sum().backward()
    assert nll.isfinite().all()
    assert pixels.grad.isfinite().all()


@pytest.mark.parametrize(("data", "ends"), [("cifar10", (0.5, 512.0)), ("shapes3d", (0.5, 2048.0))])
@pytest.mark.parametrize("count", [2, 3, 8, 13])
def test_the_grid_goes_from_end_to_end_in_equal_steps_of_the_logarithm(data, ends, count):
    grid = beta_vae.lam_grid(data, count)
    assert grid.shape == (count,)
    assert grid.dtype == torch.float32
    assert (grid[0].item(), grid[-1].item()) == pytest.approx(ends, rel=1e-6)
    steps = grid.double().log().diff()
    torch.testing.assert_close(steps, steps.mean().expand(count - 1), rtol=1e-5, atol=0)
    prior = beta_vae.lam_prior(data)
    assert (prior.low.item(), prior.high.item()) == ends == beta_vae.RANGES[data]
    assert prior.support.check(grid).all()
