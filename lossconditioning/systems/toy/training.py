"""Trains the toy's experiments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lossconditioning.datasets import sym_toy
from lossconditioning.losses import weighted
from lossconditioning.systems.toy.evaluation import regrets
from lossconditioning.systems.toy.recipes import SYSTEM, Config, build_ensemble
from lossconditioning.systems.toy.task import Batch, terms
from lossconditioning.training import Batches, Ensemble, Loop
from lossconditioning.training.experiments import train_experiment, train_many


def batches(config: Config, seed: int = 0) -> Batches:
    """Training batches (x, y_r, y_c), each ``(M, B, 1)``; members of one seed see the same order, whatever their prior."""
    orders = [1000 * seed + index for _ in config.priors for index in range(config.seeds)]
    return Batches(*sym_toy(config.points), batch_size=config.batch_size, seed=orders)


def draw_weights(config: Config, count: int) -> Tensor:
    """λ for every member, data point and draw: ``(M, count, draws, 2)``."""
    shape = (config.seeds, count, config.draws)
    return torch.cat([prior.sample(shape, stratified=config.stratified) for prior in config.priors])


def spread(config: Config, batch: Batch, lam: Tensor) -> tuple[Batch, Tensor]:
    """Repeat each data point once per draw: batch ``(M, B·draws, 1)`` and weights ``(M, B·draws, 2)``."""
    if config.draws > 1:
        batch = tuple(part.repeat_interleave(config.draws, dim=1) for part in batch)
    return batch, lam.flatten(1, 2)


def optimizer_and_schedule(config: Config, model: nn.Module):
    """Adam and its learning rates (appendix A.1: 0.01, 0.001, 0.0001 for 200, 200, 100 of 500 epochs)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    if config.schedule == "cosine":
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.steps)
    milestones = [round(0.4 * config.steps), round(0.8 * config.steps)]
    return optimizer, torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)


def fit(
    config: Config,
    *,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
) -> tuple[Ensemble, Loop]:
    """Train one experiment.

    Args:
        config: which one.
        path: folder for resumable checkpoints; the same call again continues there.
        seed: of initial weights, order of the data, and drawn loss weights.
        minutes: time budget; ``loop.done`` tells whether it was enough.

    Returns:
        The ensemble (its moving average, if the configuration asks for one), and the loop with its history.
    """
    model = build_ensemble(config, seed)
    optimizer, schedule = optimizer_and_schedule(config, model)
    state = {"model": model, "optimizer": optimizer, "schedule": schedule}
    if config.average:
        state["average"] = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.average))
    loop = Loop(
        batches(config, seed),
        steps=config.steps,
        state=state,
        path=path,
        seed=seed,
        minutes=minutes,
        config={**config.as_json(), "seed": seed},
        label=config.name,
        progress=progress,
    )
    for batch in loop:
        lam = draw_weights(config, batch[0].shape[1])
        batch, lam = spread(config, batch, lam)
        loss_weights = torch.full_like(lam, 0.5) if config.kind == "input_only" else lam
        objective = weighted(terms(model, batch, lam), loss_weights)  # (M, B·draws)
        loss = objective.mean(dim=1).sum()  # the sum over members: each member's gradient is its own
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if config.average:
            state["average"].update_parameters(model)
        loop.log(loss=loss / config.members)
    return (state["average"].module if config.average else model), loop


def train(
    config: Config,
    *,
    out: str | Path,
    profile: str = "laptop",
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
) -> bool:
    """Train one experiment into a finished checkpoint with its card, ``out/NAME.safetensors`` and ``out/NAME.json``.

    Continues where an earlier call stopped, and does nothing if the checkpoint is finished.

    Returns:
        whether it is finished now; False if ``minutes`` ran out first.

    Raises:
        CheckpointError: if ``out`` holds a finished checkpoint of another configuration or seed.
    """
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(config, path=path, seed=seed, minutes=minutes, progress=progress),
        lambda model: regrets(config, model),
        out=out,
        profile=profile,
        seed=seed,
        data=f"sym_toy, {config.points} points",
        tolerance="mean regrets within the stated standard deviation over seeds",
    )


def train_all(
    configs: Iterable[Config],
    *,
    out: str | Path,
    profile: str = "laptop",
    seed: int = 0,
    minutes: float | None = None,
    workers: int = 1,
) -> int:
    """Train experiments, ``workers`` of them at a time, each in a process and on a thread of its own.

    Returns:
        how many are finished; all of them, unless ``minutes`` ran out.
    """
    return train_many(train, configs, out=out, profile=profile, seed=seed, minutes=minutes, workers=workers)
