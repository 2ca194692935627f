"""Trains fast style transfer in two phases: networks, then tuning blocks on frozen ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from accelerate import PartialState
from torch import Tensor, nn

from lossconditioning.conditioning import DynamicNet
from lossconditioning.errors import ReaderError
from lossconditioning.losses import PerceptualLoss
from lossconditioning.systems.dynamic_net.stylisation.measures import HELD_OUT, Measure, card_metrics
from lossconditioning.systems.dynamic_net.stylisation.recipes import STYLES, SYSTEM, Config, build
from lossconditioning.systems.dynamic_net.stylisation.task import objective, style_of, terms
from lossconditioning.systems.style_transfer.pictures import held_out_photographs, training_photographs
from lossconditioning.systems.style_transfer.training import batches, perceptual_loss
from lossconditioning.training import Loop, keep_freed_memory
from lossconditioning.training.cards import load_network
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment
from lossconditioning.training.schedules import optimizer_and_schedule


@dataclass(frozen=True)
class Draw:
    """What one batch is asked for.

    Attributes:
        lam: λ, the weight of style, of each picture, ``(B,)``.
        code: what a conditional network is told: λ, or which style, ``(B, 2)``; None for others.
        style: number of the painting of each, ``(B,)``.
    """

    lam: Tensor
    code: Tensor | None
    style: Tensor


def draw(config: Config, model: nn.Module, count: int) -> Draw:
    """λ and style of each picture of a batch."""
    lam, style = torch.full((count,), config.strength), torch.zeros(count, dtype=torch.int64)
    if config.kind == "conditional":
        lam = model.prior.sample((count,), stratified=True)
        return Draw(lam, lam, style)
    if config.kind == "two_styles":
        style = torch.randperm(count) % len(STYLES)
        return Draw(lam, nn.functional.one_hot(style, len(STYLES)).float(), style)
    return Draw(lam, None, style)


def learned(config: Config, loss: PerceptualLoss) -> tuple[Tensor, ...]:
    """Targets of all paintings of an experiment, ``(S, C, C)`` per layer."""
    names = STYLES if config.kind == "two_styles" else (config.style,)
    each = [style_of(loss, name, config.zoom) for name in names]
    return tuple(torch.cat(layer) for layer in zip(*each, strict=True))


def main_network(config: Config, folder: str | Path) -> nn.Module:
    """The trained network that an experiment's blocks are put on, out of a folder of finished checkpoints."""
    _, network = load_network(folder, config.main, SYSTEM, lambda card: build(Config.from_json(card.config)))
    return network


def fit(
    config: Config,
    *,
    main: nn.Module | None = None,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
    weights: Path | None = None,
) -> tuple[nn.Module, Loop]:
    """Train one experiment; see `style_transfer.fit` for the arguments they share.

    Args:
        main: the trained network, for tuning blocks.

    Returns:
        the network, or the blocks alone; and the loop with its history.
    """
    keep_freed_memory()
    accelerator = accelerate("bf16" if config.half else None)
    dtype = torch.bfloat16 if config.half else torch.float32
    loss = perceptual_loss(config, weights, folder=folder, dtype=dtype).to(accelerator.device)
    model = build(config, seed)
    paintings = learned(config, loss)
    model.to(accelerator.device)
    optimizer, schedule = optimizer_and_schedule(config, model)
    network = model
    if config.kind == "blocks":
        network = DynamicNet(main.to(accelerator.device), {"tuned": model})
    network, optimizer = accelerator.prepare(network, optimizer)
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
        drawn = draw(config, model, count)
        lam, style = own_rows(accelerator, drawn.lam), own_rows(accelerator, drawn.style)
        photographs, content = own_rows(accelerator, batch.photographs), own_rows(accelerator, batch.content)
        with accelerator.autocast():
            if config.kind == "blocks":
                painted = network(photographs, alpha=1.0)
            elif drawn.code is None:
                painted = network(photographs)
            else:
                painted = network(photographs, own_rows(accelerator, drawn.code))
            values = terms(loss, painted, content, tuple(layer[style] for layer in paintings))
        # Divided by the sum of the weights, so that strong styles do not drown weak ones in a shared gradient.
        total = (objective(values, lam) / (1 + lam)).sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(total)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, total, values, count)
    if config.kind == "blocks":
        accelerator.unwrap_model(network).undo().cpu()
    return model, loop


@lru_cache(maxsize=1)
def held_out_measure(
    config: Config, count: int, folder: Path | None = None, weights: Path | None = None
) -> tuple[Measure, str]:
    """What all experiments of the same losses are measured with, made once in a process; and what its photographs are."""
    held_out = held_out_photographs(folder, count)
    loss = perceptual_loss(config, weights, folder=folder)
    return Measure.of(loss, held_out.pictures.values()), held_out.source


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
) -> bool:
    """Train one experiment into a finished checkpoint with its card; see `training.experiments.train_experiment`.

    Raises:
        ReaderError: for tuning blocks whose main network is not finished in ``out``.
    """
    main = None
    if config.main is not None:
        if not (Path(out) / f"{config.main}.json").exists():
            raise ReaderError(
                f"{config.name} are tuning blocks on the network {config.main}, which is not in {out}. Train that first: "
                f"lossconditioning train {SYSTEM} --only {config.main} --out {out}"
            )
        main = main_network(config, out)
    photographs = training_photographs(folder)
    alike = ("features", "style_layers", "content_layer", "pretrained")
    losses = Config("measure", **{name: getattr(config, name) for name in alike})
    measure, measured_on = held_out_measure(losses, 2 if profile == "smoke" else HELD_OUT, folder, weights)
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(
            config,
            main=main,
            path=path,
            seed=seed,
            minutes=minutes,
            progress=progress,
            folder=folder,
            weights=weights,
        ),
        lambda model: card_metrics(config, model.cpu(), measure, main),
        out=out,
        profile=profile,
        seed=seed,
        data=f"{photographs.source}; built-in paintings; features of {measure.loss.features.source}; measured on {measured_on}",
        tolerance="cost within 5 %",
        writes=PartialState().is_main_process,
    )
