"""Mixed domains, small: networks as if trained, and pictures of noise."""

import torch

from lossconditioning.systems import mixed_domain as mixed

SMALL = mixed.experiments("smoke")
SYM, CRITIC = SMALL["sym"], SMALL["critic"]


def some(count=2, side=32, seed=0):
    """Pictures of noise, ``(count, 3, side, side)``."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def shaken(module, by=0.3, seed=4):
    """Its weights moved at random."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn(weight.shape, generator=draw)
    return module


def as_if_trained(*names):
    """Name → the experiment's network, its weights moved at random, those of each otherwise."""
    return {name: shaken(mixed.build(SMALL[name]), by=0.1, seed=number).eval() for number, name in enumerate(names)}


class Painted(torch.nn.Module):
    """A network that puts out given pictures, and keeps what it was called with."""

    def __init__(self, pictures):
        super().__init__()
        self.pictures = pictures

    def forward(self, *inputs):
        self.inputs = inputs
        return self.pictures
