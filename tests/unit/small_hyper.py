"""Generators of single pictures, small: networks that can be worked out by hand, and what a step of training is made of."""

from dataclasses import replace
from types import SimpleNamespace

import torch
from torch import nn

from lossconditioning.systems.hyper_singan import recipes, task, training
from lossconditioning.systems.hyper_singan.data import experiment_data, seen
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator, Own
from lossconditioning.systems.hyper_singan.pyramid import pyramid, sizes
from lossconditioning.systems.hyper_singan.task import Batch
from lossconditioning.training import Run
from lossconditioning.training.adversarial import fit_adversarially

SMALL = recipes.experiments("smoke")
SAME = replace(SMALL["batch_4"], name="same", average=0.0, discriminator="same embedding")
"""Of which no profile has an experiment."""
SMOKE = Run(profile="smoke", progress=False)
GRID = sizes(16, 0.6, 3)
"""Heights and widths (12, 16), (20, 27) and (33, 44)."""
PARTS = SimpleNamespace(
    name="hyper_singan",
    build=recipes.build,
    around=training.around,
    optimise=training.optimise,
    draw=training.draw,
    terms=task.terms,
    weigh=task.weigh,
)
"""What training asks of a system."""


def fit(config, run=SMOKE, path=None, **changed):
    """An experiment's trained generator, and its loop; ``changed`` stands in place of those of `PARTS`."""
    parts, data = SimpleNamespace(**{**vars(PARTS), **changed}), experiment_data(config, run)
    return fit_adversarially(task.discriminator_terms, parts, config, run, data, path)


def some(count=2, size=(12, 16), seed=0):
    """Pictures of noise, ``(count, 3, *size)`` in [−1, 1]."""
    return 2 * torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed)) - 1


def shaken(module, by=0.1, seed=4):
    """Its weights moved at random."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn(weight.shape, generator=draw)
    return module


def same(one, other):
    """Whether two networks have the same weights, bit by bit."""
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(v, states[1][k]) for k, v in states[0].items())


def batch_of(config, pictures, scale, discriminator=None):
    """What a step at a scale learns from, of pictures ``(B, 3, H, W)`` in [−1, 1]."""
    reals = tuple(pyramid(pictures, config.sizes[: scale + 1]))
    return Batch(seen(pictures, config.seen), reals, scale, discriminator or recipes.build_discriminator(config))


def gain(value):
    """A network that multiplies three channels by a number."""
    network = nn.Conv2d(3, 3, 1, bias=False)
    with torch.no_grad():
        network.weight.copy_(value * torch.eye(3)[:, :, None, None])
    return network


def of_gains(*values):
    """A generator whose ĝ multiplies by a number, another at each scale."""
    return Generator(gain(0), [Own(gain(value)) for value in values], GRID[: len(values)], None)


def linear_critic():
    """A discriminator d(u) = Σ w_c u_c at each place; its weights ``{"weight": (B, 1, 3, 1, 1)}`` are given with the call."""
    network = nn.Conv2d(3, 1, 1, bias=False)
    return Discriminator(network, Own(network))


def told(*rows):
    """Weights of `linear_critic`, those of one picture in each row of three."""
    return {"weight": torch.tensor(rows, dtype=torch.float32)[:, None, :, None, None]}
