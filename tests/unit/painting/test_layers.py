"""Painters' last layers: PyTorch's own numbers, by a way that takes a CPU less time."""

import pytest
import torch
import torch.nn.functional as F
from small_painters import small_painter

from lossconditioning.painting import LastConvolution, doubled
from lossconditioning.systems.dynamic_style.models import FastStyle


def plain(layer, features):
    """PyTorch's own convolution of the same filters."""
    return torch.nn.Conv2d.forward(layer, features)


@pytest.mark.parametrize("kernel", [1, 3, 9])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sides", [(16, 16), (9, 31), (24, 10)], ids=str)
def test_without_gradients_it_is_the_same_convolution(kernel, bias, sides):
    torch.manual_seed(0)
    layer, features = LastConvolution(5, 3, kernel, bias=bias), torch.randn(2, 5, *sides)
    with torch.no_grad():
        torch.testing.assert_close(layer(features), plain(layer, features), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(2, 5, 16, 20), (5, 16, 20), (0, 5, 16, 20)], ids=str)
def test_it_computes_and_answers_in_the_type_it_is_asked_in(kind, shape):
    torch.manual_seed(0)
    layer, features = LastConvolution(5, 3, 9).to(kind), torch.randn(shape, dtype=kind)
    with torch.no_grad():
        found, own = layer(features), plain(layer, features)
    assert found.dtype == kind
    bound = 1e-12 if kind == torch.float64 else 8 * torch.finfo(kind).eps
    torch.testing.assert_close(found, own, rtol=bound, atol=bound)


def test_exported_it_is_one_convolution():
    layer, features = LastConvolution(5, 3, 9), torch.randn(2, 5, 16, 16)
    with torch.no_grad():
        graph = torch.export.export(layer, (features,))
        torch.testing.assert_close(graph.module()(features), layer(features), rtol=1e-5, atol=1e-5)
    assert str(graph.graph).count("aten.conv2d") == 1
    assert "aten.slice" not in str(graph.graph)


def test_with_gradients_it_is_pytorchs_own():
    torch.manual_seed(0)
    layer, features = LastConvolution(5, 3, 9), torch.randn(2, 5, 16, 16)
    assert torch.equal(layer(features), plain(layer, features))
    layer(features).square().sum().backward()
    assert layer.weight.grad.abs().max() > 0
    assert layer.bias.grad.abs().max() > 0


@pytest.mark.parametrize("bias", [True, False])
def test_under_autocast_its_error_is_hardly_larger_than_pytorchs(bias):
    torch.manual_seed(0)
    layer, features = LastConvolution(16, 3, 9, bias=bias), torch.randn(1, 16, 64, 64)
    with torch.no_grad():
        exact = plain(layer, features)
        with torch.autocast("cpu", torch.bfloat16):
            found, own = layer(features), plain(layer, features)
    assert found.dtype == own.dtype == torch.bfloat16
    assert (found.float() - exact).square().mean() <= 1.25**2 * (own.float() - exact).square().mean()


def test_it_keeps_names_and_first_weights_of_a_convolution():
    torch.manual_seed(0)
    layer = LastConvolution(5, 3, 9)
    torch.manual_seed(0)
    known = torch.nn.Conv2d(5, 3, 9)
    assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {
        name: tuple(value.shape) for name, value in known.state_dict().items()
    }
    assert torch.equal(layer.weight, known.weight)


def test_both_painters_end_in_it():
    assert isinstance(FastStyle(8, 1).last, LastConvolution)
    assert isinstance(small_painter("yoto").network[-1].convolution, LastConvolution)


def test_doubled_repeats_pixels_as_nearest_neighbours_do():
    features = torch.randn(2, 3, 5, 7, requires_grad=True)
    known = F.interpolate(features, scale_factor=2.0, mode="nearest")
    assert torch.equal(doubled(features), known)
    weights = torch.randn_like(known)
    (found,) = torch.autograd.grad((doubled(features) * weights).sum(), features)
    (expected,) = torch.autograd.grad((known * weights).sum(), features)
    torch.testing.assert_close(found, expected)
