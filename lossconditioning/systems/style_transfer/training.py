"""What the painters learn from and how: photographs and paintings, λ for each picture, what its terms weigh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lossconditioning import painting
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.losses import balanced
from lossconditioning.painting import Batch, middle_square, perceptual_loss, style_targets, weights_for
from lossconditioning.systems.style_transfer.measures import SIDE, Measure
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.recipes import STYLES, Config
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.systems.style_transfer.task import DEFAULT, over_default, weights_of
from lossconditioning.training import Data, Run
from lossconditioning.training.devices import run_seed
from lossconditioning.training.schedules import optimizer_and_schedule

HELD_OUT = 14
"""How many photographs models are measured on: one for each style."""


@dataclass(frozen=True)
class Pictures(Data):
    """`Data`, held out being a `Measure`; and how the paintings are described to the model, ``(S, F)``."""

    described: Tensor = field(kw_only=True)


def experiment_data(config: Config, run: Run) -> Pictures:
    """Photographs and paintings, with targets and descriptions.

    They are looked up in ``run.data``, see `painting.training_photographs` and `painting.styles`: paintings of a reader's own
    stand in its folder ``styles``. It may hold ``weights`` of the losses' network, too.
    """
    photographs, learnt = painting.training_photographs(run.data), styles(config, run)
    measure, paintings = measure_for(config, run), learnt.pictures.values()
    loss = painting.training_loss(config, run)
    describing, _ = describer(config.described_by, weights_for(config.pretrained, run))
    grams, seed = style_targets(loss, paintings), run_seed(config, run.seed)
    return Pictures(
        f"{photographs.source}; {learnt.source}; features of {loss.features.source}; measured on {measure.source}",
        painting.batches(config, list(photographs.pictures.values()), loss, grams, seed),
        measure,
        described=describe(paintings, describing),
    )


def styles(config: Config, run: Run) -> Photographs:
    """The paintings that a model learns, see `painting.styles`; in the smoke profile, small squares of them."""
    found = painting.styles(run.data, STYLES)
    if not run.smoke:
        return found
    small = {name: middle_square(picture, config.side) for name, picture in found.pictures.items()}
    return replace(found, pictures={name: (255 * picture).round().byte() for name, picture in small.items()})


def measure_for(config: Config, run: Run = Run()) -> Measure:  # noqa: B008 - frozen
    """Held-out photographs, each with one of the learnt paintings, under the losses that a configuration is trained with.

    In the smoke profile they are two, as small as those trained on.
    """
    count, side = (2, config.side) if run.smoke else (HELD_OUT, SIDE)
    photographs, paintings = painting.held_out_photographs(run.data, count), styles(config, run)
    loss = perceptual_loss(config, run)
    return Measure.of(loss, photographs.pictures.values(), paintings.pictures, side, photographs.source)


def draw(config: Config, model: Painter, batch: Batch, done: float = 1.0) -> tuple[Batch, Tensor]:
    """A batch as it is, and λ of each of its pictures, ``(B, 5)``, spread evenly over the model's prior.

    ``done``, the share of training that is, says how far λ's range is open, see `Config.opening`.
    """
    count, default = len(batch.photographs), torch.tensor(config.lam or DEFAULT)
    lam = model.prior.sample((count,), stratified=True)
    if not model.prior.weight_shape:  # the specialist's, which is λ_c
        lam = torch.cat([default[:-1].expand(count, -1), lam[:, None]], dim=1)
    if done < config.opening:
        lam = default * (lam / default) ** (done / config.opening)
    return batch, lam


def weigh(config: Config, terms: Mapping[str, Tensor], lam: Tensor) -> Tensor:
    """What each picture adds to the loss, ``(B,)``: the objective of its terms under λ ``(B, 5)``, balanced."""
    return balanced(terms, weights_of(lam), over_default(lam).sum(1), config.balance)


def optimise(config: Config, model: Painter):
    """Adam with the configuration's β₂, and its schedule."""
    return optimizer_and_schedule(config, model, betas=(0.9, config.beta_2))


@contextmanager
def around(config: Config, model: Painter, data: Pictures) -> Iterator[Painter]:
    """The model is given the descriptions of the paintings it learns; they are stored with its weights."""
    model.styles.copy_(data.described)
    yield model
