"""Trains the style-transfer models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.losses import PerceptualFeatures, PerceptualLoss
from lossconditioning.losses.pretrained import RANDOM
from lossconditioning.systems.style_transfer.measures import card_metrics
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.pictures import (
    HELD_OUT,
    crops,
    held_out_photographs,
    styles,
    training_photographs,
)
from lossconditioning.systems.style_transfer.recipes import STYLES, SYSTEM, Config, build
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.systems.style_transfer.task import (
    DEFAULT,
    lambda_prior,
    objective,
    over_default,
    style_targets,
    terms,
)
from lossconditioning.training import Loop, keep_freed_memory
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment, train_many
from lossconditioning.training.randomness import generator
from lossconditioning.training.schedules import optimizer_and_schedule

CHUNK = 8
"""How many pictures targets are computed for at a time: always the same, for a sum's rounding depends on it."""


def weights_for(config: Config, folder: Path | None = None, weights: str | Path | None = None) -> str | Path | None:
    """Where pretrained weights are looked up: as named, else in a data folder's ``weights``; None for the usual places.

    See `PerceptualFeatures`. A configuration that does without them has random filters, whatever else is given.
    """
    if not config.pretrained:
        return RANDOM
    there = None if folder is None else Path(folder) / "weights"
    return weights or (there if there is not None and there.is_dir() else None)


def perceptual_loss(
    config: Config,
    weights: str | Path | None = None,
    *,
    folder: Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> PerceptualLoss:
    """The losses a configuration is trained with; see `weights_for` and `PerceptualFeatures`."""
    layers = dict.fromkeys((*config.style_layers, config.content_layer))
    features = PerceptualFeatures(layers, config.features, weights_for(config, folder, weights), dtype=dtype)
    return PerceptualLoss(features, config.content_layer, config.style_layers)


def draw_weights(config: Config, count: int, progress: float = 1.0) -> Tensor:
    """λ of each picture of a batch, ``(count, 5)``; spread evenly over the prior, where there is one.

    ``progress``, the share of training that is done, says how far λ's range is open, see `Config.opening`.
    """
    default = torch.tensor(config.lam or DEFAULT)
    if config.kind == "fixed":
        return default.repeat(count, 1)
    only_content = config.kind == "specialist"
    drawn = lambda_prior(config.ranges, only_content=only_content).sample((count,), stratified=True)
    rows = drawn
    if only_content:
        rows = default.repeat(count, 1)
        rows[:, -1] = drawn
    if progress < config.opening:
        rows = default * (rows / default) ** (progress / config.opening)
    return rows


@dataclass(frozen=True)
class Batch:
    """What one step paints.

    Attributes:
        photographs: ``(B, 3, S, S)`` in [0, 1].
        content: their targets, ``(B, C, h, w)``.
        style: number of the style each is to be painted in, ``(B,)``.
    """

    photographs: Tensor
    content: Tensor
    style: Tensor


def batches(config: Config, photographs: Sequence[Tensor], loss: PerceptualLoss, seed: int) -> Callable[[int], Batch]:
    """Step → a batch, a function of (seed, step) alone."""
    device = loss.features.mean.device
    if config.crops:
        pool = crops(photographs, config.side, config.crops, seed)
        targets = torch.cat([loss.content_targets(part.to(device)).bfloat16() for part in pool.split(CHUNK)])

    def batch(step: int) -> Batch:
        draw = generator(seed, step)
        style = torch.randint(STYLES, (config.batch_size,), generator=draw)
        if config.crops:
            chosen = torch.randint(config.crops, (config.batch_size,), generator=draw)
            return Batch(pool[chosen].to(device), targets[chosen.to(device)].float(), style.to(device))
        cut = crops(photographs, config.side, config.batch_size, seed, step * config.batch_size).to(device)
        return Batch(cut, loss.content_targets(cut), style.to(device))

    return batch


def learn_styles(
    model: Painter, describing: nn.Module, loss: PerceptualLoss, folder: Path | None
) -> tuple[Tensor, ...]:
    """Put the descriptions of the paintings into the model, and return their targets, one ``(S, C, C)`` per style layer."""
    learned = styles(folder, STYLES)
    if len(learned) != STYLES:
        raise ReaderError(f"A painter learns {STYLES} paintings; {folder} has {len(learned)}. Add some.")
    model.styles.copy_(describe(learned.values(), describing))
    return style_targets(loss, learned.values())


def cost(config: Config, values: dict[str, Tensor], lam: Tensor) -> Tensor:
    """What each picture adds to the loss: the objective of its terms under λ ``(B, 5)``, balanced; ``(B,)``."""
    return objective(values, lam) * over_default(lam).sum(1) ** -config.balance


def fit(
    config: Config,
    *,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
    weights: Path | None = None,
    style_folder: Path | None = None,
) -> tuple[Painter, Loop]:
    """Train one experiment, on whatever accelerate finds, see `training.devices`.

    Args:
        path: folder for resumable checkpoints; the same call again continues there.
        minutes: time budget; ``loop.done`` tells whether it was enough.
        folder: where photographs are looked up, and ``weights`` of the losses' network.
        weights: another place for those, see `PerceptualFeatures`.
        style_folder: paintings to learn from instead of the built-in ones.

    Returns:
        the network, and the loop with its history.
    """
    keep_freed_memory()
    accelerator = accelerate("bf16" if config.half else None)
    dtype = torch.bfloat16 if config.half else torch.float32
    loss = perceptual_loss(config, weights, folder=folder, dtype=dtype).to(accelerator.device)
    model = build(config, seed)
    describing, _ = describer(config.described_by, weights_for(config, folder, weights))
    grams = learn_styles(model, describing, loss, style_folder)
    model.to(accelerator.device)
    optimizer, schedule = optimizer_and_schedule(config, model, betas=(0.9, config.beta_2))
    trained, optimizer = accelerator.prepare(model, optimizer)
    loop = accelerated_loop(
        accelerator,
        batches(config, list(training_photographs(folder).pictures.values()), loss, run_seed(config, seed)),
        config,
        {"model": model, "optimizer": optimizer, "schedule": schedule},
        seed=seed,
        path=path,
        minutes=minutes,
        progress=progress,
    )
    for batch in loop:
        count = len(batch.photographs)
        lam = draw_weights(config, count, loop.step / config.steps)
        drawn = batch.photographs, batch.content, batch.style, lam
        photographs, content, style, lam = (own_rows(accelerator, rows) for rows in drawn)
        with accelerator.autocast():
            values = terms(loss, trained(photographs, style, lam), content, tuple(gram[style] for gram in grams))
        total = cost(config, values, lam).sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(total)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, total, values, count)
    return model, loop


def train(
    config: Config,
    *,
    out: str | Path,
    profile: str = "laptop",
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
    weights: Path | None = None,
    style_folder: Path | None = None,
) -> bool:
    """Train one experiment into a finished checkpoint with its card; see `training.experiments.train_experiment`."""
    photographs = training_photographs(folder)
    held_out = held_out_photographs(folder, 2 if profile == "smoke" else HELD_OUT)
    loss = perceptual_loss(config, weights, folder=folder)
    painted = "the built-in paintings" if style_folder is None else f"paintings in {Path(style_folder).name}"
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(
            config,
            path=path,
            seed=seed,
            minutes=minutes,
            progress=progress,
            folder=folder,
            weights=weights,
            style_folder=style_folder,
        ),
        lambda model: card_metrics(config, model.cpu(), loss, held_out.pictures.values(), styles(style_folder)),
        out=out,
        profile=profile,
        seed=seed,
        data=f"{photographs.source}; {painted}; features of {loss.features.source}; measured on {held_out.source}",
        tolerance="mean_cost within 5 %",
        writes=PartialState().is_main_process,
    )


def train_all(
    configs: Iterable[Config],
    *,
    out: str | Path,
    profile: str = "laptop",
    seed: int = 0,
    minutes: float | None = None,
    workers: int = 1,
    folder: Path | None = None,
    weights: Path | None = None,
    style_folder: Path | None = None,
) -> int:
    """Train experiments, ``workers`` of them at a time; returns how many are finished."""
    found = partial(train, folder=folder, weights=weights, style_folder=style_folder)
    return train_many(found, configs, out=out, profile=profile, seed=seed, minutes=minutes, workers=workers)
