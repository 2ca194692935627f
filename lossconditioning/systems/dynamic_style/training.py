"""What the painters train on, and how: first networks, then tuning blocks on frozen ones."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.conditioning import turned_on
from lossconditioning.losses import PerceptualLoss, balanced
from lossconditioning.painting import Batch as Pictures
from lossconditioning.painting import batches, training_loss, training_photographs
from lossconditioning.systems.dynamic_style.measures import measure_for
from lossconditioning.systems.dynamic_style.recipes import STYLES, Config
from lossconditioning.systems.dynamic_style.task import Batch, Targets, style_of
from lossconditioning.training import Data, Run
from lossconditioning.training.devices import run_seed


def learned(config: Config, loss: PerceptualLoss) -> Targets:
    """Targets of all paintings of an experiment, ``(S, C, C)`` per layer."""
    names = STYLES if config.kind == "two_styles" else (config.style,)
    each = [style_of(loss, name, config.zoom) for name in names]
    return tuple(torch.cat(layer) for layer in zip(*each, strict=True))


def experiment_data(config: Config, run: Run) -> Data:
    """Photographs to paint, with the targets of all paintings of the experiment; and a `Measure`."""
    photographs, measure = training_photographs(run.data), measure_for(config, run)
    loss = training_loss(config, run)
    targets, seed = learned(config, loss), run_seed(config, run.seed)
    chosen = batches(config, list(photographs.pictures.values()), loss, targets, seed)
    return Data(
        f"{photographs.source}; built-in paintings; features of {loss.features.source}; measured on {measure.source}",
        lambda step: chosen(step)._replace(styles=targets),
        measure,
    )


def draw(config: Config, model: nn.Module, batch: Pictures, done: float = 1.0) -> tuple[Batch, Tensor]:
    """λ of each picture, ``(B,)``, and its targets; of two styles half of the pictures get each, and its code."""
    count, style, code = len(batch.photographs), batch.style, None
    if config.kind == "two_styles":
        style = torch.randperm(count) % len(STYLES)
        code, lam = F.one_hot(style, len(STYLES)).float(), torch.full((count,), config.lam)
    else:
        lam = model.prior.sample((count,), stratified=True)
    return (batch._replace(style=style, styles=tuple(layer[style] for layer in batch.styles)), code), lam


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """O, divided by the sum of its weights: strong styles do not drown weak ones in a shared gradient."""
    return balanced(terms, {"style": lam}, size=1 + lam)


def around(config: Config, model: nn.Module, data: Data) -> AbstractContextManager[nn.Module]:
    """Tuning blocks are put on their frozen main network, turned on, and taken off again; others train as they are."""
    return turned_on(data.made[config.main] if config.main else None, model)
