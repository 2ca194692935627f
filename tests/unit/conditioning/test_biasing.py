"""Central biasing is instance normalisation and a bias of its own for every code; concatenation before one is taken out."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lossconditioning import CCAM, CentralBiasing, Concatenation, Dirichlet, FiLM, ReaderError, condition

B, C, K = 3, 8, 3
PRIOR = Dirichlet([0.5] * K)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def features():
    return 3 * torch.randn(B, C, 6, 5) + 1


@pytest.fixture
def told():
    return PRIOR.sample((B,))


def test_equals_instance_norm_plus_a_bias_for_every_example(features, told):
    layer = CentralBiasing(C, K)
    bias = (told @ layer.to_bias[0].weight.T + layer.to_bias[0].bias).tanh()
    torch.testing.assert_close(layer(features, told), F.instance_norm(features) + bias[..., None, None])
    assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {
        "to_bias.0.weight": (C, K),
        "to_bias.0.bias": (C,),
    }


def test_the_mean_of_a_channel_is_what_the_code_says_whatever_it_was(features, told):
    layer = CentralBiasing(C, K)
    offset = torch.randn(B, C, 1, 1)
    for given in (features, features + offset):
        means = layer(given, told).flatten(2).mean(2)
        torch.testing.assert_close(means, layer.to_bias(told), rtol=1e-4, atol=1e-5)
        assert means.abs().max() < 1


def test_affine_terms_are_alike_for_all_weights_and_start_as_none(features, told):
    layer, plain = CentralBiasing(C, K, affine=True), CentralBiasing(C, K)
    plain.to_bias.load_state_dict(layer.to_bias.state_dict())
    torch.testing.assert_close(layer(features, told), plain(features, told))
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    expected = plain(features, told) * layer.weight[:, None, None] + layer.bias[:, None, None]
    torch.testing.assert_close(layer(features, told), expected)
    bare = CentralBiasing(C, K, affine=True, normalise=False)
    bare.load_state_dict(layer.state_dict())
    torch.testing.assert_close(bare(F.instance_norm(features), told), expected)


def test_at_an_instance_norm_the_bias_alone_does_the_same(told):
    network = nn.Sequential(nn.Conv2d(3, C, 3, bias=False), nn.InstanceNorm2d(C), nn.ReLU())
    pictures, found = torch.rand(B, 3, 12, 12), []
    for normalise in (True, False):
        torch.manual_seed(1)
        model = condition(network, at=["1"], prior=PRIOR, using=partial(CentralBiasing, normalise=normalise))
        found.append(model(pictures, told))
    # Normalised again, features have the deviation 1 that eps kept them from.
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-3)


def test_channels_may_stand_last(features, told):
    layer = CentralBiasing(C, K)
    last = CentralBiasing(C, K, channel_dim=-1)
    last.load_state_dict(layer.state_dict())
    sequences = features.flatten(2)
    torch.testing.assert_close(last(sequences.mT, told).mT, layer(sequences, told))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_layout_in_memory_changes_nothing(layout, features, told):
    layer = CentralBiasing(C, K)
    torch.testing.assert_close(layer(features.to(memory_format=layout), told), layer(features, told))


@pytest.mark.parametrize("normalise", [True, False])
def test_features_in_half_precision_stay_so(normalise, features, told):
    layer = CentralBiasing(C, K, normalise=normalise)
    found = layer(features.bfloat16(), told)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(features, told), rtol=0.02, atol=0.05)


def test_the_gradient_with_respect_to_weights_of_zero_is_finite_and_not_zero(features):
    layer, told = CentralBiasing(C, K), torch.zeros(B, K, requires_grad=True)
    layer(features, told).square().sum().backward()
    assert told.grad.isfinite().all()
    assert told.grad.abs().amax(1).min() > 0


def test_features_without_a_spread_are_refused_where_they_would_be_normalised(told):
    for shape in ((B, C), (B, C, 1, 1)):
        with pytest.raises(ReaderError, match="of two places or more"):
            CentralBiasing(C, K)(torch.zeros(shape), told)
        CentralBiasing(C, K, normalise=False)(torch.zeros(shape), told)


def test_every_example_needs_one_code(features):
    for normalise in (True, False):
        with pytest.raises(ReaderError, match=r"3 examples came with 4 loss weights"):
            CentralBiasing(C, K, normalise=normalise)(features, torch.rand(4, K))


# What a normalisation leaves of λ (SGN, section 5.3) ----------------------------------------------------------------------


def stem():
    """The first layers of SGN's generator: reflected padding, so that a constant plane stays one."""
    return nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, C, 7), nn.InstanceNorm2d(C), nn.ReLU(), nn.Conv2d(C, 3, 3))


def follows(at, using):
    """How far the output of the stem and a convolution moves with λ, as a share of its size."""
    model = condition(stem(), at=[at], prior=PRIOR, using=using, example=torch.zeros(1, 3, 16, 16)).double()
    pictures = torch.rand(2, 3, 16, 16).double()
    first, second = (model(pictures, torch.eye(K).double()[[k, k]]).detach() for k in (0, 1))
    return float((first - second).norm() / first.norm())


def test_planes_joined_to_the_picture_are_gone_after_an_instance_normalisation():
    layers, pictures = stem().double(), torch.rand(1, 3, 16, 16).double()
    layers[1] = nn.Conv2d(3 + K, C, 7).double()
    joined = [torch.cat([pictures, s[None, :, None, None].expand(1, K, 16, 16)], 1) for s in torch.eye(K).double()]
    before = [layers[:2](one).detach() for one in joined]
    assert not torch.allclose(before[0], before[1], atol=0.1)
    after = [layers[:3](one) for one in joined]
    torch.testing.assert_close(after[0], after[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("using", [partial(Concatenation, gain=3.0), FiLM], ids=["concatenation", "FiLM"])
def test_what_is_added_before_an_instance_normalisation_is_gone_and_after_it_stays(using):
    assert follows("1", using) < 1e-3  # a scale is gone but for eps
    assert follows("2", using) > 1e-2


def test_concatenation_before_it_is_gone_to_the_last_digits():
    assert follows("1", partial(Concatenation, gain=3.0)) < 1e-12


@pytest.mark.parametrize(("at", "using"), [("2", CentralBiasing), ("3", partial(CCAM, reduction=1))])
def test_central_biasing_in_its_place_and_gates_after_it_stay(at, using):
    assert follows(at, using) > 1e-2
