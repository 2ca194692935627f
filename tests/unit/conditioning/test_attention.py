"""CCAM is equation 5, channel by channel; it closes channels, keeps half precision, and stands in a network of any size."""

from functools import partial

import pytest
import torch
from torch import nn

from lossconditioning import CCAM, Dirichlet, LogUniform, ReaderError, condition

B, C, K = 3, 8, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def told():
    return Dirichlet([0.5] * K).sample((B,))


def by_hand(module, features, told):
    """Equation 5 for one example after the other, its channels second."""
    rows = []
    for x, s in zip(features, told, strict=True):
        embedded = (module.embed[0].weight @ s + module.embed[0].bias).clamp(min=0)
        joined = torch.cat([embedded, x.reshape(C, -1).mean(1)])
        hidden = (module.to_gate[0].weight @ joined + module.to_gate[0].bias).clamp(min=0)
        gates = 1 / (1 + (-(module.to_gate[2].weight @ hidden + module.to_gate[2].bias)).exp())
        rows.append(torch.stack([gate * channel for gate, channel in zip(gates, x, strict=True)]))
    return torch.stack(rows)


@pytest.mark.parametrize("places", [(), (7,), (5, 4), (1, 1), (3, 2, 2)], ids=str)
def test_equals_equation_5_whatever_the_size(places, told):
    module, features = CCAM(C, K), torch.randn(B, C, *places)
    torch.testing.assert_close(module(features, told), by_hand(module, features, told))


def test_channels_may_stand_last(told):
    module, features = CCAM(C, K, channel_dim=-1), torch.randn(B, 5, 4, C)
    expected = by_hand(module, features.movedim(-1, 1), told).movedim(1, -1)
    torch.testing.assert_close(module(features, told), expected)


def test_the_layers_are_those_of_the_paper():
    def shapes(**options):
        return {name: tuple(value.shape) for name, value in CCAM(256, K, **options).state_dict().items()}

    embed = {"embed.0.weight": (256, K), "embed.0.bias": (256,)}
    assert shapes() == embed | {
        "to_gate.0.weight": (64, 512),
        "to_gate.0.bias": (64,),
        "to_gate.2.weight": (256, 64),
        "to_gate.2.bias": (256,),
    }
    assert shapes(reduction=16)["to_gate.0.weight"] == (16, 512)
    assert shapes(reduction=999)["to_gate.0.weight"] == (1, 512)


def test_gates_depend_on_the_weights_and_on_the_features(told):
    module, features = CCAM(C, K, reduction=1), torch.randn(B, C, 6, 6)
    gates = module.gates(features, told)
    assert gates.shape == (B, C)
    assert gates.min() > 0
    assert gates.max() < 1
    assert not torch.allclose(module.gates(features, told.roll(1, 1)), gates, atol=1e-3)
    assert not torch.allclose(module.gates(features + 1, told), gates, atol=1e-3)
    torch.testing.assert_close(module.gates(features.flip(-1), told), gates)  # of the features only the mean


def test_a_channel_can_be_open_under_one_loss_and_closed_under_another():
    module, prior = CCAM(32, K, reduction=1), Dirichlet([0.5] * K)
    features = torch.rand(64, 32, 3, 3)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(300):
        told = prior.sample((64,))
        loss = (module.gates(features, told) - told[:, :1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    gates = module.gates(features[:K], torch.eye(K))
    assert gates[0].min() > 0.8
    assert gates[1:].max() < 0.2


def test_gates_start_half_open_as_in_the_paper_or_nearly_open_if_asked(told):
    features = torch.randn(B, 64, 5, 5)
    assert CCAM(64, K).gates(features, told).sub(0.5).abs().max() < 0.2
    assert CCAM(64, K, near_identity=True).gates(features, told).min() > 0.95


def test_the_gradient_with_respect_to_weights_of_zero_is_finite_and_not_zero():
    module, told = CCAM(C, K, reduction=1), torch.zeros(B, K, requires_grad=True)
    module(torch.randn(B, C, 4, 4), told).square().sum().backward()
    assert told.grad.isfinite().all()
    assert told.grad.abs().amax(1).min() > 0


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
def test_features_in_half_precision_stay_so_and_are_averaged_in_single(half, told):
    module, features = CCAM(C, K), 2 * torch.rand(B, C, 256, 256)  # whose sum leaves float16
    for layer, code in ((module, told), (CCAM(C, K).to(half), told.to(half))):
        layer.load_state_dict(module.state_dict())
        found = layer(features.to(half), code)
        assert found.dtype == half
        torch.testing.assert_close(found.float(), module(features, told), rtol=0.02, atol=0.02)


def test_autocast_gives_the_features_their_precision(told):
    module, features = CCAM(C, K), torch.randn(B, C, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        for given in (features, features.bfloat16()):
            found = module(given, told)
            assert found.dtype == given.dtype
            torch.testing.assert_close(found.float(), module(features, told).float(), rtol=0.03, atol=0.03)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ReaderError, match=f"reduction must be a whole number of at least 1; got {wrong}"):
        CCAM(C, K, reduction=wrong)
    with pytest.raises(ReaderError, match=f"channels must be a whole number of at least 1; got {wrong}"):
        CCAM(wrong, K)


def test_a_network_takes_it_through_condition_and_pictures_of_any_size():
    network = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.ReLU(), nn.Conv2d(C, 3, 3, padding=1))
    prior = Dirichlet([0.5] * K)
    model = condition(network, at=["1"], prior=prior, using=partial(CCAM, reduction=2), example=torch.zeros(1, 3, 8, 8))
    (module,) = model.conditioners.values()
    lam = prior.sample((B,))
    for size in ((8, 8), (12, 20)):
        pictures = torch.rand(B, 3, *size)
        expected = network[2](by_hand(module, network[0](pictures).relu(), lam))
        torch.testing.assert_close(model(pictures, lam), expected)


@pytest.mark.parametrize("prior", [Dirichlet([0.5] * K), LogUniform(0.1, 10)], ids=["Dirichlet", "LogUniform"])
def test_every_prior_can_be_told(prior):
    model = condition(nn.Sequential(nn.Linear(4, C)), at=["0"], prior=prior, using=partial(CCAM, reduction=1))
    lam = prior.sample((B,))
    assert model(torch.randn(B, 4), lam).shape == (B, C)
