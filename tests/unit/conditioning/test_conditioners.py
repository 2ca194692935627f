"""FiLM, concatenation, input conditioning, gates and biases follow their formulas, and most start near the identity."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lossconditioning import CCAM, CentralBiasing, Concatenation, FiLM, InputConditioning, ReaderError

JOINING = [Concatenation, InputConditioning]
NEAR = [FiLM, *JOINING, partial(CCAM, reduction=1, near_identity=True)]
ALL = [*NEAR, partial(CCAM, reduction=1), partial(CentralBiasing, normalise=False)]


@pytest.mark.parametrize("using", ALL)
@pytest.mark.parametrize(("shape", "channel_dim"), [((6, 8), 1), ((6, 8), -1), ((6, 8, 5, 4), 1), ((6, 5, 8), -1)])
def test_features_keep_their_shape_and_each_example_has_its_own_code(using, shape, channel_dim):
    torch.manual_seed(0)
    conditioner = using(channels=8, code_size=2, channel_dim=channel_dim)
    features, code = torch.randn(shape), torch.randn(6, 2)
    out = conditioner(features, code)
    assert out.shape == shape
    alone = conditioner(features[3:4], code[3:4])
    torch.testing.assert_close(out[3:4], alone)
    other = conditioner(features, code.roll(1, 0))
    assert ((other - out).flatten(1).abs().amax(1) > 1e-4).all()


@pytest.mark.parametrize("using", NEAR)
def test_a_conditioner_starts_near_the_identity(using):
    torch.manual_seed(0)
    features, code = torch.randn(64, 32, 4, 4), torch.randn(64, 3)
    change = using(channels=32, code_size=3)(features, code) - features
    assert 0.001 < change.norm() / features.norm() < 0.15


def test_film_is_scale_and_shift_by_two_mlps():
    torch.manual_seed(0)
    film = FiLM(4, 2, hidden=16, scale=0.3, shift=0.7)
    features, code = torch.randn(5, 4, 3, 3), torch.randn(5, 2)

    def mlp(m):
        return F.leaky_relu(code @ m[0].weight.T + m[0].bias, 0.2) @ m[2].weight.T + m[2].bias

    sigma, mu = 1 + 0.3 * mlp(film.to_scale), 0.7 * mlp(film.to_shift)
    torch.testing.assert_close(
        film(features, code), torch.einsum("bc,bchw->bchw", sigma, features) + mu[..., None, None]
    )


@pytest.mark.parametrize("using", JOINING)
def test_joining_the_code_appends_inputs_to_a_linear_layer(using):
    torch.manual_seed(0)
    layer, added = nn.Linear(3, 4), using(4, 2)
    x, code = torch.randn(5, 3), torch.randn(5, 2)
    expected = F.linear(torch.cat([x, code], 1), torch.cat([layer.weight, added.weight], 1), layer.bias)
    torch.testing.assert_close(added(layer(x), code), expected)


@pytest.mark.parametrize("using", JOINING)
def test_joining_the_code_appends_constant_channels_to_a_convolution_but_for_its_padding(using):
    torch.manual_seed(0)
    layer, added, kernel = nn.Conv2d(3, 4, 3, padding=1), using(4, 2), torch.randn(4, 2, 3, 3)
    added.weight.data = kernel.sum((2, 3))
    x, code = torch.randn(5, 3, 8, 8), torch.randn(5, 2)
    joined = torch.cat([x, code[:, :, None, None].expand(5, 2, 8, 8)], 1)
    expected = F.conv2d(joined, torch.cat([layer.weight, kernel], 1), layer.bias, padding=1)
    ours = added(layer(x), code)
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours[..., 0], expected[..., 0], atol=0.1)


@pytest.mark.parametrize("using", ALL)
def test_every_example_needs_one_code(using):
    for examples in (1, 4):
        with pytest.raises(ReaderError, match=rf"3 examples came with {examples} loss weights"):
            using(8, 2)(torch.randn(3, 8, 2, 2), torch.randn(examples, 2))


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ReaderError, match=f"channels must be a whole number of at least 1; got {wrong}"):
        FiLM(wrong, 1)
