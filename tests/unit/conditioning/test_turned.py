"""A main network lent to tuning blocks gets them turned on, and comes back as it was."""

import pytest
import torch
from networks_to_tune import build, pictures
from torch import nn

from lossconditioning.conditioning import DynamicNet, at_every_alpha, turned_on


@pytest.fixture
def lent():
    """A main network in training, its blocks, and what both make of pictures at three α."""
    torch.manual_seed(0)
    model, images = build("fast_style"), pictures("fast_style")
    blocks = model.sets["tuned"]
    with torch.no_grad():
        expected = [model(images, alpha=alpha) for alpha in (0.0, 0.5, 1.0)]
    return model.undo().train(), blocks, images, expected


def assert_as_it_was(main):
    assert main.training
    assert all(weight.requires_grad for weight in main.parameters())
    assert not any(module._forward_hooks for module in main.modules())


def test_blocks_are_on_fully_as_long_as_the_context_lasts(lent):
    main, blocks, images, expected = lent
    with turned_on(main, blocks) as network:
        assert isinstance(network, nn.Module)
        with torch.no_grad():
            assert torch.equal(network(images), expected[-1])
        learning = [weight for weight in network.parameters() if weight.requires_grad]
        assert all(map(torch.equal, learning, blocks.parameters()))
        assert len(learning) == len(list(blocks.parameters()))
    assert_as_it_was(main)


def test_a_whole_network_is_given_back_as_it_is(lent):
    main, *_ = lent
    with turned_on(None, main) as network:
        assert network is main
        assert_as_it_was(main)


def test_every_alpha_is_used_in_turn_and_the_main_network_left_alone(lent):
    main, blocks, images, expected = lent
    with torch.no_grad():
        found = at_every_alpha(main, {"tuned": blocks}, (0.0, 0.5, {"tuned": 1.0}), lambda paint: paint(images))
    assert all(map(torch.equal, found, expected))
    assert_as_it_was(main)


def test_a_main_network_is_left_alone_by_an_error_too(lent):
    main, blocks, *_ = lent
    with pytest.raises(KeyError), turned_on(main, blocks):
        raise KeyError
    with pytest.raises(ZeroDivisionError):
        at_every_alpha(main, {"tuned": blocks}, (0.0, 1.0), lambda paint: 1 / 0)
    assert_as_it_was(main)
    with DynamicNet(main, {"tuned": blocks}):
        assert not main.training
