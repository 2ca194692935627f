"""Trains the compression models."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from torch import Tensor

from lossconditioning.losses import weighted
from lossconditioning.systems.compression.measures import card_metrics
from lossconditioning.systems.compression.models import ScaleHyperprior, uniform_noise
from lossconditioning.systems.compression.pictures import measured_on, patches, training_photographs
from lossconditioning.systems.compression.recipes import SYSTEM, Config, build
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.systems.compression.task import LAMBDA_RANGE, lambda_prior, terms
from lossconditioning.training import Loop
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment, train_many
from lossconditioning.training.schedules import optimizer_and_schedule

CLIP = 1.0
"""Largest norm of the gradient, as is usual for these models; an untrained one at a large λ has thousands."""
START_PATCHES = 48
"""How many patches principal components are taken from."""


def draw(config: Config, model: ScaleHyperprior, batch: Tensor) -> tuple[Tensor, ...]:
    """What one step needs: patches ``(B, 3, S, S)``, their λ ``(B,)``, and noise for y and z.

    A conditional model's λ are spread evenly over the prior, one patch in each of B strata.
    """
    count = len(batch)
    lam = lambda_prior().sample((count,), stratified=True) if config.lam is None else torch.full((count,), config.lam)
    return batch, lam, *uniform_noise(model, count, *batch.shape[2:])


def fit(
    config: Config,
    *,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
    mixed_precision: str | None = None,
) -> tuple[ScaleHyperprior, Loop]:
    """Train one experiment, on whatever accelerate finds, see `training.devices`.

    Args:
        path: folder for resumable checkpoints; the same call again continues there.
        minutes: time budget; ``loop.done`` tells whether it was enough.
        folder: where photographs are looked up.
        mixed_precision: "no", "fp16" or "bf16". Not used unless it is asked for, here or by `accelerate launch`: a
            latent of 200 steps has none of its fraction left in bf16. Likelihoods are computed in float32 in any case.

    Returns:
        the network, and the loop with its history.
    """
    asked = mixed_precision or os.environ.get("ACCELERATE_MIXED_PRECISION")
    accelerator = accelerate(asked or "no")
    own_seed = run_seed(config, seed)
    photographs = list(training_photographs(folder).pictures.values())
    model = build(config, seed)
    if config.start == "components":
        start_from_principal_components(model, patches(photographs, config.patch, START_PATCHES, own_seed)(-1))
    model.to(accelerator.device)
    optimizer, schedule = optimizer_and_schedule(config, model)
    trained, optimizer = accelerator.prepare(model, optimizer)
    loop = accelerated_loop(
        accelerator,
        patches(photographs, config.patch, config.batch_size, own_seed),
        config,
        {"model": model, "optimizer": optimizer, "schedule": schedule},
        seed=seed,
        path=path,
        minutes=minutes,
        progress=progress,
    )
    middle = math.sqrt(math.prod(LAMBDA_RANGE))
    for batch in loop:
        count = len(batch)
        batch, lam, *noise = (own_rows(accelerator, rows) for rows in draw(config, model, batch))
        with accelerator.autocast():
            values = terms(trained, batch, lam, tuple(noise))
        objective = weighted(values, {"distortion": lam}) * (lam / middle) ** -config.balance
        loss = objective.sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trained.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, loss, values, count)
    model.prior_z.find_medians()
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
    """Train one experiment into a finished checkpoint with its card; see `training.experiments.train_experiment`.

    The card's numbers are measured on Kodak's photographs where they are found, on the built-in ones elsewhere.
    """
    held_out = measured_on(folder, few=profile == "smoke")
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(config, path=path, seed=seed, minutes=minutes, progress=progress, folder=folder),
        lambda model: card_metrics(config, model.cpu(), held_out.pictures),
        out=out,
        profile=profile,
        seed=seed,
        data=f"{training_photographs(folder).source}; measured on {held_out.source}",
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
) -> int:
    """Train experiments, ``workers`` of them at a time; returns how many are finished."""
    found = partial(train, folder=folder)
    return train_many(found, configs, out=out, profile=profile, seed=seed, minutes=minutes, workers=workers)
