"""What the networks learn from, step by step, and what they are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets import expressions, facades, outlines, valley
from lossconditioning.datasets.expressions import expression_codes
from lossconditioning.datasets.pairs import Pairs
from lossconditioning.losses import Lpips, PerceptualFeatures
from lossconditioning.losses.pretrained import RANDOM
from lossconditioning.painting import weights_for
from lossconditioning.paths import data_cache
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.distances import all_pairs, style_distances
from lossconditioning.systems.staged_encoder.measures import Measure, codes_of
from lossconditioning.systems.staged_encoder.models import StyleCode, StyleEncoder
from lossconditioning.systems.staged_encoder.recipes import build_discriminator
from lossconditioning.systems.staged_encoder.task import Costs, Pair, Triplet
from lossconditioning.systems.staged_encoder.triplets import Neighbours, neighbours
from lossconditioning.training import Run, seed_everything
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.devices import accelerate, run_seed
from lossconditioning.training.randomness import generator, mix

HELD_OUT = 100
"""How many pairs networks are measured on; of facades the 53 that the public test set here has, or their first hundred."""
KEPT = 4_000_000_000
"""How many bytes the activations of all training pictures may take; else those of a batch are computed each time."""
_CHUNK = 32


@dataclass(frozen=True)
class StagedData(AdversarialData):
    """`AdversarialData`, and how the codes of all training pictures are had: an encoder → `StyleCode` of ``(N, Z)``."""

    codes: Callable[[StyleEncoder], StyleCode] | None = None


def pairs_of(
    dataset: str, split: str, side: int, count: int, folder: Path | None = None, shift: int = 0, smoke: bool = False
) -> Pairs:
    """Pairs of a data set; of facades, those for training also mirrored, for they are few.

    Args:
        split: "train" or "held_out".
        side: pixels a side; outlines and expressions are drawn with 64, and made smaller or larger.
        folder: a data folder with cmp_facades; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        shift: each layout gets the style of the pair so many places on; of facades that is not known.
        smoke: in place of facades, outlines, so that every line runs without a download.
    """
    part = "train" if split == "train" else "test"
    if dataset == "facades" and not smoke:
        found = facades(part, folder, side, count if part == "test" else None)
        return mirrored(found)[:count] if part == "train" else found
    return _drawn(dataset, part, side, count, shift)


@lru_cache(8)  # a thousand of the valley take twenty seconds, and a measure needs the same again
def _drawn(dataset: str, part: str, side: int, count: int, shift: int) -> Pairs:
    styles = [(number + shift) % count for number in range(count)]
    if dataset == "valley":
        return valley(count, part, side, styles)
    found = {"expressions": expressions}.get(dataset, outlines)(count, part, styles)
    return replace(found, layouts=_sized(found.layouts, side), pictures=_sized(found.pictures, side))


def mirrored(pairs: Pairs) -> Pairs:
    """All pairs, and then all of them mirrored."""
    flips = {
        name: torch.cat([part, part.flip(-1)]) for name in ("layouts", "pictures") for part in [getattr(pairs, name)]
    }
    return replace(pairs, **flips, factors=pairs.factors.repeat(2, 1), source=f"{pairs.source}, and mirrored")


def _sized(pictures: Tensor, side: int) -> Tensor:
    """uint8 ``(N, 3, S, S)`` to ``(N, 3, side, side)``."""
    if pictures.shape[-1] == side:
        return pictures
    smaller = side < pictures.shape[-1]
    options = {"mode": "area"} if smaller else {"mode": "bilinear", "align_corners": False}
    return F.interpolate(pictures.float(), (side, side), **options).round().clamp(0, 255).byte()


def floats(pictures: Tensor) -> Tensor:
    """uint8 in [0, 255] to float32 in [0, 1]."""
    return pictures.float() / 255


def features_for(config: Config, run: Run = Run(), *, training: bool = False) -> PerceptualFeatures:  # noqa: B008 - frozen
    """What reconstruction and style are measured in; in training, in its precision and on its device."""
    bf16 = training and config.precision == "bf16"
    found = PerceptualFeatures(
        config.layers,
        config.features,
        weights_for(config.pretrained, run),
        dtype=torch.bfloat16 if bf16 else torch.float32,
    )
    return found.to(accelerate(config.precision).device) if training else found


def experiment_data(config: Config, run: Run) -> StagedData:
    """Batches, functions of (seed, step) alone, and a `Measure`."""
    pairs = pairs_of(config.dataset, "train", config.side, config.count, run.data, smoke=run.smoke)
    measure, seed = measure_for(config, run), run_seed(config, run.seed)
    source = f"{pairs.source}; measured on {measure.source}"
    if config.kind == "encoder":
        near = neighbours_for(config, run, pairs)

        def triplet(step: int) -> Triplet:
            return Triplet(*floats(pairs.pictures[near.triplets(config.batch_size, seed, step)]), config.margin)

        return StagedData(source, triplet, measure)

    def batch(step: int) -> Pair:
        numbers = torch.randint(len(pairs), (config.batch_size,), generator=generator(seed, step))
        given = floats(pairs.layouts[numbers]), floats(pairs.pictures[numbers])
        found = targets[numbers] if targets is not None else ()
        return Pair(*given, numbers, found, torch.zeros(len(numbers)), costs, discriminator)

    if config.kind == "critic":
        costs, discriminator, targets = Costs(config), None, None
        return StagedData(source, batch, measure)
    costs = Costs(config, features_for(config, run, training=True))
    targets = Targets(pairs.pictures, costs)
    seed_everything(mix(run.seed, config.repeat, 1))
    discriminator = build_discriminator(config)
    said = f"{source}; {costs.features.source}"
    return StagedData(
        said, batch, measure, discriminator=discriminator, codes=lambda encoder: codes_of(encoder, pairs.pictures)
    )


def neighbours_for(config: Config, run: Run, pairs: Pairs) -> Neighbours:
    """Of each picture, those of the nearest and of the farthest style, or expression."""
    if config.distance == "expression":
        distances = all_pairs(expression_codes(len(pairs), "train"))
    else:
        kept = None if run.smoke else data_cache() / "style_distances"
        distances = style_distances(pairs.pictures, features_for(config, run), kept)
    return neighbours(distances, config.close, config.far or len(pairs) - 1 - config.close)


class Targets:
    """Activations of pictures, which reconstructions are compared with, by number; computed once where they fit, see `KEPT`."""

    def __init__(self, pictures: Tensor, costs: Costs):
        self.pictures, self.costs = pictures, costs

    def of(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Those of pictures, uint8 ``(B, 3, S, S)``: ``(B, C, h, w)`` of each layer."""
        return self.costs.targets(floats(pictures).to(self.costs.features.mean.device))

    @cached_property
    def all(self) -> tuple[Tensor, ...] | None:
        """bfloat16 ``(N, C, h, w)`` of each layer, for half of the memory does; None if they would be too many."""
        parts = []
        for part in self.pictures.split(_CHUNK):
            parts.append([layer.bfloat16() for layer in self.of(part)])
            if len(parts) == 1 and len(self.pictures) / len(part) * sum(layer.nbytes for layer in parts[0]) > KEPT:
                return None
        return tuple(torch.cat(layer) for layer in zip(*parts, strict=True))

    def __getitem__(self, numbers: Tensor) -> tuple[Tensor, ...]:
        if self.all is None:
            return self.of(self.pictures[numbers])
        return tuple(layer[numbers.to(layer.device)].float() for layer in self.all)


def measure_for(config: Config, run: Run = Run()) -> Measure:  # noqa: B008 - frozen
    """Held-out pairs of an experiment's data set, and those it was trained on; a few small ones in the smoke profile."""
    which = config.dataset, "held_out", config.side, 12 if run.smoke else HELD_OUT, run.data
    pairs = pairs_of(*which, smoke=run.smoke)
    styled = None if config.dataset == "facades" else floats(pairs_of(*which, shift=1).pictures)
    gallery = pairs_of(config.dataset, "train", config.side, config.count, run.data, smoke=run.smoke)
    lpips = Lpips(squeezenet_weights(config, run))
    return Measure(
        floats(pairs.layouts), floats(pairs.pictures), styled, pairs.factors, pairs.names, gallery, lpips, pairs.source
    )


def squeezenet_weights(config: Config, run: Run = Run()) -> str | Path | None:  # noqa: B008 - frozen
    """Where SqueezeNet's weights are looked up: where VGG's are, but for a single file, which is VGG's alone."""
    found = weights_for(config.pretrained and not run.smoke, run)
    return found if found is None or found == RANDOM or Path(found).is_dir() else None
