"""Tuning blocks turn a frozen network by α: ẑ = z₀ + α ψ(z₀), and at α = 0 not a bit of it changes."""

import copy
import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks_to_tune import (
    BEYOND,
    LAYERS,
    NETWORKS,
    PHOTOGRAPH,
    build,
    by_hand,
    one_by_one,
    original,
    pictures,
    same_bits,
)
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet, TuningBlock, TuningBlocks, tune
from lossconditioning.systems.dynamic_style.models import FastStyle


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture
def images(name):
    return pictures(name)


# A block ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 5, 2, 2), (3, 5, 7, 4)])
def test_a_block_is_three_convolutions_padded_by_reflection_with_relu_between(shape):
    block, features = TuningBlock(5), 3 * torch.randn(shape)
    found = block(features)
    assert found.shape == shape
    torch.testing.assert_close(found, by_hand(block, features))
    shapes = {name: tuple(value.shape) for name, value in block.state_dict().items()}
    assert shapes == {f"layers.{i}.{k}": s for i in (0, 2, 4) for k, s in (("weight", (5, 5, 3, 3)), ("bias", (5,)))}


def test_a_block_starts_as_convolutions_do_and_not_at_zero():
    block = TuningBlock(5)
    torch.manual_seed(0)
    for layer, usual in zip(block.layers[::2], [nn.Conv2d(5, 5, 3) for _ in range(3)], strict=True):
        assert torch.equal(layer.weight, usual.weight)
        assert torch.equal(layer.bias, usual.bias)
    assert block(torch.randn(1, 5, 6, 6)).abs().mean() > 1e-2


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_channels_are_a_whole_number(wrong):
    with pytest.raises(ReaderError, match=f"channels must be a whole number of at least 1; got {wrong}"):
        TuningBlock(wrong)


def test_blocks_are_found_by_their_layers_names():
    blocks = TuningBlocks({"values": 2, "up.1": 3})
    assert blocks.at == ("values", "up.1")
    assert len(blocks) == 2
    assert [blocks[name].channels for name in blocks.at] == [2, 3]
    with pytest.raises(ReaderError, match=r"no layer with a tuning block 'up.2'. Did you mean 'up.1'"):
        blocks["up.2"]


# α = 0 ------------------------------------------------------------------------------------------------------------


def test_tune_puts_a_block_behind_each_named_layer(name):
    model = build(name)
    (blocks,) = model.sets.values()
    assert list(model.sets) == ["tuned"]
    assert {layer: blocks[layer].channels for layer in blocks.at} == LAYERS[name]
    assert list(blocks.at) == list(LAYERS[name])


def test_at_zero_not_a_bit_of_the_network_changes(name, images):
    before, model = copy.deepcopy(original(name)), build(name)
    count = len(LAYERS[name])
    with torch.no_grad():
        expected = before(images)
        zeros = [0, 0.0, -0.0, torch.zeros(()), torch.zeros(3), [0.0] * count, tuple([torch.zeros(3)] * count)]
        zeros += [[0, torch.zeros(3), *[0.0] * (count - 2)], torch.zeros(3, dtype=torch.float64), {}]
        for alpha in [*zeros, *({"tuned": zero} for zero in zeros[:-1])]:
            found = model(images, alpha=alpha)
            assert torch.equal(found, expected), alpha
            assert same_bits(found, expected), alpha
            assert not torch.equal(model(images, alpha=1), expected)  # the blocks do something


@pytest.mark.parametrize("alpha", [0, torch.zeros(2), torch.tensor([0.0, 1.0])], ids=str)
def test_at_zero_a_residual_network_with_a_block_behind_every_stage_is_itself(alpha):
    images, channels = torch.randn(2, 3, 64, 64), {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
    with torch.no_grad():
        expected = original("resnet18")(images)
        model = tune(copy.deepcopy(original("resnet18")), "layer?", example=images[:1])
        assert {layer: model.sets["tuned"][layer].channels for layer in model.sets["tuned"].at} == channels
        found = model(images, alpha=alpha)
    assert same_bits(found[0], expected[0])
    assert torch.equal(found[1], expected[1]) == (not torch.as_tensor(alpha).any())


def test_examples_at_zero_keep_every_bit_beside_others_that_are_turned(name, images):
    model, alpha = build(name), torch.tensor([0.0, 0.8, 0.0])
    with torch.no_grad():
        expected = original(name)(images)
        for turned in (alpha, [alpha] * len(LAYERS[name]), {"tuned": alpha}):
            found = model(images, alpha=turned)
            assert same_bits(found[::2], expected[::2])
            assert not torch.equal(found[1], expected[1])


class Negative(nn.Conv2d):
    """Puts out minus zero where ReLU puts out zero."""

    def forward(self, x):
        return -super().forward(x).relu()


@pytest.mark.parametrize("alpha", [0.0, torch.zeros(3), [torch.zeros(3)], torch.tensor([0.0, 1.0, 0.0])], ids=str)
@pytest.mark.parametrize("broken", [False, True])
def test_neither_the_sign_of_a_zero_nor_a_broken_block_shows_at_zero(alpha, broken):
    main, images = nn.Sequential(Negative(3, 4, 3)), torch.randn(3, 3, 8, 8)
    model = tune(copy.deepcopy(main), "0")
    if broken:
        nn.init.constant_(model.sets["tuned"]["0"].layers[4].bias, float("inf"))
    with torch.no_grad():
        expected = main(images)
        assert (expected.view(torch.int32) == torch.tensor(-0.0).view(torch.int32)).any()
        found = model(images, alpha=alpha)
    assert same_bits(found[::2], expected[::2])


# z₀ + α ψ(z₀) -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", BEYOND)
def test_a_layer_puts_out_its_features_and_alpha_times_the_blocks(alpha):
    main = FastStyle(4, 2)
    model, images = tune(main, "residual.0", example=PHOTOGRAPH), torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        features = main.residual[0](main.down(images))
        turned = features + alpha * by_hand(model.sets["tuned"]["residual.0"], features)
        expected = main.last(main.up(main.residual[1](turned)))
        torch.testing.assert_close(model(images, alpha=alpha), expected)
        torch.testing.assert_close(model(images, alpha=torch.full((2,), alpha)), expected)
        assert not torch.allclose(expected, main(images), atol=1e-3)


def test_the_next_block_sees_what_the_one_before_it_changed():
    main = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1))
    model, images, (first, second) = tune(main, "?"), torch.randn(2, 3, 5, 5), (0.4, -1.3)
    blocks = model.sets["tuned"]
    one = main[0](images)
    two = main[1](one + first * by_hand(blocks["0"], one))
    torch.testing.assert_close(model(images, alpha=[first, second]), two + second * by_hand(blocks["1"], two))


def test_a_layer_changes_linearly_in_alpha(name, images):
    """At the last layer with a block, when the others stand still."""
    model, count = build(name), len(LAYERS[name])
    seen = []
    model.main.get_submodule(list(LAYERS[name])[-1]).register_forward_hook(
        lambda _layer, _inputs, out: seen.append(out)
    )
    with torch.no_grad():
        for alpha in [0.0, 1.0, *BEYOND]:
            model(images, alpha=[0.0] * (count - 1) + [alpha])
    main, full, *others = seen
    for alpha, found in zip(BEYOND, others, strict=True):
        torch.testing.assert_close(found, main + alpha * (full - main), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(full, main, atol=1e-3)


# Which α turns what -----------------------------------------------------------------------------------------------


def test_one_for_all_is_the_same_for_every_block_and_example(name, images):
    model, count = build(name), len(LAYERS[name])
    with torch.no_grad():
        for alpha in BEYOND:
            expected = model(images, alpha=alpha)
            same = [[alpha] * count, torch.tensor(alpha), torch.full((3,), alpha), [torch.full((3,), alpha)] * count]
            for other in [*same, {"tuned": alpha}]:
                torch.testing.assert_close(model(images, alpha=other), expected, rtol=1e-4, atol=1e-4)


def test_a_sequence_turns_block_after_block_in_their_order(name, images):
    model, count = build(name), len(LAYERS[name])
    with torch.no_grad():
        main = model.main(images)
        for number, layer in enumerate(LAYERS[name]):
            alone = DynamicNet(copy.deepcopy(model.main), {"alone": TuningBlocks({layer: LAYERS[name][layer]})})
            alone.sets["alone"][layer].load_state_dict(model.sets["tuned"][layer].state_dict())
            found = model(images, alpha=[0.7 * (i == number) for i in range(count)])
            assert same_bits(found, alone(images, alpha=0.7))
            assert not torch.equal(found, main)


def test_one_per_example_equals_the_examples_one_by_one(name, images):
    model, count, alphas = build(name), len(LAYERS[name]), torch.tensor([-0.5, 0.0, 1.7])
    per_block = [alphas.roll(i) for i in range(count)]
    with torch.no_grad():
        expected = one_by_one(model, images, alphas.tolist())
        torch.testing.assert_close(model(images, alpha=alphas), expected, rtol=1e-4, atol=1e-4)
        expected = one_by_one(model, images, torch.stack(per_block, 1).tolist())
        torch.testing.assert_close(model(images, alpha=per_block), expected, rtol=1e-4, atol=1e-4)
        mixed = [alphas, *[0.5] * (count - 1)]  # a number for all beside one per example
        expected = one_by_one(model, images, [[a, *mixed[1:]] for a in alphas.tolist()])
        torch.testing.assert_close(model(images, alpha=mixed), expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), examples=st.integers(1, 4))
def test_any_alphas_per_block_and_example_equal_the_examples_one_by_one(data, examples):
    model, count = build_once(), len(LAYERS["sequential"])
    number = st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 1.0])
    rows = data.draw(st.lists(st.lists(number, min_size=count, max_size=count), min_size=examples, max_size=examples))
    pictures = torch.randn(examples, 3, 6, 5)
    with torch.no_grad():
        found = model(pictures, alpha=list(torch.tensor(rows).unbind(1)))
        torch.testing.assert_close(found, one_by_one(model, pictures, rows), rtol=1e-4, atol=1e-5)


@functools.cache
def build_once():
    torch.manual_seed(0)
    return build("sequential")


def test_alpha_has_a_gradient():
    model, images = build("sequential"), torch.randn(3, 3, 8, 8)
    alpha = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
    model(images, alpha=alpha).square().sum().backward()
    assert alpha.grad.isfinite().all()
    assert (alpha.grad[1:] != 0).all()
