"""What generated weights are at the start, how many parameters make them, and heads of a reader's own."""

from functools import partial

import pytest
import torch
from torch import nn

from lossconditioning import ReaderError, hypernetwork
from lossconditioning.conditioning import run_generated
from lossconditioning.conditioning.heads import ChunkedHeads, FullHeads, Heads, LowRankHeads

CODE = 64
KINDS = ["full", "low-rank", "chunked"]


def wide():
    """Without activations, so that what a layer does to the variance is seen."""
    layers = [nn.Conv2d(3, 64, 3), *(nn.Conv2d(64, 64, 3) for _ in range(3))]
    return nn.Sequential(*layers)


def codes(count):
    """Of unit mean square."""
    code = torch.randn(count, CODE)
    return code / code.square().mean(1, keepdim=True).sqrt()


@pytest.mark.parametrize("kind", KINDS)
def test_generated_weights_have_unit_variance_before_they_are_scaled(kind):
    torch.manual_seed(0)
    hyper = hypernetwork(wide(), CODE, heads=kind)
    weights = hyper.weights(codes(16))
    for name, value in weights.items():
        if name.endswith("bias"):
            assert not value.any()
        else:
            fan_in = value[0, 0].numel()  # c_in · K · K
            assert 0.8 < value.detach().var() * fan_in < 1.25


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_maps_unit_variance_to_unit_variance_at_the_start(kind):
    torch.manual_seed(0)
    hyper = hypernetwork(wide(), CODE, heads=kind)
    weights = hyper.weights(codes(64))
    for depth, layer in enumerate(wide()):
        x = torch.randn(64, layer.in_channels, 8, 8)
        made = run_generated(layer, {part: weights[f"{depth}.{part}"] for part in ("weight", "bias")}, x)
        assert 0.8 < made.detach().var() < 1.25


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_a_head_learns_and_everything_follows_the_code(kind):
    torch.manual_seed(0)
    hyper = hypernetwork(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Linear(6, 2)), CODE, heads=kind)
    x, optimizer = torch.randn(5, 3, 8, 8), torch.optim.Adam(hyper.parameters(), 0.01)
    for _ in range(2):  # from zero, a product of two learns in the second step
        optimizer.zero_grad()
        hyper(x, codes(5)).square().sum().backward()
        optimizer.step()
    assert all(parameter.grad.any() for parameter in hyper.parameters())
    assert all((value[0] != value[1]).any() for value in hyper.weights(codes(2)).values())


def test_what_is_neither_weight_nor_bias_of_a_sum_starts_at_the_primary_networks_own_value():
    primary = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.PReLU(4, init=0.1))
    nn.init.constant_(primary[0].bias, 9.0)
    nn.init.constant_(primary[1].weight, 1.5)
    weights = hypernetwork(primary, CODE).weights(codes(2))
    assert not weights["0.bias"].any()
    assert weights["1.weight"].eq(1.5).all()
    torch.testing.assert_close(weights["2.weight"], torch.full((2, 4), 0.1))


def test_a_transposed_convolution_keeps_unit_variance_too():
    torch.manual_seed(0)
    hyper = hypernetwork(nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), CODE)
    made = hyper(torch.randn(32, 32, 16, 16), codes(32))
    assert 0.85 < made.detach()[:, :, 2:-2, 2:-2].var() < 1.15


def count(heads):
    return sum(parameter.numel() for parameter in heads.parameters())


def test_the_sizes_that_the_docstrings_name():
    """Section 6: a convolution of 64 to 64 channels and a code of 512."""
    shapes = {"weight": (64, 64, 3, 3)}
    assert count(FullHeads(512, shapes)) == 512 * 36864 + 36864
    assert round(count(LowRankHeads(512, shapes)) / 1e6, 1) == 1.2
    assert round(count(ChunkedHeads(512, shapes)) / 1e3) == 72


def test_full_heads_are_one_linear_map_for_each_tensor():
    torch.manual_seed(0)
    hyper = hypernetwork(wide(), CODE)
    with torch.no_grad():
        nn.init.normal_(hyper.heads.linear.bias)
    first, second = codes(1), codes(1)
    at = {part: hyper.weights(code) for part, code in [("1", first), ("2", second), ("mean", (first + second) / 2)]}
    for name, value in at["mean"].items():
        torch.testing.assert_close(value, (at["1"][name] + at["2"][name]) / 2, atol=1e-6, rtol=1e-5)


class Own(Heads):
    """Weights that do not depend on the code."""

    def __init__(self, code_size, shapes, value=1.0):
        super().__init__(code_size, shapes)
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, code):
        return {name: self.value.expand(len(code), *shape) for name, shape in self.shapes.items()}


def test_heads_of_a_readers_own():
    primary = nn.Linear(4, 2)
    for own, value in [(Own, 1.0), (partial(Own, value=3.0), 3.0), (lambda size, shapes: Own(size, shapes), 1.0)]:
        weights = hypernetwork(primary, 5, heads=own).weights(torch.zeros(3, 5))
        assert weights["weight"].eq(value / 2).all()  # √4
        assert weights["bias"].eq(value).all()


def test_wrong_heads_are_refused():
    for arguments, said in [
        ({"heads": "low_rank"}, "no kind of heads 'low_rank'. Did you mean 'low-rank'"),
        ({"heads": None}, "no kind of heads None"),
        ({"rank": 4}, "rank= goes with heads='low-rank'; got heads='full'"),
        ({"heads": "low-rank", "rank": 0}, "rank must be a whole number of at least 1; got 0"),
        ({"heads": lambda size, shapes: 3}, "heads= makes a module of code_size and shapes; got a int"),
    ]:
        with pytest.raises(ReaderError, match=said):
            hypernetwork(nn.Linear(3, 2), 4, **arguments)
    assert hypernetwork(nn.Linear(3, 2), 4, heads="low-rank", rank=2).heads.narrow.out_features == 2
