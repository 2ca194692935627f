"""Image completion, small: networks as if trained, and noise with holes for pictures."""

import torch

from lossconditioning.systems import dynamic_completion as completion
from lossconditioning.systems.dynamic_completion.holes import random_holes
from lossconditioning.training.randomness import generator

SMALL = completion.experiments("smoke")
SHARP, SMOOTH, BLOCKS, CRITIC = (SMALL[f"hole_{name}"] for name in ("sharp", "smooth", "blocks", "critic"))


def some(count=3):
    torch.manual_seed(0)
    return torch.rand(count, 3, 64, 64), random_holes(SHARP, count, generator(1))


def shaken(module, by=0.3):
    """Its weights moved at random."""
    torch.manual_seed(4)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn_like(weight)
    return module


def as_if_trained(*names):
    """Name → the experiment's network, or its blocks, its weights moved at random."""
    return {name: shaken(completion.build(SMALL[name]), by=0.05).eval() for name in names}
