"""A small network, conditioned or tuned, and one way to call both."""

from functools import partial

import pytest
import torch
from torch import nn

from lossconditioning import CCAM, CentralBiasing, Concatenation, LogUniform, condition, tune

PRIOR = LogUniform(0.1, 10.0)
IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
LAM = torch.tensor([0.1, 1.0, 5.0, 10.0])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))


def conditioned(body=None, using=Concatenation):
    body = body or network()
    torch.manual_seed(1)
    return condition(body, ["0", "2"], prior=PRIOR, using=using)


def tuned(body=None):
    model = tune(body or network(), ["0", "2"])
    torch.manual_seed(1)
    for parameter in model.sets.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def call_conditioned(model, value, x=IMAGES):
    return model(x, torch.full((len(x),), 10.0**value))


KINDS = {
    "concatenation": (conditioned, call_conditioned),
    "ccam": (partial(conditioned, using=partial(CCAM, reduction=1)), call_conditioned),
    "central_biasing": (partial(conditioned, using=CentralBiasing), call_conditioned),
    "tune": (tuned, lambda model, value, x=IMAGES: model(x, alpha=float(value))),
}
KIND = pytest.mark.parametrize("kind", KINDS)
