"""A step of generators of single pictures: low-rank heads and a small embedding against Meta Internal Learning as published.

Published is what the paper describes and its public code does, written down eagerly: two ResNet-34s that read 128 pixels, a
linear head for each tensor of five convolutions, grouped convolutions (B.1, B.2); weights are generated anew whenever a
generator or a discriminator is called, twice and four times a step; the discriminator's gradient is also computed in the
generator's step. Without these repetitions, it is our own step with ResNet-34s and full heads, which is compared with, too.
Ratios are measured side by side in one run, one thread.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import torchvision
from adversaries import Adversaries
from ratios import side_by_side
from torch import nn

from lossconditioning.systems.hyper_singan import recipes, task, training
from lossconditioning.systems.hyper_singan.data import experiment_data
from lossconditioning.training import Run

pytestmark = pytest.mark.usefixtures("one_thread")
RUN = Run(profile="smoke", progress=False)
SCALE = {"scales": 1, "coarsest": 64, "width": 64, "batch_size": 4, "count": 4, "average": 0}
"""One scale of 64 pixels, of networks as wide as the paper's, and four pictures."""


class Opponents(Adversaries):
    """Generators and discriminators of a profile's hypernetwork, in the midst of training, and a batch for both."""

    def __init__(self, profile, **changes):
        config = replace(recipes.experiments(profile)["dataset"], **{**SCALE, **changes})
        self.config, self.data = config, experiment_data(config, RUN)
        self.model = recipes.build(config).train()
        self.making = training.Making(self.model, config)
        self.batch, self.lam = training.draw(config, self.model, self.data.batches(0), 0.0)
        self.begin(training.optimise)


def ours(run):
    return run.step(run.making, task.discriminator_terms, task.terms, task.weigh)


class Published(nn.Module):
    """ResNet-34 to 512 numbers and 10 linear heads: networks of five convolutions, one for each picture."""

    def __init__(self, out, width=64):
        super().__init__()
        self.embedding = torchvision.models.resnet34(num_classes=512)
        self.channels = [(3, width), *[(width, width)] * 3, (width, out)]
        sizes = [size for before, after in self.channels for size in (9 * before * after, after)]
        self.heads = nn.ModuleList(nn.Linear(512, size) for size in sizes)

    def weights(self, seen):
        code = self.embedding(seen)
        return [head(code) for head in self.heads]

    def run(self, made, pictures):
        count = len(pictures)
        h = pictures.flatten(0, 1)[None]
        for layer, (before, after) in enumerate(self.channels):
            h = F.leaky_relu(h, 0.02) if layer else h
            weight = made[2 * layer].view(count * after, before, 3, 3) / (9 * before) ** 0.5
            h = F.conv2d(h, weight, made[2 * layer + 1].flatten(), padding=1, groups=count)
        h = h.view(count, -1, *h.shape[2:])
        return h.tanh() if h.shape[1] == 3 else h

    def forward(self, seen, pictures):
        return self.run(self.weights(seen), pictures)

    def load(self, embedding, writer):
        """The weights of ours, whose full heads are one matrix."""
        (last,), state = embedding.layers, embedding.backbone.network.state_dict()
        self.embedding.load_state_dict({**state, "fc.weight": last.weight, "fc.bias": last.bias})
        sizes, linear = [head.out_features for head in self.heads], writer.heads.linear
        parts = zip(self.heads, linear.weight.split(sizes), linear.bias.split(sizes), strict=True)
        for head, weight, bias in parts:
            head.load_state_dict({"weight": weight, "bias": bias})


class PublishedOpponents(Adversaries):
    """The published generators and discriminators, with the batch of ours."""

    def __init__(self, other):
        self.config, self.batch, self.anchor = other.config, other.batch, other.model.anchor
        self.model, self.discriminator = (Published(out, self.config.width) for out in (3, 1))
        self.optimizers = {
            name: torch.optim.Adam(getattr(self, name).parameters(), lr=5e-5, betas=(0.5, 0.999))
            for name in ("model", "discriminator")
        }


def critical(judge, real, fake):
    """WGAN-GP's loss of a discriminator, written down."""
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * fake + (1 - share) * real).requires_grad_()
    told = judge(fake).mean() - judge(real).mean()
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    return told + 0.1 * (slope.norm(dim=1) - 1).square().mean()


def published(run):
    """The same losses as `ours`, written down."""
    seen, (real,) = run.batch.images, run.batch.reals
    fake = run.model(seen, torch.randn_like(real))
    told = critical(lambda pictures: run.discriminator(seen, pictures), real, fake.detach())
    run.take("discriminator", told)
    repeated = run.model(seen, run.anchor.expand_as(real))
    loss = 50 * F.mse_loss(repeated, real) - run.discriminator(seen, fake).mean()
    run.take("model", loss)
    return torch.stack([told, loss]).detach()


def trained(run):
    """How many weights a step trains."""
    return sum(p.numel() for network in (run.model, run.discriminator) for p in network.parameters())


@pytest.fixture(scope="module")
def low_rank():
    return Opponents("laptop")


@pytest.fixture(scope="module")
def as_published():
    return PublishedOpponents(Opponents("paper"))


def test_both_take_the_same_step():
    one = Opponents("paper", width=16, seen=64)
    other = PublishedOpponents(one)
    other.model.load(one.model.embedding, one.model.writers[0])
    other.discriminator.load(one.discriminator.embedding, one.discriminator.writer)
    for number in range(2):  # the second after one step of both
        torch.manual_seed(number)
        mine = ours(one)
        torch.manual_seed(number)
        torch.testing.assert_close(mine, published(other), rtol=1e-3, atol=1e-4)


def test_a_tenth_of_the_weights(low_rank, as_published):
    assert 10 * trained(low_rank) <= trained(as_published)


def test_a_step_against_published(benchmark, low_rank, as_published):
    """At most a fifth of the time: it fails above 0.195."""
    side_by_side(benchmark, lambda: ours(low_rank), lambda: published(as_published), rounds=3, usually=0.13)


def test_a_step_against_ours_with_full_heads_on_resnets(benchmark, low_rank):
    """What heads and embedding spare by themselves; nearly all that is left is the generated networks' convolutions."""
    full = Opponents("paper")
    side_by_side(benchmark, lambda: ours(low_rank), lambda: ours(full), rounds=3, usually=0.29)


def test_heads_and_embedding_alone(benchmark, low_rank, as_published):
    """Weights of a batch of discriminators, their gradient, an optimizer's step."""

    def alone(run):
        made = run.discriminator.weights(run.batch.images)
        run.take("discriminator", sum(value.sum() for value in _values(made)))

    side_by_side(benchmark, lambda: alone(low_rank), lambda: alone(as_published), rounds=5, usually=0.04)


def test_generated_networks_alone(benchmark, low_rank, as_published):
    """The passes of a step through generators and discriminators whose weights are given, and the gradients of these."""
    real, seen = low_rank.batch.reals[0], low_rank.batch.images
    noise, start = torch.randn_like(real), low_rank.model.anchor.expand_as(real)

    def alone(paint, judge, painters, judges):
        fake, repeated = paint(painters, noise), paint(painters, start)
        told = critical(lambda pictures: judge(judges, pictures), real, fake.detach())
        loss = 50 * F.mse_loss(repeated, real) - judge(judges, fake).mean()
        return torch.autograd.grad(told, _values(judges)), torch.autograd.grad(loss, _values(painters))

    model, critic = low_rank.model, low_rank.discriminator
    mine = [_leaves(made) for made in (model.weights(model.code(seen))[0], critic.weights(seen))]
    others = as_published.model, as_published.discriminator
    theirs = [_leaves(network.weights(seen)) for network in others]
    side_by_side(
        benchmark,
        lambda: alone(model.network, critic.network, *mine),
        lambda: alone(*(network.run for network in others), *theirs),
        rounds=5,
        usually=0.95,
    )


def _values(made):
    return list(made.values()) if isinstance(made, dict) else made


def _leaves(made):
    if isinstance(made, dict):
        return {name: value.detach().requires_grad_() for name, value in made.items()}
    return [value.detach().requires_grad_() for value in made]
