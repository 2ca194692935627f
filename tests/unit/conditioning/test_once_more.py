"""A second run of a cell, two holders of one network, a model that is gone: nothing stays behind."""

import gc

import pytest
import torch
from torch import nn
from turned_networks import IMAGES, KIND, KINDS, LAM, PRIOR, conditioned, network, tuned

from lossconditioning import Concatenation, ReaderError, condition, tune
from lossconditioning.conditioning import DynamicNet


def test_conditioning_a_network_again_replaces_the_first():
    body = network()
    first, second = conditioned(body), conditioned(body)
    second.eval()(IMAGES, LAM)
    with pytest.raises(ReaderError, match=r"taken off, by undo\(\) or because the network was conditioned anew"):
        first(IMAGES, LAM)
    plain = network()(IMAGES)
    assert torch.equal(second.undo()(IMAGES), plain)
    assert not any(layer._forward_hooks for layer in body.modules())


@pytest.mark.parametrize("mistake", [{"at": ["9"]}, {"at": ["1"]}, {"at": ["0"], "using": len}], ids=str)
def test_a_mistake_in_conditioning_again_loses_nothing(mistake):
    body = network()
    model = conditioned(body).eval()
    before = model(IMAGES, LAM)
    with pytest.raises((ReaderError, TypeError)):
        condition(body, prior=PRIOR, **mistake)
    assert torch.equal(model(IMAGES, LAM), before)


def test_a_conditioned_network_is_measured_without_its_conditioning():
    body = network()
    conditioned(body)
    first = conditioned(body)
    second = condition(body, ["1"], prior=PRIOR, example=IMAGES)
    second(IMAGES, LAM)
    assert len(first._site.hooks) == 0


def test_a_conditioned_network_may_be_part_of_another():
    inner = condition(network(), ["0"], prior=PRIOR, using=Concatenation)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = inner, nn.Conv2d(4, 2, 1)

        def forward(self, x):
            return self.last(self.inner(x, LAM))

    outer = condition(Outer(), ["last"], prior=PRIOR, using=Concatenation).eval()
    first, second = (outer(IMAGES, torch.full((4,), lam)) for lam in (0.1, 10.0))
    assert not torch.equal(first, second)
    inner.eval()(IMAGES, LAM)


def test_tuning_a_network_again_leaves_it_trainable_after_undo():
    body = network().train()
    for _ in range(2):  # the cell, and the cell again
        model = tune(body, ["0"])
    assert model.undo() is body
    assert all(parameter.requires_grad for parameter in body.parameters())
    assert all(layer.training for layer in body.modules())
    assert not any(layer._forward_hooks for layer in body.modules())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_holders_of_one_network_the_last_to_go_gives_it_back(order):
    body = network()
    blocks = tuned(network()).sets["tuned"]
    holders = [DynamicNet(body, {"tuned": blocks}) for _ in range(2)]
    alone = holders[0](IMAGES, alpha=0.5)
    assert torch.equal(holders[1](IMAGES, alpha=0.5), alone)  # once, not twice
    holders[order[0]].undo()
    assert not any(parameter.requires_grad for parameter in body.parameters())
    assert torch.equal(holders[order[1]](IMAGES, alpha=0.5), alone)
    holders[order[1]].undo()
    assert all(parameter.requires_grad for parameter in body.parameters())


@KIND
def test_a_model_that_is_gone_leaves_the_network_as_it_was(kind):
    body = network()
    model = KINDS[kind][0](body)
    del model
    gc.collect()
    assert torch.equal(body(IMAGES), network()(IMAGES))
    assert not any(layer._forward_hooks for layer in body.modules())
    assert all(parameter.requires_grad for parameter in body.parameters())
