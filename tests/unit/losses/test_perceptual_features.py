"""Perceptual features are torchvision's VGG, cut off, with whatever weights of it are at hand."""

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from lossconditioning import ReaderError
from lossconditioning.losses import (
    PerceptualFeatures,
    PerceptualLoss,
)
from lossconditioning.losses.perceptual import MEAN, STD, layer_names

TORCHVISIONS = {"vgg16": torchvision.models.vgg16, "vgg19": torchvision.models.vgg19}
EARLY = ["relu1_1", "relu1_2", "relu2_1", "relu2_2"]


@pytest.fixture(autouse=True)
def no_weights_at_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "data"))
    torch.manual_seed(0)


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 32, 24)


def early(layers=EARLY, **options):
    """A network of random filters."""
    return PerceptualFeatures(layers, **{"download": False, **options})


def plain_vgg(network="vgg19"):
    """torchvision's own layers, with weights under which activations keep their size from layer to layer."""
    features = make_layers(cfgs[{"vgg16": "D", "vgg19": "E"}[network]])
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.1)
    return features.requires_grad_(False)


def saved(features, path, upto=None):
    """Weights under torchvision's names; with ``upto``, of that many modules only."""
    state = {f"features.{name}": value for name, value in features[:upto].state_dict().items()}
    save_file(state | {"classifier.0.bias": torch.zeros(5)}, path)
    return path


# The network --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", TORCHVISIONS)
def test_layers_are_named_by_block_and_stand_where_torchvision_has_them(network):
    with torch.device("meta"):  # shapes without numbers
        features = TORCHVISIONS[network](weights=None, init_weights=False).features
    expected, block, number = {}, 1, 0
    for index, layer in enumerate(features):
        if isinstance(layer, nn.MaxPool2d):
            block, number = block + 1, 0
        if isinstance(layer, nn.Conv2d):
            number += 1
            expected[f"relu{block}_{number}"] = index
            assert isinstance(features[index + 1], nn.ReLU)
    assert layer_names(network) == expected
    ours = early(expected, network=network).features
    assert [type(layer) for layer in ours] == [type(layer) for layer in features[:-1]]  # no use for the last pooling
    shapes = [{name: value.shape for name, value in layers.state_dict().items()} for layers in (ours, features)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("network", TORCHVISIONS)
def test_activations_are_those_of_torchvisions_features_with_hooks(network, pictures, tmp_path):
    plain, found = plain_vgg(network)[:-1], {}  # 24 pixels are too few for the last pooling
    names = layer_names(network)
    for name, index in names.items():
        plain[index + 1].register_forward_hook(lambda _m, _i, out, name=name: found.update({name: out}))
    file = saved(plain, tmp_path / "mine.safetensors")
    plain.double()(torchvision.transforms.functional.normalize(pictures.double(), MEAN, STD))
    precise = PerceptualFeatures(names, network, file, dtype=torch.float64)(pictures)
    torch.testing.assert_close(precise, {name: value.float() for name, value in found.items()}, rtol=1e-5, atol=1e-5)
    activations = PerceptualFeatures(names, network, file)(pictures)
    assert list(activations) == list(names)
    for name, value in activations.items():
        assert (value - found[name]).norm() < 1e-5 * found[name].norm(), name


def test_colours_are_those_torchvisions_weights_expect():
    for weights in (torchvision.models.VGG16_Weights, torchvision.models.VGG19_Weights):
        transforms = weights.IMAGENET1K_V1.transforms()
        assert (tuple(transforms.mean), tuple(transforms.std)) == (MEAN, STD)


def test_nothing_beyond_the_deepest_layer_is_built():
    for layer, index in layer_names("vgg19").items():
        if layer < "relu4":
            assert len(early([layer]).features) == index + 2  # up to its ReLU


def test_nothing_beyond_the_deepest_layer_asked_for_is_computed(pictures):
    features, called = early(), []
    for index, layer in enumerate(features.features):
        layer.register_forward_hook(lambda *_, index=index: called.append(index))
    everything = features(pictures)
    assert called == list(range(len(features.features)))
    called.clear()
    some = features(pictures, ["relu1_2", "relu1_1"])
    assert called == [0, 1, 2, 3]
    assert list(some) == ["relu1_1", "relu1_2"]
    assert all(torch.equal(some[layer], everything[layer]) for layer in some)


def test_activations_halve_from_block_to_block(pictures):
    shapes = {layer: tuple(value.shape) for layer, value in early()(pictures).items()}
    assert shapes == {
        "relu1_1": (3, 64, 32, 24),
        "relu1_2": (3, 64, 32, 24),
        "relu2_1": (3, 128, 16, 12),
        "relu2_2": (3, 128, 16, 12),
    }


def test_layers_come_in_the_order_they_were_named_in_and_once(pictures):
    assert list(early(["relu2_1", "relu1_1", "relu1_2"])(pictures)) == ["relu2_1", "relu1_1", "relu1_2"]
    assert list(early(iter(["relu1_2"]))(pictures, iter(["relu1_2", "relu1_2"]))) == ["relu1_2"]


def test_the_network_is_frozen_and_gradients_reach_the_picture(pictures):
    features = early().train()
    assert not any(parameter.requires_grad for parameter in features.parameters())
    pictures.requires_grad_()
    features(pictures)["relu2_2"][1].sum().backward()
    touched = pictures.grad.flatten(1).abs().amax(1)
    assert touched[1] > 0
    assert touched[[0, 2]].tolist() == [0, 0]
    assert all(parameter.grad is None for parameter in features.parameters())


def test_training_mode_changes_nothing(pictures):
    features = early(["relu1_2"])
    assert torch.equal(features.eval()(pictures)["relu1_2"], features.train()(pictures)["relu1_2"])


def test_the_pictures_layout_in_memory_changes_nothing(pictures):
    features = early()
    laid = pictures.to(memory_format=torch.channels_last)
    torch.testing.assert_close(features(laid), features(pictures))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (2, 4, 32, 32), (1, 3, 15, 32), (1, 3, 32, 15)])
def test_wrong_pictures_are_named(shape):
    with pytest.raises(
        ReaderError, match=r"\(B, 3, H, W\), RGB in \[0, 1\], 16 pixels.*got \(" + ", ".join(map(str, shape))
    ):
        early(["relu1_1"])(torch.rand(shape))


def test_sixteen_pixels_are_enough_for_the_last_layer():
    assert early(["relu5_4"])(torch.rand(1, 3, 16, 16))["relu5_4"].shape == (1, 512, 1, 1)


@pytest.mark.parametrize(
    ("layers", "network", "said"),
    [
        (["relu3_4"], "vgg16", "no layer of vgg16 'relu3_4'"),
        (["relu1_3"], "vgg19", "no layer of vgg19 'relu1_3'.*Known: relu1_1, relu1_2"),
        (["conv1_1"], "vgg19", "no layer of vgg19 'conv1_1'"),
        ([], "vgg19", "at least one layer of vgg19: relu1_1, relu1_2"),
        (["relu1_1"], "vgg11", "no network 'vgg11'.*Known: vgg16, vgg19"),
    ],
)
def test_layers_and_networks_that_are_not_there_are_named(layers, network, said):
    with pytest.raises(ReaderError, match=said):
        early(layers, network=network)


def test_only_layers_the_network_was_made_for_can_be_asked_for(pictures):
    with pytest.raises(ReaderError, match=r"no layer 'relu2_2'.*Known: relu1_2"):
        early(["relu1_2"])(pictures, ["relu2_2"])


def test_bfloat16_comes_close_and_back_as_float32(pictures):
    exact, coarse = early(), early(dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in coarse.parameters()} == {torch.bfloat16}
    others = pictures.roll(1, 0)
    found = []
    for features in (exact, coarse):
        activations = features(pictures)
        assert {value.dtype for value in activations.values()} == {torch.float32}
        loss = PerceptualLoss(features, "relu2_2")
        terms = loss(pictures, loss.content_targets(others), loss.style_targets(others))
        found.append(torch.stack(list(terms.values())))
    torch.testing.assert_close(found[1], found[0], rtol=0.05, atol=0)
    pictures.requires_grad_()
    sum(value.mean() for value in coarse(pictures).values()).backward()
    assert pictures.grad.dtype == torch.float32
    assert pictures.grad.isfinite().all()


# Its weights --------------------------------------------------------------------------------------------------------------


def test_random_filters_are_always_the_same_and_leave_the_global_seed_alone(capsys):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = early()
    assert torch.equal(torch.get_rng_state(), before)
    assert "no weights of vgg19" in capsys.readouterr().err
    torch.manual_seed(2)
    other = early(EARLY[:3])
    assert one.source == "vgg19 with fixed random filters"
    state = one.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in other.state_dict().items())
    kernel = state["features.5.weight"]  # 64 channels, 3 × 3
    assert kernel.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_weights_may_be_half_as_long(tmp_path, pictures):
    """float16 files serve; the network computes in what it is asked to."""
    plain = plain_vgg()[:4].half()
    features = PerceptualFeatures(["relu1_2"], weights=saved(plain, tmp_path / "half.safetensors"))
    assert torch.equal(features.features[2].weight, plain[2].weight.float())


def test_a_file_that_ends_early_serves_the_layers_it_reaches(tmp_path, pictures):
    plain = plain_vgg()
    file = saved(plain, tmp_path / "vgg19-until_relu2_1.safetensors", upto=layer_names("vgg19")["relu2_1"] + 1)
    whole = PerceptualFeatures(["relu2_1"], weights=saved(plain[:20], tmp_path / "whole.safetensors"))
    cut = PerceptualFeatures(["relu1_1", "relu2_1"], weights=file)
    assert torch.equal(cut(pictures)["relu2_1"], whole(pictures)["relu2_1"])
    with pytest.raises(ReaderError, match=r"vgg19-until_relu2_1 reach up to layer relu2_1; asked for relu1_1, relu2_2"):
        PerceptualFeatures(["relu1_1", "relu2_2"], weights=file)


def test_weights_in_the_data_folder_are_found(tmp_path, capsys):
    plain, folder = plain_vgg("vgg16")[:4], tmp_path / "data" / "weights"
    folder.mkdir(parents=True)
    saved(plain, folder / "vgg16-first_block.safetensors")
    features = PerceptualFeatures(["relu1_2"], "vgg16")
    assert features.source == "vgg16-first_block"
    assert torch.equal(features.features[0].weight, plain[0].weight)
    assert "relu1_2; vgg16-first_block" in repr(features)
    assert capsys.readouterr().err == ""


def test_weights_of_something_else_are_refused(tmp_path):
    other = nn.Sequential(nn.Conv2d(3, 64, 5), nn.ReLU(), nn.Conv2d(64, 64, 3))
    file = saved(other, tmp_path / "other.safetensors")
    with pytest.raises(
        ReaderError, match=r"weights other are not those of vgg19 \(size mismatch for features\.0\.weight"
    ):
        PerceptualFeatures(["relu1_2"], weights=file)
    save_file({"layer1.weight": torch.zeros(2)}, tmp_path / "resnet.safetensors")
    with pytest.raises(ReaderError, match=r"weights resnet .*vgg19"):
        PerceptualFeatures(["relu1_2"], weights=tmp_path / "resnet.safetensors")
