"""Several sets of tuning blocks on one network, and what is refused in words."""

import copy

import pytest
import torch
from networks_to_tune import PHOTOGRAPH, build, by_hand, original, same_bits, small
from torch import nn
from torchvision.models import resnet18

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet, TuningBlocks, tune
from lossconditioning.systems.dynamic_style.models import FastStyle


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


# Several sets -----------------------------------------------------------------------------------------------------


def glowing():
    return tune(copy.deepcopy(original("fast_style")), "residual.0", name="glow", example=PHOTOGRAPH)


@pytest.fixture
def two():
    """Sets that share a layer, "residual.0"; "gloom" has one more of its own."""
    model = glowing()
    model.add("gloom", TuningBlocks({"residual.0": 16, "up.1": 4}))
    return model


def test_sets_add_up_and_each_sees_the_main_networks_own_features(two):
    main, images = original("fast_style"), torch.rand(2, 3, 16, 16)
    glow, gloom = two.sets["glow"], two.sets["gloom"]
    per_example = torch.tensor([0.3, -1.2])
    with torch.no_grad():
        features = main.residual[0](main.down(images))  # what both see at the layer that they share
        changes = by_hand(glow["residual.0"], features), by_hand(gloom["residual.0"], features)
        for first, second in ((0.6, 0.9), (-0.5, 1.7), (per_example, 0.5), (1.0, per_example)):
            a, b = (torch.as_tensor(alpha).expand(2)[:, None, None, None] for alpha in (first, second))
            late = main.up(main.residual[1](features + a * changes[0] + b * changes[1]))
            expected = main.last(late + b * by_hand(gloom["up.1"], late))
            torch.testing.assert_close(two(images, alpha={"glow": first, "gloom": second}), expected)
            torch.testing.assert_close(two(images, alpha={"gloom": second, "glow": first}), expected)


def test_sets_that_are_left_out_do_nothing(two):
    images = torch.rand(2, 3, 16, 16)
    alone = glowing()
    alone.sets["glow"].load_state_dict(two.sets["glow"].state_dict())
    with torch.no_grad():
        expected = alone(images, alpha=0.7)
        assert same_bits(two(images, alpha={"glow": 0.7}), expected)
        assert same_bits(two(images, alpha={"glow": 0.7, "gloom": 0}), expected)
        assert same_bits(two(images, alpha={"glow": 0.7, "gloom": torch.zeros(2)}), expected)
        assert same_bits(two(images, alpha={}), original("fast_style")(images))


def test_add_puts_a_set_in_the_place_of_the_one_of_that_name(two):
    images, other = torch.rand(2, 3, 16, 16), TuningBlocks({"up.1": 4})
    alone = DynamicNet(copy.deepcopy(original("fast_style")), {"other": other})
    with torch.no_grad():
        before = two(images, alpha={"glow": 1})
        two.add("gloom", other)
        assert list(two.sets) == ["glow", "gloom"]
        assert two.sets["gloom"] is other
        assert same_bits(two(images, alpha={"gloom": 0.7}), alone(images, alpha=0.7))
        assert same_bits(two(images, alpha={"glow": 1}), before)


def test_undo_takes_the_blocks_of_every_set_off(two):
    network = two.undo()
    assert not any(module._forward_hooks for module in network.modules())


# Messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "at", "example", "said"),
    [
        (resnet18, ["layer5"], None, "no layer 'layer5'. Did you mean 'layer"),
        (FastStyle, "residual.O", None, "no layer 'residual.O'. Did you mean 'residual.[0-4]'"),
        (small, [nn.LSTM], None, "no LSTM layer. It has: BatchNorm2d, Conv2d"),
        (small, [], None, "at least one layer"),
        (small, "2", None, r"'2' \(ReLU\) does not say how many channels.*example="),
    ],
)
def test_layers_that_can_not_be_tuned_are_named(network, at, example, said):
    with pytest.raises(ReaderError, match=said):
        tune(network(), at, example=example)


FLAT = {
    "linear": (lambda: nn.Linear(6, 6), (2, 6)),
    "linear on a sequence": (lambda: nn.Linear(6, 6), (2, 5, 6)),
    "layer norm": (lambda: nn.LayerNorm(6), (2, 5, 6)),
    "identity on vectors": (nn.Identity, (2, 6)),
    "identity on a sequence": (nn.Identity, (2, 5, 6)),
    "flatten": (nn.Flatten, (2, 6, 4, 4)),
    "batch norm of vectors": (lambda: nn.BatchNorm1d(6), (2, 6)),
    "convolution of a sequence": (lambda: nn.Conv1d(6, 6, 1), (2, 6, 9)),
    "convolution of volumes": (lambda: nn.Conv3d(6, 6, 1), (2, 6, 4, 4, 4)),
    "lstm": (lambda: nn.LSTM(6, 6), (2, 5, 6)),
}


@pytest.mark.parametrize("kind", FLAT)
def test_layers_without_height_and_width_are_refused(kind):
    """At once where the layer or an example tells, else in the first call."""
    (make, shape), said = FLAT[kind], r"\(B, C, …\)|\(B, C, H, W\)|which axis holds the channels"
    with pytest.raises(ReaderError, match=said):
        tune(nn.Sequential(make()), "0", example=torch.randn(shape))(torch.randn(shape), alpha=1)
    if kind in ("batch norm of vectors", "convolution of a sequence", "convolution of volumes"):
        with pytest.raises(ReaderError, match=said):
            tune(nn.Sequential(make()), "0")(torch.randn(shape), alpha=1)


def test_features_of_a_single_row_or_column_are_refused():
    for shape in ((2, 3, 1, 4), (2, 3, 4, 1)):
        with pytest.raises(ReaderError, match="'0'"):
            tune(nn.Sequential(nn.Conv2d(3, 4, 1)), "0")(torch.randn(shape), alpha=1)


@pytest.mark.parametrize("main", [None, small, "resnet18", nn.Conv2d])
def test_only_a_network_can_be_tuned(main):
    with pytest.raises(ReaderError, match=f"nn.Module.*got a {type(main).__name__}"):
        tune(main, "0")


@pytest.mark.parametrize(
    ("alpha", "said"),
    [
        ([0.5], r"each of 2 blocks \(residual.0, up.1\) expected; got 1"),
        ((0.1, 0.2, 0.3), "each of 2 blocks .* got 3"),
        ([], "each of 2 blocks .* got 0"),
        (torch.ones(2), "3 examples came with 2 α: one for all, or one each"),
        (torch.ones(1), "3 examples came with 1 α"),
        ([1.0, torch.ones(4)], "3 examples came with 4 α"),
        (float("nan"), "α is a number.*got nan"),
        (float("inf"), "α is a number.*got inf"),
        ([0.5, float("nan")], "α is a number.*got nan"),
        (torch.tensor(float("nan")), "α is a number"),
        ("half", "α is a number.*got 'half'"),
        ("0.5", "α is a number.*got '0.5'"),
        (["0.5", "1"], "α is a number.*got '0.5'"),
        (None, "α is a number.*got None"),
        (torch.ones(3, 2), "α is a number"),
        (torch.ones(3, 1), "α is a number"),
        (torch.ones(1, 1), "α is a number"),
        ([[0.5, 0.5, 0.5], 1.0], "α is a number"),
        ({"tunes": 1.0}, "no set of tuning blocks 'tunes'. Did you mean 'tuned'"),
        ({"tuned": [1.0]}, "each of 2 blocks"),
    ],
    ids=repr,
)
def test_alphas_that_mean_nothing_are_refused(alpha, said):
    with pytest.raises(ReaderError, match=said):
        build("fast_style")(torch.rand(3, 3, 16, 16), alpha=alpha)


def test_with_several_sets_alpha_says_whose_it_is(two):
    images = torch.rand(2, 3, 16, 16)
    for alpha in (0.5, torch.ones(2), [0.5, 0.5], 0):
        with pytest.raises(ReaderError, match=r"2 sets of blocks \(glow, gloom\): say whose α it is, alpha={name: α}"):
            two(images, alpha=alpha)
    with pytest.raises(ReaderError, match=r"no set of tuning blocks 'gloo'\. Did you mean 'gloom'"):
        two(images, alpha={"glow": 1, "gloo": 1})
    with torch.no_grad():  # and what was right of it does not stay
        assert same_bits(two.main(images), original("fast_style")(images))
        assert same_bits(two(images, alpha={"gloom": 0}), original("fast_style")(images))


def test_a_set_for_a_layer_that_is_not_there_is_refused_and_nothing_changes(two):
    kept, hooks = two.sets["gloom"], [len(module._forward_hooks) for module in two.main.modules()]
    with pytest.raises(ReaderError, match=r"no layer 'up.2'. Did you mean 'up.[01]'"):
        two.add("gloom", TuningBlocks({"residual.1": 16, "up.2": 4}))
    assert two.sets["gloom"] is kept
    assert [len(module._forward_hooks) for module in two.main.modules()] == hooks
