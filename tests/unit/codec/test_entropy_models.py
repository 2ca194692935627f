"""What symbols cost: both probability models add up to one, and are what their formulas say, far out in the tails too."""

import pytest
import torch
from torch.distributions import Normal

from lossconditioning.codec.entropy_models import (
    LIKELIHOOD_MIN,
    SCALE_MIN,
    FactorisedPrior,
    bits,
    gaussian_likelihood,
)


@pytest.fixture(scope="module")
def prior() -> FactorisedPrior:
    """Four distributions, no two alike and none symmetric, with their medians found."""
    torch.manual_seed(0)
    prior = FactorisedPrior(4)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.7 * torch.randn(parameter.shape))
        prior.biases[-1].add_(torch.tensor([-9.0, -1.0, 0.0, 4.0]).reshape(4, 1, 1))
    prior.find_medians()
    return prior


def grid(low: float, high: float, count: int) -> torch.Tensor:
    return torch.linspace(low, high, count, dtype=torch.float64).expand(4, count)


# The factorised prior -------------------------------------------------------------------------------------------------


def test_a_prior_starts_as_wide_as_it_is_told():
    for spread in (5.0, 10.0, 40.0):
        torch.manual_seed(0)
        prior = FactorisedPrior(64, spread=spread)
        slope = prior.logit(torch.full((64, 1), 0.5)) - prior.logit(torch.full((64, 1), -0.5))
        torch.testing.assert_close(slope, torch.full((64, 1), 1 / spread))


def test_the_cumulative_rises_from_zero_to_one(prior):
    cumulative = prior.logit(grid(-3000, 3000, 60001)).sigmoid()
    assert (cumulative.diff(dim=1) >= 0).all()
    assert (prior.logit(grid(-3000, 3000, 60001)).diff(dim=1) > 0).all()
    assert cumulative[:, 0].max() < 1e-6
    assert cumulative[:, -1].min() > 1 - 1e-6


@pytest.mark.parametrize("offset", [0.0, 0.3, -0.5])
def test_likelihoods_of_whole_steps_add_up_to_one(prior, offset):
    values = torch.arange(-3000, 3001, dtype=torch.float64) + offset
    likelihood = prior.likelihood(values.expand(1, 4, 1, -1))
    torch.testing.assert_close(likelihood.sum(-1), torch.ones(1, 4, 1, dtype=torch.float64), rtol=0, atol=1e-5)


def test_a_likelihood_is_the_cumulatives_rise_over_one_step(prior):
    values = 20 * torch.randn(3, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = prior.likelihood(values)
    assert found.shape == values.shape
    for channel in range(4):
        row = values[:, channel].reshape(1, -1).expand(4, -1)
        rise = prior.logit(row + 0.5).sigmoid()[channel] - prior.logit(row - 0.5).sigmoid()[channel]
        torch.testing.assert_close(found[:, channel].flatten(), rise.clamp(min=LIKELIHOOD_MIN))


def test_likelihoods_in_single_precision_are_right_in_both_tails(prior):
    values = grid(-600, 600, 2401)[None, :, None]
    exact = prior.likelihood(values)
    assert (exact == LIKELIHOOD_MIN).any()
    torch.testing.assert_close(prior.likelihood(values.float()).double(), exact, rtol=2e-2, atol=1e-12)


def test_quantiles_are_where_the_cumulative_takes_their_value(prior):
    for probability in (1e-7, 0.01, 0.5, 0.9, 1 - 1e-7):
        where = prior.quantile(probability)
        assert where.dtype == torch.float64
        reached = prior.logit(where[:, None])[:, 0].sigmoid()
        torch.testing.assert_close(reached, torch.full((4,), probability, dtype=torch.float64), rtol=1e-6, atol=0)


def test_medians_are_kept_and_hyper_latents_rounded_from_them(prior):
    torch.testing.assert_close(prior.median.double(), prior.quantile(0.5), rtol=1e-6, atol=1e-6)
    assert len(prior.median.unique()) == 4
    assert "median" in prior.state_dict()
    values = 5 * torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    rounded = prior.quantise(values)
    steps = rounded - prior.median[:, None, None]
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-4)
    assert (rounded - values).abs().max() <= 0.5001
    torch.testing.assert_close(prior.quantise(rounded), rounded)


# The Gaussian conditional ---------------------------------------------------------------------------------------------


def test_a_gaussian_likelihood_is_the_mass_of_one_step():
    torch.manual_seed(0)
    values, scale = 10 * torch.randn(500, dtype=torch.float64), 0.2 + 20 * torch.rand(500, dtype=torch.float64)
    normal = Normal(torch.zeros(500, dtype=torch.float64), scale)
    mass = normal.cdf(values + 0.5) - normal.cdf(values - 0.5)
    torch.testing.assert_close(
        gaussian_likelihood(values, scale), mass.clamp(min=LIKELIHOOD_MIN), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("scale", [0.0, 0.11, 0.5, 3.0, 40.0, 256.0])
def test_gaussian_likelihoods_add_up_to_one_and_are_symmetric(scale):
    values = torch.arange(-2000, 2001).double()
    likelihood = gaussian_likelihood(values, torch.full_like(values, scale))
    assert float(likelihood.sum()) == pytest.approx(1, abs=1e-5)
    assert torch.equal(likelihood, likelihood.flip(0))
    assert (likelihood.diff()[:2000] >= 0).all()


def test_single_precision_is_enough_in_the_tails():
    values = torch.arange(-60, 61).double()
    exact = gaussian_likelihood(values, torch.full_like(values, 10.0))
    single = gaussian_likelihood(values.float(), torch.full((121,), 10.0))
    torch.testing.assert_close(single.double(), exact, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("step", [0.2, 1.0, 3.5])
def test_a_step_only_changes_the_unit(step):
    torch.manual_seed(0)
    values, scale = 5 * torch.randn(2, 3, 4, 4), 5 * torch.rand(2, 3, 4, 4)
    by_channel = torch.full((2, 3, 1, 1), step)
    torch.testing.assert_close(
        gaussian_likelihood(values, scale, by_channel), gaussian_likelihood(values / step, scale / step)
    )


def test_neither_scale_nor_likelihood_goes_below_its_bound():
    values = torch.arange(-5.0, 6.0)
    small = gaussian_likelihood(values, torch.zeros(11))
    assert torch.equal(small, gaussian_likelihood(values, torch.full((11,), SCALE_MIN)))
    assert small.min() == pytest.approx(LIKELIHOOD_MIN)
    halved = gaussian_likelihood(values / 2, torch.zeros(11), 0.5)
    assert torch.equal(small, halved)


def test_a_scale_below_its_bound_still_learns_to_grow():
    scale = torch.zeros(3, requires_grad=True)
    bits(gaussian_likelihood(torch.tensor([[1.0, 1.0, 0.0]]), scale)).backward()
    assert (scale.grad[:2] < 0).all()  # a larger deviation makes a value of 1 cheaper
    assert scale.grad[2] == 0


def test_bits_are_added_up_for_each_picture():
    likelihood = torch.tensor([0.5, 0.25, 1.0, 0.125]).reshape(2, 1, 2, 1)
    assert bits(likelihood).tolist() == [3.0, 3.0]
