"""`condition` makes any network follow λ without rewriting it, and takes the conditioning off again."""

import contextlib
import copy
import functools
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from torchvision.models import VisionTransformer, mobilenet_v3_small, resnet18
from torchvision.models.convnext import LayerNorm2d

from lossconditioning import (
    CCAM,
    CentralBiasing,
    Concatenation,
    Dirichlet,
    FiLM,
    InputConditioning,
    LogUniform,
    ReaderError,
    condition,
)

PRIOR = LogUniform(0.1, 10.0)
NEAR = [FiLM, Concatenation, InputConditioning, functools.partial(CCAM, near_identity=True)]
ALL = [*NEAR, CCAM, functools.partial(CentralBiasing, normalise=False)]


def perturb(model, size=0.3):
    """Move the conditioners away from their near-identity start, as training would."""
    with torch.no_grad():
        for parameter in model.conditioners.parameters():
            parameter.add_(size * torch.randn_like(parameter))
    return model


# Real networks ----------------------------------------------------------------------------------------------------


def vision_transformer():
    network = VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64)
    nn.init.normal_(network.heads.head.weight)  # torchvision starts it at zero: nothing would reach the output
    return network


NETWORKS = {
    "resnet18": (resnet18, 64, {"at": ["layer1", "layer2"], "example": torch.zeros(1, 3, 64, 64)}),
    "mobilenet_v3_small": (mobilenet_v3_small, 64, {"at": ["features.1?"]}),
    "vision_transformer": (vision_transformer, 32, {"at": ["encoder.layers.*.ln_?", "heads.head"]}),
}


@functools.cache
def original(name, seed):
    torch.manual_seed(seed)
    make, size, _ = NETWORKS[name]
    network = make()
    calibrate(network, torch.randn(4, 3, size, size))
    return network


def build(name, seed=0, **changes):
    return condition(copy.deepcopy(original(name, seed)), prior=PRIOR, **{**NETWORKS[name][2], **changes})


def calibrate(network, images):
    """Give batch norms the statistics of a batch: untrained ones shrink a deep network's output to nothing."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    with torch.no_grad():
        network.train()(images)
    network.eval()


@pytest.fixture(params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture
def inputs(name):
    torch.manual_seed(7)
    size = NETWORKS[name][1]
    return torch.randn(3, 3, size, size), PRIOR.sample((3,))


@pytest.mark.parametrize("using", NEAR)
def test_a_network_starts_near_itself_and_then_follows_the_weights(name, inputs, using):
    images, lam = inputs
    model = build(name, using=using)
    with torch.no_grad():
        conditioned = model(images, lam)
        assert torch.equal(model(images, lam=lam), conditioned)
        follows = perturb(model)(images, lam)
        moved = model(images, lam.flip(0)) - follows
        plain = model.undo()(images)
    assert 0 < (conditioned - plain).norm() / plain.norm() < 0.3
    changed = moved.norm(dim=1) > 1e-2 * follows.norm(dim=1)
    assert changed.tolist() == [True, False, True]  # the middle one kept its λ


def test_undo_gives_the_very_network_back(name, inputs):
    images, lam = inputs
    model = build(name)
    network = model.undo()
    with torch.no_grad():
        before = network(images)
        again = condition(network, prior=PRIOR, **NETWORKS[name][2])
        perturb(again)(images, lam)
        assert again.undo() is network
        assert torch.equal(network(images), before)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_a_state_dict_keeps_the_networks_names_and_survives_a_file(name, inputs):
    make = NETWORKS[name][0]
    model, fresh = perturb(build(name)), build(name, seed=1)
    state = model.state_dict()
    assert [k.removeprefix("network.") for k in state if k.startswith("network.")] == list(make().state_dict())
    assert all(k.startswith(("network.", "conditioners.")) for k in state)
    with torch.no_grad():
        assert not torch.equal(fresh(*inputs), model(*inputs))
        fresh.load_state_dict(load(save(state)))
        assert torch.equal(fresh(*inputs), model(*inputs))


def test_a_deep_copy_is_equal_and_independent(name, inputs):
    model = build(name)
    with torch.no_grad():
        before, twin = model(*inputs), copy.deepcopy(model)
        assert torch.equal(twin(*inputs), before)
        assert not torch.equal(perturb(twin)(*inputs), before)
        assert torch.equal(model(*inputs), before)
        twin.undo()(inputs[0])  # the copy's hooks are its own
        assert torch.equal(model(*inputs), before)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_a_conditioned_network_exports(name, inputs):
    model = perturb(build(name))
    with torch.no_grad():
        exported = torch.export.export(model, inputs, strict=False).module()
        torch.testing.assert_close(exported(*inputs), model(*inputs))


def test_a_conditioned_network_exports_for_any_batch_size():
    torch.manual_seed(0)
    prior = Dirichlet([0.5, 0.5])
    model = perturb(condition(vision_transformer().eval(), NETWORKS["vision_transformer"][2]["at"], prior=prior))
    shapes = (({0: torch.export.Dim("batch")}, {0: torch.export.Dim("batch")}),)
    example = torch.randn(3, 3, 32, 32), prior.sample((3,))
    exported = torch.export.export(model, example, strict=False, dynamic_shapes=shapes).module()
    for batch in (3, 5):
        images, lam = torch.randn(batch, 3, 32, 32), prior.sample((batch,))
        torch.testing.assert_close(exported(images, lam), model(images, lam))


def test_conditioners_of_a_frozen_network_train(name, inputs):
    model = build(name)
    model.network.requires_grad_(False)
    frozen = copy.deepcopy(model.network.state_dict())
    optimizer = torch.optim.SGD(model.conditioners.parameters(), lr=1e-3)
    model(*inputs).square().mean().backward()
    for path, conditioner in model.conditioners.items():
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in conditioner.parameters()), path
    with torch.no_grad():
        before = model(*inputs)
        optimizer.step()
        assert not torch.equal(model(*inputs), before)
    assert all(torch.equal(value, frozen[key]) for key, value in model.network.state_dict().items())


# Which layers -----------------------------------------------------------------------------------------------------


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Sequential(nn.Conv2d(8, 6, 3), nn.ReLU()))


IMAGES = torch.zeros(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("at", "sites"),
    [
        ("0", {"0": (8, 1)}),
        (["3", "2"], {"3": (6, 1), "2": (8, 1)}),
        (["3.*"], {"3.0": (6, 1), "3.1": (6, 1)}),
        (["*", "0"], {"0": (8, 1), "1": (8, 1), "2": (8, 1), "3": (6, 1)}),
        (nn.Conv2d, {"0": (8, 1), "3.0": (6, 1)}),
        ([nn.ReLU, "3.0"], {"2": (8, 1), "3.1": (6, 1), "3.0": (6, 1)}),
    ],
)
def test_layers_are_found_by_name_pattern_and_type(at, sites):
    model = condition(small(), at, prior=PRIOR, example=IMAGES)
    found = {k.replace("/", "."): (c.channels, c.channel_dim) for k, c in model.conditioners.items()}
    assert list(found.items()) == list(sites.items())


def test_a_pattern_reaches_every_block():
    model = condition(resnet18(), ["layer?.*.conv2"], prior=PRIOR)
    assert list(model.conditioners) == [f"layer{i}/{j}/conv2" for i in (1, 2, 3, 4) for j in (0, 1)]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(4, 6), (2, 4), (6, -1)),
        (nn.Linear(4, 6), (2, 5, 4), (6, -1)),
        (nn.Conv1d(4, 6, 1), (2, 4, 9), (6, 1)),
        (nn.LayerNorm(4), (2, 5, 4), (4, -1)),
        (nn.GroupNorm(2, 4), (2, 4, 3, 3), (4, 1)),
        (nn.Identity(), (2, 4, 5, 5), (4, 1)),
        # ConvNeXt's norm calls itself a LayerNorm, but keeps channels second; here as many as columns.
        (LayerNorm2d(4), (2, 4, 5, 5), (4, 1)),
        (LayerNorm2d(4), (2, 4, 5, 4), (4, 1)),
    ],
)
def test_an_example_tells_where_the_channels_stand(layer, shape, expected):
    conditioner = condition(nn.Sequential(layer), "0", prior=PRIOR, example=torch.randn(shape)).conditioners["0"]
    assert (conditioner.channels, conditioner.channel_dim) == expected


def test_measuring_leaves_the_network_as_it_was():
    network = small().train()
    network[1].eval()  # a frozen batch norm
    before = copy.deepcopy(network.state_dict())
    condition(network, ["3"], prior=PRIOR, example=torch.randn(2, 3, 8, 8))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert network.training
    assert not network[1].training


def test_no_conditioner_stands_idle():
    # An attention layer reads its out_proj's weights and never calls it: conditioning it must work or be refused.
    with contextlib.suppress(ReaderError):
        model = condition(vision_transformer(), [nn.Linear], prior=PRIOR, example=torch.zeros(1, 3, 32, 32))
        model(torch.randn(2, 3, 32, 32), torch.ones(2)).sum().backward()
        assert [k for k, c in model.conditioners.items() if next(c.parameters()).grad is None] == []


def test_a_layer_may_be_called_like_a_method_of_a_dictionary():
    network = nn.Sequential(OrderedDict(values=nn.Linear(3, 3)))
    assert condition(network, ["values"], prior=PRIOR)(torch.ones(2, 3), torch.ones(2)).shape == (2, 3)


# Messages ---------------------------------------------------------------------------------------------------------


class Pair(nn.Linear):
    """A layer that puts out two tensors."""

    def forward(self, x):
        return super().forward(x), x


@pytest.mark.parametrize(
    ("network", "at", "example", "said"),
    [
        (resnet18, ["layer5"], None, "no layer 'layer5'. Did you mean 'layer"),
        (resnet18, ["layer4.0.con1"], None, "Did you mean 'layer4.0.conv1'"),
        (small, [nn.LSTM], None, "no LSTM layer. It has: BatchNorm2d, Conv2d, ReLU, Sequential"),
        (small, ["2"], None, r"'2' \(ReLU\) does not say how many channels.*example="),
        (small, ["3"], None, r"'3' \(Sequential\) does not say"),
        (lambda: nn.Sequential(LayerNorm2d(4)), ["0"], None, r"'0' \(LayerNorm2d\) does not say"),
        (small, [], None, "at least one layer"),
        (lambda: nn.Sequential(nn.LSTM(3, 4)), ["0"], torch.zeros(2, 5, 3), "'0' does not put out a tensor"),
    ],
)
def test_layers_that_can_not_be_conditioned_are_named(network, at, example, said):
    with pytest.raises(ReaderError, match=said):
        condition(network(), at, prior=PRIOR, example=example)


def test_a_layer_with_two_outputs_is_named():
    with pytest.raises(ReaderError, match="Layer '0' puts out a tuple"):
        condition(nn.Sequential(Pair(3, 3)), ["0"], prior=PRIOR)(torch.zeros(2, 3), torch.ones(2))


def test_a_call_without_weights_is_refused():
    model = condition(small(), ["0"], prior=PRIOR)
    with pytest.raises(ReaderError, match=r"weights last: model\(inputs, lam\)"):
        model(IMAGES)
    model(IMAGES, torch.ones(2))
    for inner in (model.network, model.network[0]):
        with pytest.raises(ReaderError, match=r"'0' is conditioned .* called without them.*undo\(\)"):
            inner(IMAGES)


@pytest.mark.parametrize("using", ALL)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (6, 2)], ids=str)
def test_weights_that_are_not_one_per_example_are_refused(using, shape):
    # Six examples of six features: a single λ must not be taken for a row of either.
    model = condition(nn.Sequential(nn.Linear(4, 6)), ["0"], prior=PRIOR, using=using)
    with pytest.raises(ReaderError):
        model(torch.zeros(6, 4), torch.ones(shape))


@pytest.mark.parametrize("using", ALL)
def test_a_column_of_weights_is_refused_or_read_as_one_per_example(using):
    model = condition(nn.Sequential(nn.Linear(4, 6)), ["0"], prior=PRIOR, using=using)
    x, lam = torch.randn(3, 4), torch.tensor([0.1, 1.0, 10.0])
    with contextlib.suppress(ReaderError):
        torch.testing.assert_close(model(x, lam.unsqueeze(1)), model(x, lam))
