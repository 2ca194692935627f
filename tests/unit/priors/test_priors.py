"""Priors draw what they say, know their own density, and encode λ as the network expects it."""

import copy
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from lossconditioning import Choice, Dirichlet, Fixed, LogUniform, ReaderError, Uniform
from lossconditioning.priors import log_grid

DOUBLE = torch.float64


def doubles(*values):
    return torch.tensor(values, dtype=DOUBLE)


@pytest.fixture
def double():
    """Draw in double precision: single precision puts a visible mass on exactly 0 and 1 of Dirichlet(0.1, 0.1)."""
    torch.set_default_dtype(DOUBLE)
    yield
    torch.set_default_dtype(torch.float32)


# What to build, and SciPy's distribution of each weight.
CONTINUOUS = {
    "log-uniform": (lambda: LogUniform(0.5, 512.0), [stats.loguniform(0.5, 512)]),
    "log-uniform-2": (
        lambda: LogUniform(doubles(0.1, 1), doubles(10, 1000)),
        [stats.loguniform(0.1, 10), stats.loguniform(1, 1000)],
    ),
    "uniform": (lambda: Uniform(-1.0, 3.0), [stats.uniform(-1, 4)]),
    "uniform-2": (lambda: Uniform(doubles(0, 5), doubles(1, 7)), [stats.uniform(0, 1), stats.uniform(5, 2)]),
    "dirichlet-0.1": (lambda: Dirichlet([0.1, 0.1]), [stats.beta(0.1, 0.1)] * 2),
    "dirichlet-0.5": (lambda: Dirichlet([0.5, 0.5]), [stats.beta(0.5, 0.5)] * 2),
    "dirichlet-2": (lambda: Dirichlet([2.0, 2.0]), [stats.beta(2, 2)] * 2),
    "dirichlet-3": (lambda: Dirichlet([0.5, 1.0, 2.5]), [stats.beta(a, 4 - a) for a in (0.5, 1, 2.5)]),
}
FINITE = {
    "choice": lambda: Choice([1.0, 10.0, 100.0], probs=[0.5, 0.3, 0.2]),
    "choice-2": lambda: Choice([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]),
    "fixed": lambda: Fixed(3.0),
    "fixed-2": lambda: Fixed([0.75, 0.25]),
}
ALL = {**{name: build for name, (build, _) in CONTINUOUS.items()}, **FINITE}
SCALED = ("log-uniform", "log-uniform-2", "uniform", "uniform-2", "choice", "choice-2")


@pytest.fixture(params=ALL)
def prior(request):
    return ALL[request.param]()


@pytest.fixture(params=CONTINUOUS)
def continuous(request, double):
    build, marginals = CONTINUOUS[request.param]
    return build(), marginals


def components(prior, values):
    """The weights one by one: a list of arrays."""
    return (values if prior.weight_shape else values.unsqueeze(-1)).double().unbind(-1)


# Drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stratified", [False, True])
def test_every_single_draw_follows_the_prior(continuous, stratified):
    prior, marginals = continuous
    torch.manual_seed(0)
    # One fixed place out of eight strata: independent over rows, and a draw from the whole prior if strata are shuffled.
    draws = prior.sample((3000, 8), stratified=stratified)[:, 3]
    for values, marginal in zip(components(prior, draws), marginals, strict=True):
        assert stats.kstest(values, marginal.cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(32,), (6, 16)])
def test_stratified_draws_once_per_stratum(continuous, shape):
    prior, marginals = continuous
    torch.manual_seed(0)
    draws = prior.sample(shape, stratified=True)
    # The first weight of a Dirichlet is stratified itself; the others are products of stratified shares.
    exact = components(prior, draws)[: 1 if isinstance(prior, Dirichlet) else None]
    for values, marginal in zip(exact, marginals, strict=False):
        strata = np.floor(marginal.cdf(values.numpy()) * shape[-1]).clip(max=shape[-1] - 1)
        np.testing.assert_array_equal(np.sort(strata, axis=-1), np.broadcast_to(np.arange(shape[-1]), shape))


def test_a_stratified_choice_takes_equally_likely_entries_equally_often():
    draws = Choice([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]]).sample((5, 8), stratified=True)[..., 0]
    assert all(sorted(row) == [1, 1, 2, 2, 3, 3, 4, 4] for row in draws.tolist())


@pytest.mark.parametrize("stratified", [False, True])
def test_choice_draws_with_its_probabilities(stratified):
    torch.manual_seed(0)
    draws = Choice([1.0, 2.0, 3.0, 4.0], probs=[0.0, 0.5, 0.2, 0.3]).sample((2000, 4), stratified=stratified)[:, 1]
    counts = [int((draws == value).sum()) for value in (1, 2, 3, 4)]
    assert counts[0] == 0
    assert Choice([1.0, 2.0], probs=[0.0, 1.0]).icdf(torch.zeros(1)) == 2  # a uniform number may be exactly 0
    assert stats.chisquare(counts[1:], [1000, 400, 600]).pvalue > 1e-3


@pytest.mark.parametrize("stratified", [False, True])
def test_draws_have_the_shape_and_lie_in_the_support(prior, stratified):
    torch.manual_seed(0)
    draws = prior.sample((50, 20), stratified=stratified)
    assert draws.shape == (50, 20, *prior.weight_shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prior.check(draws)


def test_stratified_sampling_needs_a_batch(prior):
    with pytest.raises(ReaderError, match=r"such as \(B,\), not \(\)"):
        prior.sample(stratified=True)


@pytest.mark.parametrize("stratified", [False, True])
def test_draws_repeat_with_the_seed(prior, stratified):
    def draw(seed):
        torch.manual_seed(seed)
        return prior.sample((16,), stratified=stratified)

    assert torch.equal(draw(1), draw(1))
    assert isinstance(prior, Fixed) or not torch.equal(draw(1), draw(2))


@pytest.mark.parametrize("stratified", [False, True])
def test_a_fixed_weight_uses_up_no_random_numbers(stratified):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Fixed([0.75, 0.25]).sample((16,), stratified=stratified)
    assert torch.equal(torch.rand(3), expected)


def test_a_deep_copy_draws_and_encodes_the_same(prior):
    twin = copy.deepcopy(prior)
    torch.manual_seed(0)
    ours = prior.sample((16,))
    torch.manual_seed(0)
    theirs = twin.sample((16,))
    assert torch.equal(ours, theirs)
    assert torch.equal(prior.encode(ours), twin.encode(theirs))


@pytest.mark.parametrize("build", [lambda low: LogUniform(low, 9.0), lambda low: Uniform(low, 9.0)])
def test_rsample_passes_gradients_and_sample_does_not(build):
    low = torch.tensor(1.0, requires_grad=True)
    prior = build(low)
    assert prior.has_rsample
    prior.rsample((8,)).sum().backward()
    assert low.grad > 0
    assert not prior.sample((8,)).requires_grad


@pytest.mark.parametrize("name", FINITE)
def test_a_finite_prior_has_no_rsample(name):
    assert not ALL[name]().has_rsample
    with pytest.raises(NotImplementedError):
        ALL[name]().rsample((2,))


@pytest.mark.parametrize("alpha", [0.009, 0.001, 0.0001])
def test_a_sparse_dirichlet_draws_corners_each_as_often_and_never_the_centre(alpha):
    torch.manual_seed(0)
    lam = Dirichlet([alpha] * 3).sample((3000,))
    assert (lam.amax(dim=-1) - 1 / 3).min() > 1e-3
    assert (lam > 0.99).any(dim=-1).float().mean() > 1 - 20 * alpha
    np.testing.assert_allclose((lam > 0.5).float().mean(dim=0), [1 / 3] * 3, atol=0.03)


# Density and moments ----------------------------------------------------------------------------------------------


def test_log_prob_is_scipys(continuous):
    prior, marginals = continuous
    torch.manual_seed(0)
    lam = prior.sample((40,)).clamp(1e-9, None)
    if isinstance(prior, Dirichlet):
        lam = lam / lam.sum(-1, keepdim=True)
        expected = stats.dirichlet(prior.concentration.numpy()).logpdf(lam.T.numpy())
    else:
        columns = [m.logpdf(v.numpy()) for m, v in zip(marginals, components(prior, lam), strict=True)]
        expected = np.stack(columns, -1).reshape(lam.shape)
    np.testing.assert_allclose(prior.log_prob(lam), expected, rtol=1e-6)


def test_mean_and_variance_are_scipys(continuous):
    prior, marginals = continuous
    for moment, method in ((prior.mean, "mean"), (prior.variance, "var")):
        np.testing.assert_allclose(moment.flatten(), [getattr(m, method)() for m in marginals], rtol=1e-9)


def test_a_choice_knows_its_probabilities_and_moments():
    prior = Choice([1.0, 2.0, 5.0, 2.0], probs=[0.5, 0.125, 0.25, 0.125])
    torch.testing.assert_close(prior.log_prob(torch.tensor([1.0, 2.0, 3.0])).exp(), torch.tensor([0.5, 0.25, 0.0]))
    torch.testing.assert_close(prior.mean, torch.tensor(2.25))
    torch.testing.assert_close(prior.variance, torch.tensor(2.6875))
    pairs = Choice([[1.0, 0.0], [0.0, 1.0]], probs=[0.25, 0.75])
    lam = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    torch.testing.assert_close(pairs.log_prob(lam).exp(), torch.tensor([0.25, 0.75, 0.0]))
    torch.testing.assert_close(pairs.mean, torch.tensor([0.25, 0.75]))


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize(
    "prior",
    [
        LogUniform(1e-30, 1e30),
        LogUniform(1000.0, 1000.001),
        Uniform(-1e30, 1e30),
        Uniform(1e6, 1e6 + 1),
        Dirichlet([0.1, 0.1]),
        Dirichlet([0.5, 1.0, 50.0]),
    ],
    ids=lambda p: f"{type(p).__name__}-{p.describe_support()}",
)
def test_the_density_at_the_priors_own_draws_is_finite(prior, stratified):
    torch.manual_seed(0)
    assert prior.log_prob(prior.sample((5000,), stratified=stratified)).isfinite().all()


def test_a_narrow_prior_has_a_standard_deviation():
    assert LogUniform(0.999, 1.001).stddev.item() == pytest.approx(stats.loguniform(0.999, 1.001).std(), rel=0.05)


# Encoding ---------------------------------------------------------------------------------------------------------


def test_the_code_is_a_row_per_example(prior):
    lam = prior.sample((7,))
    assert prior.encode(lam).shape == (7, prior.code_size)
    assert prior.encode(prior.sample((2, 7))).shape == (2, 7, prior.code_size)
    assert prior.encode(lam.double()).dtype == DOUBLE


@pytest.mark.parametrize("name", SCALED)
def test_the_code_is_standardised(name):
    prior = ALL[name]()
    torch.manual_seed(0)
    code = prior.encode(prior.sample((30_000,), stratified=True))
    torch.testing.assert_close(code.mean(0), torch.zeros_like(code[0]), atol=2e-3, rtol=0)
    torch.testing.assert_close(code.std(0), torch.ones_like(code[0]), atol=2e-3, rtol=0)


def test_the_code_of_a_log_uniform_weight_is_affine_in_its_logarithm():
    code = LogUniform(0.5, 512.0).encode(torch.logspace(-2, 11, 14, base=2, dtype=DOUBLE)).squeeze(1)
    torch.testing.assert_close(code.diff(), torch.full_like(code[1:], math.sqrt(12) / 10), rtol=1e-6, atol=0)
    assert code[6].item() == pytest.approx(0, abs=1e-6)  # 16, the geometric middle


def test_a_dirichlet_vector_is_its_own_code_and_a_fixed_weight_has_code_zero():
    lam = torch.tensor([[0.1, 0.9], [1.0, 0.0]])
    assert torch.equal(Dirichlet([0.5, 0.5]).encode(lam), lam)
    assert not Fixed([0.1, 0.9]).encode(lam[:1]).any()
    assert not Fixed(0.3).encode(torch.tensor([0.3, 0.3])).any()


@pytest.mark.parametrize("value", [0.1, 0.7, 3.3])
def test_a_weight_that_never_varies_has_code_zero(value):
    prior = Choice([[float(k), value] for k in range(7)])
    torch.testing.assert_close(prior.encode(prior.sample((9,)))[:, 1], torch.zeros(9), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["log-uniform", "uniform", "choice"])
def test_whole_numbers_encode_like_floats(name):
    prior, lam = ALL[name](), torch.tensor([1, 2, 3])
    torch.testing.assert_close(prior.encode(lam).float(), prior.encode(lam.float()))


@pytest.mark.parametrize("name", ["log-uniform-2", "uniform-2", "dirichlet-3", "choice-2", "fixed-2"])
def test_weights_of_another_size_do_not_fit(name):
    prior = ALL[name]()
    for wrong in (torch.ones(4), torch.ones(4, prior.code_size + 1), torch.tensor(1.0)):
        with pytest.raises(
            ReaderError, match=rf"shape \({', '.join(map(str, wrong.shape))},?\).*\(B, {prior.code_size}\)"
        ):
            prior.encode(wrong)


# Properties -------------------------------------------------------------------------------------------------------

lows, ratios = st.floats(1e-6, 1e3), st.floats(1.00001, 1e6)
shares = st.lists(st.floats(0, 1), min_size=2, max_size=20)


@settings(max_examples=60, deadline=None)
@given(low=lows, ratio=ratios, single=st.booleans(), stratified=st.booleans())
@example(low=1000.0, ratio=1.00001, single=True, stratified=False)  # exp(log(high)) > high
def test_any_log_uniform_draws_between_its_bounds(low, ratio, single, stratified):
    dtype = torch.float32 if single else DOUBLE
    low, high = torch.tensor(low, dtype=dtype), torch.tensor(low * ratio, dtype=dtype)
    draws = LogUniform(low, high).sample((200,), stratified=stratified)
    assert draws.dtype == dtype
    assert low <= draws.min()
    assert draws.max() <= high


@settings(max_examples=60, deadline=None)
@given(low=lows, ratio=ratios, shares=shares)
def test_any_log_uniform_inverts_its_cdf_and_encodes_in_order(low, ratio, shares):
    prior = LogUniform(doubles(low).squeeze(), doubles(low * ratio).squeeze())
    share = doubles(*shares).sort().values
    lam = prior.icdf(share)
    torch.testing.assert_close(prior.icdf(prior.cdf(lam)), lam, rtol=1e-9, atol=0)
    torch.testing.assert_close(prior.cdf(lam), share, rtol=0, atol=1e-8)
    assert (prior.encode(lam).squeeze(1).diff() >= 0).all()
    assert prior.encode(lam).abs().max() <= math.sqrt(3) + 1e-6


def test_a_grid_goes_from_end_to_end_in_equal_ratios():
    grid = log_grid(0.01, 100.0, 5)
    torch.testing.assert_close(grid, torch.tensor([0.01, 0.1, 1.0, 10.0, 100.0]))
    assert grid.dtype == torch.float32
