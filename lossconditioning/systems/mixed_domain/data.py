"""What the networks learn from, step by step, and what they are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from lossconditioning.datasets.lookup import Photographs
from lossconditioning.painting import crops, middle_square, perceptual_loss, squares, style_targets, training_loss
from lossconditioning.painting.batching import CHUNK
from lossconditioning.systems.mixed_domain.domains import pictures_of
from lossconditioning.systems.mixed_domain.measures import SIDE, Measure
from lossconditioning.systems.mixed_domain.recipes import Config, build_opponents
from lossconditioning.systems.mixed_domain.task import Batch, Costs, Judged
from lossconditioning.training import Run
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import run_seed
from lossconditioning.training.randomness import generator, mix
from lossconditioning.training.replay import ReplayPool

HELD_OUT = 10
"""How many photographs, and real pictures of each domain, networks are measured on."""


def experiment_data(config: Config, run: Run) -> AdversarialData:
    """Batches, functions of (seed, step) alone, and a `Measure`.

    Pictures are looked up in ``run.data``, see `domains.pictures_of`; it may hold ``weights`` of the losses' network, too.
    """
    found = {domain: pictures_of(domain, "train", run.data) for domain in config.domains}
    costs, measure = costs_for(config, run, training=True), measure_for(config, run)
    opponents, seed = build_opponents(config, run.seed), run_seed(config, run.seed)
    pool = ReplayPool(config.pool, seed) if opponents is not None and config.pool else None
    series = {
        domain: Squares(list(each.pictures.values()), config, mix(seed, number))
        for number, (domain, each) in enumerate(found.items())
    }
    photographs = series[config.domains[0]]
    if config.kind == "critic":
        real = series[config.domains[config.losses.index("adversarial")]]

        def batch(step: int) -> Judged:
            given = photographs.numbered(step)
            return Judged(photographs[given], real[real.numbered(step)], torch.zeros(len(given), len(config.losses)))

    else:
        reals = [series[config.domains[domain]] for domain in config.learned_against]
        content = Targets(photographs, costs) if costs.loss is not None else None

        def batch(step: int) -> Batch:
            given = photographs.numbered(step)
            return Batch(
                photographs[given],
                None if content is None else content[given],
                tuple(real[real.numbered(step)] for real in reals),
                torch.zeros(len(given), len(config.losses)),
                costs,
                opponents,
                pool,
                step,
            )

    said = [*(each.source for each in found.values()), *costs.source]
    source = f"{'; '.join(said)}; measured on {measure.source}"
    return AdversarialData(source, batch, measure, discriminator=opponents, pool=pool)


class Squares:
    """Random squares of a domain's pictures: an endless series, or `Config.crops` of them, of which every step draws some.

    Args:
        pictures: uint8 ``(3, H, W)`` each.
        seed: of their places, and of which are drawn.
    """

    def __init__(self, pictures: Sequence[Tensor], config: Config, seed: int):
        self.pictures, self.config, self.seed = pictures, config, seed

    @cached_property
    def fixed(self) -> Tensor:
        """The fixed ones, ``(N, 3, S, S)`` in [0, 1], when the first step asks for them."""
        return crops(self.pictures, self.config.side, self.config.crops, self.seed)

    def numbered(self, step: int) -> Tensor:
        """Numbers of those of a step: ``(B,)``."""
        count = self.config.batch_size
        if not self.config.crops:
            return torch.arange(step * count, (step + 1) * count)
        return torch.randint(self.config.crops, (count,), generator=generator(self.seed, step))

    def __getitem__(self, numbers: Tensor) -> Tensor:
        """Squares by number: ``(B, 3, S, S)``."""
        if self.config.crops:
            return self.fixed[numbers]
        return crops(self.pictures, self.config.side, len(numbers), self.seed, int(numbers[0]))


class Targets:
    """What the content of squares is compared with, by number; of fixed ones computed once."""

    def __init__(self, given: Squares, costs: Costs):
        self.given, self.loss = given, costs.loss
        self.device = costs.loss.features.mean.device

    @cached_property
    def fixed(self) -> Tensor:
        """Of all fixed squares, bfloat16 ``(N, C, h, w)``: they are many, and half of the memory does."""
        parts = self.given.fixed.split(CHUNK)
        return torch.cat([self.loss.content_targets(part.to(self.device)).bfloat16() for part in parts])

    def __getitem__(self, numbers: Tensor) -> Tensor:
        if self.given.config.crops:
            return self.fixed[numbers.to(self.device)].float()
        return self.loss.content_targets(self.given[numbers].to(self.device))


def costs_for(config: Config, run: Run = Run(), *, training: bool = False) -> Costs:  # noqa: B008 - frozen
    """The losses of a configuration; in training, in its precision and on its device, and only those that have a weight."""
    weighing = config.weighing if training else (True,) * len(config.losses)
    painted = [
        domain
        for domain, loss, weighs in zip(config.domains, config.losses, weighing, strict=True)
        if loss == "perceptual" and weighs
    ]
    if not painted or (training and config.kind == "critic"):
        return Costs(config)
    loss = (training_loss if training else perceptual_loss)(config, run)
    (painting,) = pictures_of(*painted, "train", run.data).pictures.values()
    if run.smoke:  # a small square of it
        painting = (255 * middle_square(painting, config.side)).round().byte()
    return Costs(config, loss, style_targets(loss, [painting]))


def measure_for(config: Config, run: Run = Run()) -> Measure:  # noqa: B008 - frozen
    """Held-out photographs and real pictures, under the losses of a configuration; two small ones in the smoke profile."""
    count, side = (2, config.side) if run.smoke else (HELD_OUT, SIDE)

    def some(domain: str) -> tuple[Tensor, str]:
        found = pictures_of(domain, "held_out", run.data)
        chosen = spread(found, count)
        return squares(chosen, side), f"{len(chosen)} of {found.source}"

    photographs, source = some(config.domains[0])
    real = {
        domain: some(domain)[0]
        for domain, loss in zip(config.domains, config.losses, strict=True)
        if loss == "adversarial"
    }
    return Measure.of(costs_for(config, run), photographs, real, source)


def spread(found: Photographs, count: int) -> list[Tensor]:
    """``count`` pictures, evenly from the first to the last; all of them if there are no more."""
    pictures = list(found.pictures.values())
    return [pictures[number * len(pictures) // count] for number in range(count)] if len(pictures) > count else pictures
