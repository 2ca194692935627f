"""Trains the β-VAEs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from torch import Tensor, nn

from lossconditioning.losses import weighted
from lossconditioning.systems.beta_vae.evaluation import card_metrics
from lossconditioning.systems.beta_vae.pictures import pictures
from lossconditioning.systems.beta_vae.recipes import SYSTEM, Config, build
from lossconditioning.systems.beta_vae.task import terms
from lossconditioning.training import Ensemble, Loop
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment, train_many

WEIGHT_DECAY = 1e-5  # A.1; not on the conditioning parameters (public code)


def optimizer_and_schedule(config: Config, model: nn.Module):
    """Adam; the learning rate is halved after 50, 65, 80 and 95 % of the steps (A.1: 300, 390, 480, 570 of 600 thousand)."""
    conditioning = [p for name, p in model.named_parameters() if "conditioners." in name]
    network = [p for name, p in model.named_parameters() if "conditioners." not in name]
    groups = [{"params": network, "weight_decay": WEIGHT_DECAY}]
    if conditioning:
        groups.append({"params": conditioning, "weight_decay": 0.0})
    optimizer = torch.optim.Adam(groups, lr=config.learning_rate, fused=True)
    milestones = [round(share * config.steps) for share in (0.5, 0.65, 0.8, 0.95)]
    return optimizer, torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.5)


def draw(config: Config, batch: Tensor, latent: int) -> tuple[Tensor, Tensor, Tensor]:
    """What one step needs besides the network: pictures, β and latent noise, each with one row per (picture, β).

    Returns:
        YOTO: ``(B·draws, 3, S, S)``, ``(B·draws,)``, ``(B·draws, D)``. Fixed models: ``(M, B, …)`` each, the same pictures
        and noise for all members, and member m's own β.
    """
    if config.kind == "fixed":
        noise, members = torch.randn(len(batch), latent), len(config.grid)
        lam = config.grid.unsqueeze(1).expand(members, len(batch))
        return batch.expand(members, *batch.shape), lam, noise.expand(members, *noise.shape)
    lam = config.sampled.sample((len(batch), config.draws), stratified=config.draws > 1).flatten()
    return batch.repeat_interleave(config.draws, dim=0), lam, torch.randn(len(lam), latent)


def fit(
    config: Config,
    *,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
    mixed_precision: str | None = None,
) -> tuple[nn.Module, Loop]:
    """Train one experiment, on whatever accelerate finds, see `training.devices`.

    Args:
        path: folder for resumable checkpoints; the same call again continues there.
        minutes: time budget; ``loop.done`` tells whether it was enough.
        folder: where data files are looked up.
        mixed_precision: "no", "fp16" or "bf16"; bf16 on GPUs that have it if not given. Losses are computed in float32.

    Returns:
        the network, or ensemble, and the loop with its history.
    """
    accelerator = accelerate(mixed_precision)
    model = build(config, seed).to(accelerator.device)
    latent = (model.stacked if isinstance(model, Ensemble) else model).architecture.latent
    optimizer, schedule = optimizer_and_schedule(config, model)
    trained, optimizer = accelerator.prepare(model, optimizer)
    loop = accelerated_loop(
        accelerator,
        pictures(config.data, folder).batches(config.batch_size, run_seed(config, seed)),
        config,
        {"model": model, "optimizer": optimizer, "schedule": schedule},
        seed=seed,
        path=path,
        minutes=minutes,
        progress=progress,
    )
    for batch in loop:
        drawn = draw(config, batch, latent)
        count, axis = drawn[1].shape[-1], drawn[1].dim() - 1
        batch, lam, noise = (own_rows(accelerator, part, axis) for part in drawn)
        with accelerator.autocast():
            values = terms(trained, batch, lam, noise)
        # The mean over all rows of all processes, for gradients are averaged over processes; the sum over an ensemble's
        # members, so that each one's gradient is its own.
        loss = weighted(values, {"kl": lam}).sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, loss, values, count)
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
) -> bool:
    """Train one experiment into a finished checkpoint with its card; see `training.experiments.train_experiment`."""
    data = pictures(config.data, folder)
    held_out = data.held_out[:20] if profile == "smoke" else data.held_out
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(config, path=path, seed=seed, minutes=minutes, progress=progress, folder=folder),
        lambda model: card_metrics(config, model.cpu(), held_out),
        out=out,
        profile=profile,
        seed=seed,
        data=data.source,
        tolerance="mean_loss within 5 %",
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
) -> int:
    """Train experiments, ``workers`` of them at a time; returns how many are finished."""
    found = partial(train, folder=folder)
    return train_many(found, configs, out=out, profile=profile, seed=seed, minutes=minutes, workers=workers)
