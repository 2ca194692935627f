"""The mapper makes codes like those it was fitted to, where a Gaussian does not."""

import pytest
import torch
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems.staged_encoder import mapper as module
from lossconditioning.systems.staged_encoder.mapper import Mapper, fit_mapper, gaussian, outside


def ring(count=200, seed=0):
    """Codes on a circle of radius 2 around (5, 5): nothing in the middle, where a Gaussian has most."""
    draw = torch.Generator().manual_seed(seed)
    angle = 2 * torch.pi * torch.rand(count, generator=draw)
    noise = 0.05 * torch.randn(count, 2, generator=draw)
    return 5 + 2 * torch.stack([angle.cos(), angle.sin()], dim=1) + noise


def drawn(source, count=500):
    return source.sample(count, torch.Generator().manual_seed(9))


@pytest.fixture(scope="module")
def fitted():
    return fit_mapper(ring(), epochs=60)


def test_an_mlp_with_three_hidden_layers_of_128():
    layers = list(Mapper(8).layers)
    sizes = [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)]
    assert sizes == [(8, 128), (128, 128), (128, 128), (128, 8)]
    assert sum(isinstance(layer, nn.Tanh) for layer in layers) == 3
    assert isinstance(layers[-1], nn.Linear)
    assert set(Mapper(8).state_dict()) >= {"mean", "deviation"}


def test_a_mapper_stays_where_codes_are_and_a_gaussian_does_not(fitted):
    codes = ring()
    of_mapper, of_gaussian = outside(drawn(fitted), codes), outside(drawn(gaussian(codes)), codes)
    assert of_mapper < 0.5 * of_gaussian
    assert of_gaussian > 0.5
    untrained = Mapper(2)
    assert outside(drawn(untrained), codes) == 1


def test_no_code_is_left_out(fitted):
    made = drawn(fitted, 2000)
    assert float(module._nearest(ring(), made)[0].sqrt().max()) < 0.3


def test_a_mapper_is_its_seed_and_moves_no_generator():
    before = torch.get_rng_state()
    one, same, other = (fit_mapper(ring(20), seed=seed, epochs=3) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(drawn(one), drawn(same), rtol=0, atol=0)
    assert not torch.allclose(drawn(one), drawn(other))
    loaded = Mapper(2)
    loaded.load_state_dict(one.state_dict())
    assert torch.equal(drawn(loaded), drawn(one))


def test_matches_are_refreshed_and_the_rate_falls(monkeypatch):
    counts, rates = [], []
    matched, step = module._matched, torch.optim.Adam.step
    monkeypatch.setattr(module, "_matched", lambda *given: counts.append(len(given[2])) or matched(*given))
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self, *rest: rates.append(self.param_groups[0]["lr"]) or step(self, *rest)
    )
    fit_mapper(ring(70), epochs=101)
    assert counts == [700] * 21  # after every five epochs, ten for each code
    assert len(rates) == 202  # two batches of at most 64
    assert [rates[i] for i in (0, 99, 100, 199, 200)] == pytest.approx([0.01, 0.01, 0.007, 0.007, 0.0049])


def test_the_nearest_is_found_in_blocks(monkeypatch):
    monkeypatch.setattr(module, "_ENTRIES", 40)
    codes, others = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(0))
    exact = torch.cdist(codes, others)
    squared, numbers = module._nearest(codes, others)
    assert numbers.tolist() == exact.argmin(1).tolist()
    torch.testing.assert_close(squared, exact.amin(1).square(), rtol=1e-4, atol=1e-5)


def test_a_gaussian_has_the_codes_mean_and_deviation():
    found = drawn(gaussian(ring()), 20_000)
    torch.testing.assert_close(found.mean(0), ring().mean(0), rtol=0, atol=0.05)
    torch.testing.assert_close(found.std(0), ring().std(0), rtol=0.03, atol=0)


def test_outside_is_farther_than_codes_are_from_one_another():
    codes = torch.arange(200.0)[:, None] ** 2
    assert outside(codes, codes) == 0  # a code is at its own place
    near = codes + torch.where(torch.arange(200) % 2 == 0, 0.1, 500.0)[:, None]
    expected = float(((near - codes.T).abs().amin(1) > 2 * 198 - 1).float().mean())
    assert 0 < expected < 1
    assert outside(near, codes) == pytest.approx(expected)


def test_about_one_in_a_hundred_further_codes_is_outside():
    assert 0 < outside(ring(4000, seed=1), ring(2000)) < 0.03


def test_codes_that_are_all_the_same_are_made_again():
    same = torch.full((10, 3), 4.0)
    torch.testing.assert_close(drawn(fit_mapper(same, epochs=50), 5), same[:5], rtol=0, atol=1e-5)


def test_what_are_no_codes_is_said():
    for wrong in (torch.zeros(5), torch.zeros(1, 3), torch.full((4, 2), torch.nan)):
        for take in (fit_mapper, gaussian):
            with pytest.raises(ReaderError, match=r"Codes are finite numbers \(N, Z\)"):
                take(wrong)
    with pytest.raises(ReaderError, match="staleness must be a whole number"):
        fit_mapper(ring(), staleness=0)
