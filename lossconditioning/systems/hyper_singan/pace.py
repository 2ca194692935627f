"""How long training takes, measured side by side: what stood beside a training on its machine is not in these numbers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import torch

from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.data import experiment_data
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.systems.hyper_singan.task import discriminator_terms, terms, weigh
from lossconditioning.systems.hyper_singan.training import Making, draw, optimise
from lossconditioning.training import Run


def minutes_of_training(configs: Sequence[Config], run: Run, rounds: int = 3) -> list[float]:
    """Minutes that the trainings of some experiments take here, by steps of all in turn at every scale.

    Args:
        configs: experiments with as many scales each.
        rounds: steps of each at each scale, after one to warm up; the median counts.
    """
    trainings = [_Training(config, run) for config in configs]
    total = [0.0] * len(configs)
    for scale in range(min(config.scales for config in configs)):
        seconds: list[list[float]] = [[] for _ in configs]
        for number in range(rounds + 1):
            for each, training in zip(seconds, trainings, strict=True):
                started = time.perf_counter()
                training.step(scale, number)
                if number:
                    each.append(time.perf_counter() - started)
        for index, each in enumerate(seconds):
            total[index] += median(each) * configs[index].steps_per_scale / 60
    return total


class _Training:
    """Networks of an experiment and what a step of both needs."""

    def __init__(self, config: Config, run: Run):
        self.config, self.data = config, experiment_data(config, run)
        self.model: Generator = build(config)
        self.critic: Discriminator = self.data.discriminator
        self.making = Making(self.model, config)
        self.optimizers = [optimise(config, network)[0] for network in (self.critic, self.model)]

    def step(self, scale: int, number: int) -> None:
        """One step of the discriminator and one of the generator, at a scale."""
        batch = self.data.batches(scale * self.config.steps_per_scale + number)
        batch, lam = draw(self.config, self.model, batch, 0.0)
        made = self.making(*batch.inputs)
        self._take(0, sum(discriminator_terms(self.config, batch, made).values()).mean())
        self.critic.requires_grad_(False)
        self._take(1, weigh(self.config, terms(lambda *_: made, batch, lam), lam).mean())
        self.critic.requires_grad_(True)

    def _take(self, which: int, loss: torch.Tensor) -> None:
        optimizer = self.optimizers[which]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], self.config.clip)
        optimizer.step()
