"""Generalised divisive normalisation is its formula, forward and backward, with and without gradients."""

import pytest
import torch

from lossconditioning.codec.gdn import GDN, lower_bound


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_is_its_formula(inverse):
    torch.manual_seed(0)
    layer, x = GDN(5, inverse), torch.randn(2, 5, 3, 4)
    with torch.no_grad():
        layer.beta_root.uniform_(0.2, 2)
        layer.gamma_root.uniform_(0, 1)
    beta, gamma = layer.beta_root.square(), layer.gamma_root.square()
    root = (beta[:, None, None] + torch.einsum("ij,bjhw->bihw", gamma, x.square())).sqrt()
    torch.testing.assert_close(layer(x), x * root if inverse else x / root, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_computes_the_same_in_blocks_when_no_gradient_is_asked_for(inverse):
    torch.manual_seed(0)
    layer, x = GDN(5, inverse), torch.randn(2, 5, 131, 127)  # two full blocks of 8,192 positions, and one begun
    with torch.no_grad():
        layer.gamma_root.uniform_(0, 1)
        blocks = layer(x)
    assert torch.equal(blocks, layer(x))


def test_gdn_starts_with_every_channel_divided_by_itself_alone():
    x = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(GDN(5)(x), x / (1 + 0.1 * x.square()).sqrt())
    torch.testing.assert_close(GDN(5, inverse=True)(x), x * (1 + 0.1 * x.square()).sqrt())


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_stays_finite_where_its_parameters_left_their_range(inverse):
    layer = GDN(3, inverse)
    with torch.no_grad():
        layer.beta_root.fill_(-5)
        layer.gamma_root.fill_(-5)
    assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()
    assert (layer(torch.zeros(1, 3, 4, 4)) == 0).all()


def test_below_the_bound_only_a_gradient_that_leads_back_passes():
    values = torch.tensor([-1.0, -1.0, 2.0, 2.0, 0.5], requires_grad=True)
    bounded = lower_bound(values, 0.5)
    assert bounded.tolist() == [0.5, 0.5, 2.0, 2.0, 0.5]
    bounded.backward(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]))
    assert values.grad.tolist() == [0.0, -1.0, 1.0, -1.0, 1.0]


@pytest.mark.parametrize("inverse", [False, True])
def test_the_gradients_of_gdn_are_those_of_its_formula(inverse):
    torch.manual_seed(0)
    layer = GDN(3, inverse).double()
    layer.gamma_root.data += 0.3 * torch.rand(3, 3)
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, features)
    by_layer = torch.autograd.grad(layer(features).square().sum(), layer.parameters())
    energy = torch.einsum("ij,bjhw->bihw", layer.gamma_root.square(), features.square())
    energy = energy + layer.beta_root.square()[:, None, None]
    by_hand = torch.autograd.grad((features * energy ** (0.5 if inverse else -0.5)).square().sum(), layer.parameters())
    for ours, expected in zip(by_layer, by_hand, strict=True):
        torch.testing.assert_close(ours, expected)
