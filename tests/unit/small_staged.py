"""The staged encoder, small: networks as if trained, pictures of noise, and a translator whose styles are known."""

import torch
from torch import nn

from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.models import StyleCode
from lossconditioning.training import Run
from lossconditioning.training.cards import Card

SMALL = staged.experiments("smoke")
SMOKE = Run(profile="smoke", progress=False)


def some(count=2, side=32, seed=0):
    """Pictures of noise, ``(count, 3, side, side)``."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def flat(colours, side=32):
    """Pictures of one colour each, of colours ``(N, 3)``."""
    return torch.as_tensor(colours)[:, :, None, None].expand(-1, -1, side, side).contiguous()


def shaken(module, by=0.1, seed=4):
    """Its weights moved at random."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn(weight.shape, generator=draw)
    return module


def as_if_trained(*names):
    """Name → the experiment's network, its weights moved at random, those of each otherwise."""
    return {name: shaken(staged.build(SMALL[name]), seed=number).eval() for number, name in enumerate(names)}


def same(one, other):
    """Whether two networks have the same weights, bit by bit."""
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(v, states[1][k]) for k, v in states[0].items())


def cards(names, metrics):
    """Cards of experiments, all with the same metrics, by name."""
    return {name: Card("staged_encoder", name, {}, "laptop", 0, 1, 1.0, "", "", metrics) for name in names}


class MeanColour(nn.Module):
    """An encoder whose code is the mean colour, times a weight that is 1."""

    def __init__(self, log_variance=0.0):
        super().__init__()
        self.log_variance, self.weight, self.calls = log_variance, nn.Parameter(torch.ones(())), 0

    def forward(self, pictures):
        self.calls += 1
        z = self.weight * pictures.mean((2, 3))
        return StyleCode(z, torch.full_like(z, self.log_variance))


class InColour(nn.Module):
    """A generator whose pictures have the one colour that the code says, and some more; it keeps what it was called with."""

    def __init__(self, more=0.0):
        super().__init__()
        self.more, self.weight, self.calls = more, nn.Parameter(torch.ones(())), []

    def forward(self, layouts, z, lam=None):
        self.calls.append((layouts, z, lam))
        return self.weight * z[:, :, None, None].expand_as(layouts) + self.more
