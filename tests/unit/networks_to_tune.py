"""Networks to tune, of several kinds, and what a block computes, by hand."""

import copy
import functools

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet18

from lossconditioning.conditioning import tune
from lossconditioning.systems.dynamic_style.models import FastStyle

BEYOND = [-0.5, 0.3, 1.0, 1.7]
PHOTOGRAPH = torch.zeros(1, 3, 16, 16)


def by_hand(block, features):
    """conv-relu-conv-relu-conv, padded by reflection."""
    for number in (0, 2, 4):
        layer = block.layers[number]
        features = F.conv2d(F.pad(features, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)
        features = features.relu() if number < 4 else features
    return features


def same_bits(found, expected):
    """Equal to the sign of a zero."""
    return torch.equal(found.view(torch.int32), expected.view(torch.int32))


def small():
    """With a batch norm and dropout, which compute otherwise in training."""
    convolutions = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)
    return nn.Sequential(convolutions[0], nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.5), convolutions[1])


NETWORKS = {
    "fast_style": (functools.partial(FastStyle, 4, 2), 16, {"at": ["residual.0", "up.1"]}),
    "resnet18": (resnet18, 32, {"at": "layer[12]"}),  # with all four layers below
    "sequential": (small, 8, {"at": [nn.Conv2d]}),
}
LAYERS = {
    "fast_style": {"residual.0": 16, "up.1": 4},
    "resnet18": {"layer1": 64, "layer2": 128},
    "sequential": {"0": 6, "4": 4},
}


@functools.cache
def original(name):
    torch.manual_seed(0)
    make, side, _ = NETWORKS[name]
    network = make()
    for norm in network.modules():  # untrained batch norms shrink a deep network's output to nothing
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None
    with torch.no_grad():
        network.train()(torch.randn(4, 3, side, side))
    return network.eval()


def build(name, main=None, **options):
    _, side, where = NETWORKS[name]
    main = copy.deepcopy(original(name)) if main is None else main
    return tune(main, **where, example=torch.zeros(1, 3, side, side), **options)


def pictures(name):
    """A batch of three for a network, ``(3, 3, S, S)``."""
    side = NETWORKS[name][1]
    return torch.randn(3, 3, side, side)


def one_by_one(model, images, alphas):
    """α of each example, and each example alone."""
    return torch.cat([model(x[None], alpha=alpha) for x, alpha in zip(images, alphas, strict=True)])
