"""What generated generators are worth: scores of section 5, and how faithful, how separate and how smooth they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.evaluation import FirstLayer, diversity, leakage, mean_psnr, sifids
from lossconditioning.losses.pretrained import RANDOM
from lossconditioning.systems.hyper_singan.applications import blended, from_scale, sample
from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.data import SingleImageData, seen
from lossconditioning.systems.hyper_singan.models import Generator, Weights
from lossconditioning.systems.hyper_singan.pyramid import noises, pyramid
from lossconditioning.training.randomness import generator as generator_of

SAMPLES = 100
"""Of each picture, for SIFID and diversity (150 for the latter in the paper)."""
BRIEF, FIRST = 20, 5
"""For a card: samples of each picture, and of how many pictures."""
_CHUNK = 25


def unit(pictures: Tensor) -> Tensor:
    """Pictures in [−1, 1], and a little beyond, to [0, 1]."""
    return ((pictures + 1) / 2).clamp(0, 1)


@dataclass(frozen=True)
class Measure:
    """Pictures and what samples are compared with them by.

    Attributes:
        pictures: ``(N, 3, H, W)`` in [−1, 1], as large as the finest scale.
        side: pixels a side of what embeddings read.
        features: of `sifids`.
        samples: how many of each picture.
    """

    pictures: Tensor
    side: int
    features: FirstLayer
    samples: int = SAMPLES

    @cached_property
    def images(self) -> Tensor:
        """What embeddings read: ``(N, 3, side, side)``."""
        return seen(self.pictures, self.side)

    @torch.no_grad()
    def weights(self, model: Generator, numbers: Sequence[int]) -> Iterator[list[Weights]]:
        """The generators of some pictures, one after the other."""
        for number in numbers:
            yield model.weights(model.code(self.images[number : number + 1]))

    @torch.no_grad()
    def sampled(self, model: Generator, weights: Sequence[Weights]) -> Tensor:
        """Samples of one picture's generators, ``(samples, 3, H, W)`` in [0, 1]."""
        parts = range(0, self.samples, _CHUNK)
        return torch.cat(
            [unit(sample(model, weights, min(_CHUNK, self.samples - first), seed=first)) for first in parts]
        )

    def scores(self, model: Generator, numbers: Sequence[int] | None = None) -> dict[str, float]:
        """ "sifid", "msifid" and "diversity", means over some pictures, all if not given (section 5)."""
        numbers = range(len(self.pictures)) if numbers is None else numbers
        found: dict[str, list[float]] = {"sifid": [], "msifid": [], "diversity": []}
        for number, weights in zip(numbers, self.weights(model, numbers), strict=True):
            real, samples = unit(self.pictures[number]), self.sampled(model, weights)
            distances = sifids(real, samples, self.features)
            found["sifid"].append(float(distances.min()))
            found["msifid"].append(float(distances.mean()))
            found["diversity"].append(diversity(real, samples))
        return {name: fmean(values) for name, values in found.items()}

    @torch.no_grad()
    def reconstruction(self, model: Generator) -> dict[str, float]:
        """ "psnr" of reconstructions at the finest scale, in decibels; "error_SCALE", their root mean square at each."""
        count, reals = len(self.pictures), pyramid(self.pictures, model.grid)
        made = model.reconstruct(model.weights(model.code(self.images)), count)
        errors = {
            f"error_{scale}": float((ours - real).square().mean().sqrt())
            for scale, (ours, real) in enumerate(zip(made, reals, strict=True), 1)
        }
        return {"psnr": float(mean_psnr(unit(made[-1]), unit(self.pictures))), **errors}

    def leakage(self, model: Generator, samples: int = 8) -> float:
        """Share of generated patches that are another picture's, the mean over pictures; see `evaluation.leakage`."""
        shares = []
        for number, weights in enumerate(self.weights(model, range(len(self.pictures)))):
            made = unit(sample(model, weights, samples, seed=7))
            others = torch.cat([self.pictures[:number], self.pictures[number + 1 :]])
            shares.append(leakage(made, unit(self.pictures[number]), unit(others)))
        return fmean(shares)

    @torch.no_grad()
    def smoothness(self, model: Generator, pairs: int = 20, steps: int = 9) -> Tensor:
        """s_{i,j} of appendix F: how fast a blend changes with α, from each scale on: ``(scales, steps − 1)``.

        Mean absolute change of a pixel, in [0, 1] and summed over colours, for each unit of α.

        Raises:
            ReaderError: for a single picture, or fewer than two ``steps``.
        """
        count = len(self.pictures)
        if count < 2 or positive_int("steps", steps) < 2:
            raise ReaderError(
                f"A blend's speed is between two pictures or more, at two α or more; got {count} and {steps}."
            )
        alphas, scales = torch.linspace(0.1, 0.9, steps), len(model.grid)
        found = torch.zeros(scales, steps - 1)
        order = torch.randperm(count, generator=generator_of(0, 85))
        for pair in range(positive_int("pairs", pairs)):
            # Once around for each shift, which is never a whole turn: no picture is blended with itself.
            one, other = (order[(pair + shift) % count] for shift in (0, 1 + pair // count % (count - 1)))
            codes = [model.code(self.images[number : number + 1]) for number in (one, other)]
            noise = noises(model.grid, 1, generator_of(pair, 86))
            for start in range(scales):
                shown = [
                    unit(model.generate(blended(*codes, from_scale(start, float(alpha), scales), model), noise)[-1])
                    for alpha in alphas
                ]
                moved = torch.stack(shown).diff(dim=0).abs().sum(2).mean((1, 2, 3))
                found[start] += moved / alphas.diff() / pairs
        return found


def measure(config: Config, model: Generator, data: SingleImageData) -> Mapping[str, float]:
    """Numbers for a card: `Measure.reconstruction`; `Measure.scores` of few samples of the first pictures, and, with the prefix
    "unseen_", of unseen ones where there are many to learn from; the leakage where there are few."""
    features = FirstLayer(data.weights)
    samples = BRIEF if data.weights != RANDOM else 4
    held = Measure(data.held_out, config.seen, features, samples)
    found = {**held.scores(model, range(min(len(held.pictures), FIRST))), **held.reconstruction(model)}
    if 1 < config.count <= FIRST:
        found["leakage"] = held.leakage(model)
    elif config.count > FIRST and data.unseen is not None:
        unseen = Measure(data.unseen, config.seen, features, samples).scores(model)
        found |= {f"unseen_{name}": value for name, value in unseen.items()}
    return found
