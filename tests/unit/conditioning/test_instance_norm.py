"""Conditional instance normalisation is F.instance_norm, scaled and shifted by what an example's own code says."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lossconditioning import LogUniform, ReaderError, condition
from lossconditioning.conditioning import ConditionalInstanceNorm

B, C, CODE = 3, 8, 2


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def features():
    return 3 * torch.randn(B, C, 6, 5) + 1


@pytest.fixture
def code():
    return torch.randn(B, CODE)


def by_hand(norm, features, code):
    """One example after the other."""
    rows = []
    for x, c in zip(features, code, strict=True):
        shared = c if isinstance(norm.shared, nn.Identity) else (norm.shared[0].weight @ c + norm.shared[0].bias).relu()
        scale = 1 + norm.to_scale.weight @ shared + norm.to_scale.bias
        shift = norm.to_shift.weight @ shared + norm.to_shift.bias
        rows.append(scale[:, None, None] * F.instance_norm(x[None], eps=norm.eps)[0] + shift[:, None, None])
    return torch.stack(rows)


@pytest.mark.parametrize("hidden", [None, 16])
def test_equals_instance_norm_times_scale_plus_shift_for_every_example(hidden, features, code):
    norm = ConditionalInstanceNorm(C, CODE, hidden=hidden)
    torch.testing.assert_close(norm(features, code), by_hand(norm, features, code))


def test_gradients_equal_those_of_the_formula(features, code):
    norm, weights = ConditionalInstanceNorm(C, CODE, hidden=16), torch.randn(B, C, 6, 5)
    found = []
    for compute in (norm, partial(by_hand, norm)):
        leaves = [features.clone().requires_grad_(), code.clone().requires_grad_()]
        loss = (weights * compute(*leaves)).sum()
        found.append(torch.autograd.grad(loss, [*leaves, *norm.parameters()]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert found[0][1].abs().amax(1).min() > 0  # every example's code


def test_mean_and_spread_are_what_the_code_says(features, code):
    norm = ConditionalInstanceNorm(C, CODE)
    out = norm(features, code).flatten(2)
    torch.testing.assert_close(out.mean(2), norm.to_shift(code), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        out.std(2, unbiased=False), (1 + norm.to_scale(code)).abs(), rtol=1e-4, atol=1e-4
    )  # eps is small beside a variance of 9


@pytest.mark.parametrize("hidden", [None, 16])
def test_a_code_and_features_change_their_own_example_only(hidden, features, code):
    norm = ConditionalInstanceNorm(C, CODE, hidden=hidden)
    before = norm(features, code)
    for change_features, change_code in ((1, 0), (0, 1)):
        other, others_code = features.clone(), code.clone()
        other[1] += change_features * torch.randn(C, 6, 5)
        others_code[1] += change_code
        changed = (norm(other, others_code) - before).flatten(1).abs().amax(1)
        assert changed[1] > 1e-3
        torch.testing.assert_close(changed[[0, 2]], torch.zeros(2))


def test_two_affine_maps_and_at_most_one_shared_layer():
    def shapes(hidden):
        norm = ConditionalInstanceNorm(C, CODE, hidden=hidden)
        return {name: tuple(value.shape) for name, value in norm.state_dict().items()}

    def maps(inputs):
        return {f"to_{what}.{name}": shape for what in ("scale", "shift") for name, shape in affine(inputs)}

    def affine(inputs):
        return [("weight", (C, inputs)), ("bias", (C,))]

    assert shapes(None) == maps(CODE)
    assert shapes(256) == {"shared.0.weight": (256, CODE), "shared.0.bias": (256,)} | maps(256)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ReaderError, match=f"hidden must be a whole number of at least 1; got {wrong}"):
        ConditionalInstanceNorm(C, CODE, hidden=wrong)
    with pytest.raises(ReaderError, match=f"channels must be a whole number of at least 1; got {wrong}"):
        ConditionalInstanceNorm(wrong, CODE)


def test_a_constant_channel_stays_finite_and_so_does_its_gradient(features, code):
    features[:, 0] = 7.0
    features.requires_grad_()
    norm = ConditionalInstanceNorm(C, CODE)
    out = norm(features, code)
    torch.testing.assert_close(out[:, 0], norm.to_shift(code)[:, 0, None, None].expand(B, 6, 5), rtol=1e-3, atol=1e-3)
    out.square().sum().backward()
    assert features.grad.isfinite().all()


def test_every_example_needs_one_code(features):
    for examples in (1, 4):
        with pytest.raises(ReaderError, match=rf"3 examples came with {examples} loss weights"):
            ConditionalInstanceNorm(C, CODE)(features, torch.randn(examples, CODE))


@pytest.mark.parametrize("shape", [(B, 5, C), (B, C, C), (B, C)])
def test_channels_that_do_not_stand_second_before_places_are_refused(shape, code):
    with pytest.raises(ReaderError, match=r"\(B, C, H, W\)"):
        ConditionalInstanceNorm(C, CODE, channel_dim=-1)(torch.randn(shape), code)


def test_features_of_one_place_or_of_other_channels_are_refused(code):
    for shape in ((B, C, 1, 1), (B, C + 1, 4, 4), (B, C)):
        with pytest.raises(ReaderError, match=rf"{shape}".replace("(", r"\(").replace(")", r"\)")):
            ConditionalInstanceNorm(C, CODE)(torch.randn(shape), code)


@pytest.mark.parametrize("examples", [1, B])
def test_the_layout_in_memory_changes_nothing(examples, features, code):
    norm = ConditionalInstanceNorm(C, CODE, hidden=16)
    features, code = features[:examples], code[:examples]
    expected = norm(features, code)
    for laid in (features.to(memory_format=torch.channels_last), features.mT.contiguous().mT):
        assert not laid.is_contiguous()
        torch.testing.assert_close(norm(laid, code), expected)


def test_features_in_bfloat16_stay_so_and_come_close(features, code):
    norm = ConditionalInstanceNorm(C, CODE, hidden=16)
    found = norm(features.bfloat16(), code)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), norm(features, code), rtol=0.02, atol=0.05)


def test_sequences_and_volumes_are_normalised_over_all_their_places(code):
    norm = ConditionalInstanceNorm(C, CODE)
    for places in ((7,), (3, 4, 2)):
        features = torch.randn(B, C, *places)
        flat = by_hand(norm, features.flatten(2)[..., None], code)
        torch.testing.assert_close(norm(features, code), flat.view(features.shape))


def test_a_network_takes_it_through_condition():
    network = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.ReLU(), nn.Conv2d(C, 3, 3, padding=1))
    prior, pictures = LogUniform(0.1, 10), torch.rand(4, 3, 9, 9)
    model = condition(network, at=["0"], prior=prior, using=partial(ConditionalInstanceNorm, hidden=16))
    lam = prior.sample((4,))
    (norm,) = model.conditioners.values()
    expected = network[2](
        by_hand(norm, F.conv2d(pictures, network[0].weight, network[0].bias, padding=1), prior.encode(lam)).relu()
    )
    torch.testing.assert_close(model(pictures, lam), expected)
