"""What a conditioned network says to loss weights that it was not trained on, or that are none."""

import warnings

import pytest
import torch
from torch import nn

from lossconditioning import LogUniform, ReaderError, condition
from lossconditioning.conditioning import apply
from lossconditioning.errors import WeightWarning


@pytest.fixture
def small():
    return condition(nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1)), at=["0"], prior=LogUniform(0.1, 10.0))


def test_in_evaluation_weights_outside_the_prior_are_warned_about(small):
    with pytest.warns(WeightWarning, match=r"20.*\[0.1, 10\]") as caught:
        small.eval()(torch.zeros(2, 2), torch.tensor([1.0, 20.0]))
    assert caught[0].filename == __file__  # the reader's line, not torch's


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_in_evaluation_weights_that_are_no_numbers_are_refused(small, value):
    with pytest.raises(ReaderError, match="finite"):
        small.eval()(torch.zeros(1, 2), torch.tensor([value]))


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_in_evaluation_weights_without_a_code_are_refused(small, value):
    with pytest.raises(ReaderError, match=r"can not be encoded.*within \[0.1, 10\]"):
        small.eval()(torch.zeros(1, 2), torch.tensor([value]))


def test_the_ends_of_the_range_and_training_are_silent(small):
    ends = torch.logspace(-1, 1, 2)  # 10 as 9.99999 or 10.00001
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small.eval()(torch.zeros(2, 2), ends)
        small.train()(torch.zeros(1, 2), torch.tensor([20.0]))


def test_weights_from_numpy_fit_a_network_of_float32(small):
    assert small(torch.zeros(2, 2), torch.tensor([0.5, 2.0], dtype=torch.float64)).dtype == torch.float32


def test_vmap_over_weights_goes_through(small):
    lam = torch.tensor([0.5, 2.0, 5.0])
    mapped = torch.vmap(lambda one: small.eval()(torch.ones(1, 2), one[None]))(lam)
    assert torch.allclose(mapped[:, 0], small(torch.ones(3, 2), lam), atol=1e-6)


def test_networks_that_are_told_and_others_are_applied_alike(small):
    x, lam = torch.rand(2, 2), torch.tensor([0.5, 2.0])
    assert torch.equal(apply(small, x, lam), small(x, lam))
    plain = small.undo()
    assert torch.equal(apply(plain, x, lam), plain(x))
