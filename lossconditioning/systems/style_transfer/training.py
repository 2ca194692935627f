"""Trains the style-transfer models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
from lossconditioning.systems.style_transfer.task import DEFAULT, lambda_prior, objective, terms
from lossconditioning.training import Loop, keep_freed_memory
from lossconditioning.training.devices import accelerate, any_process, own_rows
from lossconditioning.training.experiments import train_experiment, train_many
from lossconditioning.training.randomness import generator

CHUNK = 8
"""How many pictures targets are computed for at a time: always the same, for a sum's rounding depends on it."""


def perceptual_loss(
    config: Config, weights: str | Path | None = None, *, download: bool = True, dtype: torch.dtype = torch.float32
) -> PerceptualLoss:
    """The losses a configuration is trained with; see `PerceptualFeatures` for the other arguments."""
    layers = dict.fromkeys((*config.style_layers, config.content_layer))
    weights = weights if config.pretrained else RANDOM
    features = PerceptualFeatures(layers, config.features, weights, download=download, dtype=dtype)
    return PerceptualLoss(features, config.content_layer, config.style_layers)


def weights_in(folder: Path | None) -> Path | None:
    """A data folder's ``weights``, if it has any; see `PerceptualFeatures` for what None means."""
    return Path(folder) / "weights" if folder is not None and (Path(folder) / "weights").is_dir() else None


def draw_weights(config: Config, count: int) -> Tensor:
    """λ of each picture of a batch, ``(count, 5)``; spread evenly over the prior, where there is one."""
    if config.kind == "fixed":
        return torch.tensor(config.lam).repeat(count, 1)
    only_content = config.kind == "specialist"
    drawn = lambda_prior(config.ranges, only_content=only_content).sample((count,), stratified=True)
    if not only_content:
        return drawn
    rows = torch.tensor(DEFAULT).repeat(count, 1)
    rows[:, -1] = drawn
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


def batches(config: Config, photographs: tuple[Tensor, ...], loss: PerceptualLoss, seed: int) -> Callable[[int], Batch]:
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


def optimizer_and_schedule(config: Config, model: nn.Module):
    """Adam, at a constant learning rate (A.3) or along half a cosine down to zero."""
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)

    def share(step: int) -> float:
        if config.schedule == "constant":
            return 1.0
        warm = min(1.0, 100 * (step + 1) / config.steps)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


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
    weights = weights or weights_in(folder)
    accelerator = accelerate("bf16" if config.half else None)
    run_seed = 1000 * seed + config.repeat
    loss = perceptual_loss(config, weights, dtype=torch.bfloat16 if config.half else torch.float32).to(
        accelerator.device
    )
    learned = styles(style_folder, STYLES)
    if len(learned) != STYLES:
        raise ReaderError(f"A painter learns {STYLES} paintings; {style_folder} has {len(learned)}. Add some.")
    grams = [
        torch.cat(layer)
        for layer in zip(
            *(loss.style_targets(_batch_of_one(s, accelerator.device)) for s in learned.values()), strict=True
        )
    ]
    model = build(config, seed)
    describing, _ = describer(config.described_by, weights if config.pretrained else RANDOM)
    model.styles.copy_(describe(learned.values(), describing))
    model.to(accelerator.device)
    optimizer, schedule = optimizer_and_schedule(config, model)
    trained, optimizer = accelerator.prepare(model, optimizer)
    state = {"model": model, "optimizer": optimizer, "schedule": schedule}
    if accelerator.scaler is not None:
        state["scaler"] = accelerator.scaler
    loop = Loop(
        batches(config, training_photographs(folder).pictures, loss, run_seed),
        steps=config.steps,
        state=state,
        path=path,
        seed=run_seed,
        minutes=minutes,
        config={**config.as_json(), "seed": seed},
        label=config.name,
        progress=progress and accelerator.is_main_process,
        writes=accelerator.is_main_process,
        agree=lambda stop: any_process(accelerator, stop),
    )
    default = torch.tensor(DEFAULT)
    for batch in loop:
        count = len(batch.photographs)
        lam = own_rows(accelerator, draw_weights(config, count))
        photographs, content, style = (
            own_rows(accelerator, rows) for rows in (batch.photographs, batch.content, batch.style)
        )
        with accelerator.autocast():
            painted = trained(photographs, style, lam)
            values = terms(loss, painted, content, tuple(gram[style] for gram in grams))
        shares = (lam / default.to(lam)).sum(1)
        cost = (objective(values, lam) * shares**-config.balance).sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(cost)
        optimizer.step()
        schedule.step()
        sums = torch.stack([value.detach().sum() for value in values.values()]) * accelerator.num_processes / count
        means = torch.cat([cost.detach().reshape(1), sums])  # over the rows of all processes
        if accelerator.num_processes > 1:
            means = accelerator.reduce(means, "mean")
        loop.log(**dict(zip(("loss", *values), means, strict=True)))
    return model, loop


def _batch_of_one(picture: Tensor, device: torch.device) -> Tensor:
    return picture[None].to(device).float() / 255


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
    photographs, held_out = (
        training_photographs(folder),
        held_out_photographs(folder, 2 if profile == "smoke" else HELD_OUT),
    )
    loss = perceptual_loss(config, weights or weights_in(folder))
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
        lambda model: card_metrics(config, model.cpu(), loss, held_out.pictures, styles(style_folder)),
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
