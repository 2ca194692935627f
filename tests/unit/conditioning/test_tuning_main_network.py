"""The main network under tuning blocks: frozen, called by itself, given back, saved apart from them and copied."""

import copy
from collections import OrderedDict

import pytest
import torch
from networks_to_tune import LAYERS, NETWORKS, PHOTOGRAPH, build, by_hand, original, pictures, same_bits, small
from safetensors.torch import load, save
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import TuningBlocks, tune
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


# What is frozen ---------------------------------------------------------------------------------------------------


def test_training_the_blocks_leaves_the_main_network_as_it_was(name, images):
    model = build(name)
    before = {key: value.clone() for key, value in model.main.state_dict().items()}
    entering = []
    first = model.sets["tuned"][next(iter(LAYERS[name]))]
    first.register_forward_pre_hook(lambda _block, inputs: entering.append(inputs[0]))
    optimizer = torch.optim.Adam(model.sets["tuned"].parameters(), lr=1e-2)
    model.train()
    start = model(images, alpha=1).detach()
    for _ in range(2):
        optimizer.zero_grad()
        model(images, alpha=1).square().mean().backward()
        optimizer.step()
    assert entering
    assert all(not features.requires_grad and features.grad_fn is None for features in entering)  # no graph so far
    assert all(not p.requires_grad and p.grad is None for p in model.main.parameters())
    for path, parameter in model.sets.named_parameters():
        assert parameter.requires_grad, path
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    assert any(p.grad.abs().sum() > 0 for p in model.sets.parameters())
    assert before.keys() == model.main.state_dict().keys()
    assert all(torch.equal(value, before[key]) for key, value in model.main.state_dict().items())  # statistics too
    with torch.no_grad():
        assert not torch.equal(model(images, alpha=1), start)
        assert same_bits(model.main(images), original(name)(images))


@pytest.mark.parametrize("alpha", [1, torch.ones(3), [torch.ones(3), 1.0]], ids=str)
def test_every_block_has_a_gradient(alpha):
    model = build("fast_style")
    (torch.randn(3, 3, 16, 16) * model(torch.rand(3, 3, 16, 16), alpha=alpha)).sum().backward()
    for layer in LAYERS["fast_style"]:
        for path, parameter in model.sets["tuned"][layer].named_parameters():
            assert parameter.grad.abs().sum() > 0, (layer, path)


def test_only_the_trained_parameters_are_given_to_an_optimizer_that_asks():
    model = build("fast_style")
    trainable = [p for p in model.parameters() if p.requires_grad]
    assert {id(p) for p in trainable} == {id(p) for p in model.sets.parameters()}
    assert len(trainable) == 2 * 6


def test_the_main_network_stays_in_evaluation_mode():
    model, images = tune(small().train(), "0"), torch.randn(3, 3, 8, 8)
    for training in (True, False, True):
        assert model.train(training) is model
        assert not any(module.training for module in model.main.modules())
        assert model.training == training
        assert all(module.training == training for module in model.sets.modules())
    assert torch.equal(model(images, alpha=1), model(images, alpha=1))  # no dropout
    assert model.eval() is model
    assert not any(module.training for module in model.modules())


def test_measuring_leaves_the_network_as_it_was():
    network = small().train()
    before = copy.deepcopy(network.state_dict())
    model = tune(network, ["2", "3"], example=torch.randn(2, 3, 8, 8))
    assert [model.sets["tuned"][layer].channels for layer in ("2", "3")] == [6, 6]
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert model.main is network  # not copied


# The main network by itself, and given back -----------------------------------------------------------------------


def test_the_main_network_called_by_itself_leaves_the_blocks_out(name, images):
    model = build(name)
    with torch.no_grad():
        expected = original(name)(images)
        assert same_bits(model.main(images), expected)
        turned = model(images, alpha=1)
        assert same_bits(model.main(images), expected)
        assert torch.equal(model(images, alpha=1), turned)  # nothing adds up from call to call


class Fails(nn.Module):
    def forward(self, x):
        if x.shape[-1] == 5:
            raise RuntimeError("five columns")
        return x


def test_a_call_that_fails_leaves_no_alpha_behind():
    model, images = tune(nn.Sequential(nn.Conv2d(3, 4, 1), Fails()), "0"), torch.randn(2, 3, 6, 6)
    with torch.no_grad():
        main, turned = model.main(images), model(images, alpha=1)
        for failing, kind, said in [
            ({"alpha": 1}, RuntimeError, "five columns"),
            ({"alpha": torch.ones(3)}, ReaderError, "2 examples came with 3 α"),
            ({"alpha": {"tuned": 1, "tune": 1}}, ReaderError, "no set of tuning blocks 'tune'"),
            ({"alpha": [float("nan")]}, ReaderError, "α is a number"),
        ]:
            with pytest.raises(kind, match=said):
                model(images[..., :5], **failing)
            assert same_bits(model.main(images), main), failing
            assert torch.equal(model(images, alpha=1), turned), failing


@pytest.mark.parametrize("training", [True, False])
def test_undo_gives_the_very_network_back(name, images, training):
    network = copy.deepcopy(original(name)).train(training)
    frozen = next(iter(network.parameters())).requires_grad_(False)  # stays frozen
    flags = [p.requires_grad for p in network.parameters()]
    model = build(name, network)
    model.train()
    assert not any(p.requires_grad for p in network.parameters())
    assert model.undo() is network
    assert [p.requires_grad for p in network.parameters()] == flags
    assert not frozen.requires_grad
    assert all(module.training == training for module in network.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    with torch.no_grad():
        assert same_bits(network.eval()(images), original(name)(images))


def test_undo_gives_every_layer_its_own_mode_back():
    network = small().train()
    network[1].eval()  # a frozen batch norm
    assert tune(network, "0").undo() is network
    assert [module.training for module in network.modules()] == [True, True, False, True, True, True]


def test_a_network_can_be_tuned_again_after_undo():
    network, images = copy.deepcopy(original("fast_style")), torch.rand(2, 3, 16, 16)
    build("fast_style", network).undo()
    model = build("fast_style", network)
    with torch.no_grad():
        assert same_bits(model(images, alpha=0), original("fast_style")(images))
        features = network.residual[0](network.down(images))
        turned = features + by_hand(model.sets["tuned"]["residual.0"], features)
        expected = network.last(network.up(network.residual[1](turned)))
        torch.testing.assert_close(model(images, alpha=[1, 0]), expected)  # one block, once


def test_after_undo_a_call_says_so():
    model, images = build("fast_style"), torch.rand(2, 3, 16, 16)
    model.undo()
    with pytest.raises(ReaderError, match=r"undo\(\)"):
        model(images, alpha=1)


# Files and copies -------------------------------------------------------------------------------------------------


def test_a_set_is_saved_without_the_main_network_and_loads_onto_a_copy_of_it(name, images):
    model = build(name)
    state = load(save(model.sets["tuned"].state_dict()))
    assert not set(state) & set(model.main.state_dict())
    assert len(state) == 6 * len(LAYERS[name])
    assert sum(v.numel() for v in state.values()) == sum(3 * (9 * c * c + c) for c in LAYERS[name].values())
    fresh = build(name)
    with torch.no_grad():
        assert not torch.equal(fresh(images, alpha=1), model(images, alpha=1))
        fresh.sets["tuned"].load_state_dict(state)
        assert same_bits(fresh(images, alpha=1), model(images, alpha=1))
        blocks = TuningBlocks(LAYERS[name])  # without a network, too
        blocks.load_state_dict(state)
        fresh.add("loaded", blocks)
        assert same_bits(fresh(images, alpha={"loaded": 0.4}), model(images, alpha=0.4))


def test_a_whole_tuned_network_survives_a_file(name, images):
    model, fresh = build(name), build(name, NETWORKS[name][0]())
    state = model.state_dict()
    assert all(key.startswith(("main.", "sets.tuned.")) for key in state)
    assert [key.removeprefix("main.") for key in state if key.startswith("main.")] == list(original(name).state_dict())
    with torch.no_grad():
        assert not torch.equal(fresh(images, alpha=0.5), model(images, alpha=0.5))
        fresh.load_state_dict(load(save(state)))
        for alpha in (0, 0.5):
            assert same_bits(fresh(images, alpha=alpha), model(images, alpha=alpha))


def test_a_deep_copy_is_equal_and_independent(name, images):
    model = build(name)
    with torch.no_grad():
        before, twin = model(images, alpha=0.5), copy.deepcopy(model)
        assert same_bits(twin(images, alpha=0.5), before)
        for parameter in twin.sets.parameters():
            parameter.add_(0.1)
        assert not torch.equal(twin(images, alpha=0.5), before)
        assert same_bits(twin.main(images), original(name)(images))
        assert same_bits(model(images, alpha=0.5), before)
        network = twin.undo()  # the copy's hooks and parameters are its own
        assert all(p.requires_grad for p in network.parameters())
        assert not any(module._forward_hooks for module in network.modules())
        assert not any(p.requires_grad for p in model.main.parameters())
        assert same_bits(model(images, alpha=0.5), before)


def test_blocks_take_the_main_networks_type():
    model = tune(FastStyle(4, 1).double(), "residual.0", example=PHOTOGRAPH.double())
    assert {p.dtype for p in model.sets.parameters()} == {torch.float64}
    for alpha in (0.5, torch.tensor([0.5, 0.0])):
        assert model(torch.rand(2, 3, 16, 16, dtype=torch.float64), alpha=alpha).dtype == torch.float64


def test_a_layer_may_be_called_like_a_method_of_a_dictionary():
    network = nn.Sequential(OrderedDict(values=nn.Conv2d(3, 3, 1)))
    model, images = tune(copy.deepcopy(network), ["values"]), torch.randn(2, 3, 4, 4)
    assert model.sets["tuned"].at == ("values",)
    features = network(images)
    expected = features + by_hand(model.sets["tuned"]["values"], features)
    torch.testing.assert_close(model(images, alpha=1), expected)
