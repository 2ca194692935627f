"""Trains image completion in two phases: networks, then tuning blocks on a frozen one; and the critic of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from torch import Tensor, nn

from lossconditioning.conditioning import DynamicNet
from lossconditioning.errors import ReaderError
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.systems.dynamic_net.completion.measures import LAYERS, Measure, blended, card_metrics
from lossconditioning.systems.dynamic_net.completion.networks import PatchDiscriminator
from lossconditioning.systems.dynamic_net.completion.pictures import (
    HELD_OUT,
    batches,
    held_out_pictures,
    training_pictures,
)
from lossconditioning.systems.dynamic_net.completion.recipes import SYSTEM, Config, build
from lossconditioning.systems.dynamic_net.completion.task import discrimination, objective, terms
from lossconditioning.systems.style_transfer.training import weights_for
from lossconditioning.training import Loop, keep_freed_memory
from lossconditioning.training.cards import load_network
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment
from lossconditioning.training.schedules import optimizer_and_schedule


def main_network(config: Config, folder: str | Path) -> nn.Module:
    """The trained network that an experiment's blocks are put on, out of a folder of finished checkpoints."""
    return _load(config.main, folder)


def needed(config: Config, folder: str | Path) -> dict[str, nn.Module]:
    """All trained networks that an experiment `Config.needs`, by name.

    Raises:
        ReaderError: for one that is not finished in ``folder``.
    """
    for name in config.needs:
        if not (Path(folder) / f"{name}.json").exists():
            said = "are tuning blocks on" if config.kind == "blocks" else "judges what is completed by"
            raise ReaderError(
                f"{config.name} {said} the network {name}, which is not in {folder}. Train that first: "
                f"lossconditioning train {SYSTEM} --only {name} --out {folder}"
            )
    return {name: _load(name, folder) for name in config.needs}


def fit(
    config: Config,
    *,
    made: Mapping[str, nn.Module] | None = None,
    path: str | Path | None = None,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = True,
    folder: Path | None = None,
) -> tuple[nn.Module, Loop]:
    """Train one experiment.

    Args:
        made: the trained networks that the experiment `Config.needs`, by name.
        path: folder of resumable checkpoints, see `Loop`.
        seed, minutes, progress: see `Loop`.
        folder: of data, for CelebA and photographs.

    Returns:
        the network, or the blocks alone; and the loop with its history.

    Raises:
        ReaderError: if one of the networks it needs is not given.
    """
    made = dict(made or {})
    missing = [name for name in config.needs if name not in made]
    if missing:
        raise ReaderError(
            f"{config.name} needs {', '.join(config.needs)}: give made={{name: network}}; no {missing[0]}."
        )
    keep_freed_memory()
    accelerator = accelerate("bf16" if config.half else None)
    model = build(config, seed).to(accelerator.device)
    made = {name: network.to(accelerator.device) for name, network in made.items()}
    batch_at = batches(config, training_pictures(config, folder).images, run_seed(config, seed))

    def start(state: dict[str, Any]) -> Loop:
        options = {"seed": seed, "path": path, "minutes": minutes, "progress": progress}
        return accelerated_loop(accelerator, batch_at, config, state, **options)

    fit_one = _fit_critic if config.kind == "critic" else _fit_generator
    loop = fit_one(config, model, made, accelerator, start)
    for network in made.values():  # their cards' numbers are computed on the CPU
        network.cpu()
    return model, loop


Start = Callable[[dict[str, Any]], Loop]


def _fit_generator(
    config: Config, model: nn.Module, made: Mapping[str, nn.Module], accelerator: Accelerator, start: Start
) -> Loop:
    """A network, against a discriminator if λ is not 0; or tuning blocks, at α = 1."""
    optimizer, schedule = optimizer_and_schedule(config, model, (config.beta_1, 0.999))
    state = {"model": model, "optimizer": optimizer, "schedule": schedule}
    network = DynamicNet(made[config.main], {"tuned": model}) if config.kind == "blocks" else model
    network, optimizer = accelerator.prepare(network, optimizer)
    opponent = _Opponent(config, accelerator) if config.adversarial else None
    loop = start({**state, **opponent.state} if opponent else state)
    turn = {"alpha": 1.0} if config.kind == "blocks" else {}
    for batch in loop:
        count = len(batch.pictures)
        pictures, hole = own_rows(accelerator, batch.pictures), own_rows(accelerator, batch.hole)
        share = accelerator.num_processes / count
        with accelerator.autocast():
            completed = network(pictures, hole, **turn)
        noted = opponent.step(completed, pictures, hole, share) if opponent else {}
        with accelerator.autocast():
            values = terms(completed, pictures, hole, opponent.judge if opponent else None)
        total = objective(values, config.adversarial).sum() * share
        optimizer.zero_grad()
        accelerator.backward(total)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, total, {**values, **noted}, count)
    if config.kind == "blocks":
        accelerator.unwrap_model(network).undo()
    return loop


class _Opponent:
    """The discriminator that a network is trained against, and its optimizer; what it is trained with is its seed too."""

    def __init__(self, config: Config, accelerator: Accelerator):
        self.accelerator = accelerator
        self.judge = PatchDiscriminator(config.discriminator).to(accelerator.device)
        optimizer, self.schedule = optimizer_and_schedule(config, self.judge, (config.beta_1, 0.999))
        self.state = {"discriminator": self.judge, "discriminator_optimizer": optimizer}
        self.state["discriminator_schedule"] = self.schedule
        self.discriminator, self.optimizer = accelerator.prepare(self.judge, optimizer)

    def step(self, completed: Tensor, pictures: Tensor, hole: Tensor, share: float) -> dict[str, Tensor]:
        """One step of the discriminator, which afterwards has no gradients of its own; its loss, ``(B,)``."""
        self.judge.requires_grad_(True)
        with self.accelerator.autocast():
            loss = discrimination(self.discriminator, completed, pictures, hole)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss.sum() * share)
        self.optimizer.step()
        self.schedule.step()
        # The generator's gradient passes through, not into, the discriminator.
        self.judge.requires_grad_(False)
        return {"discriminator": loss}


def _fit_critic(
    config: Config, model: nn.Module, made: Mapping[str, nn.Module], accelerator: Accelerator, start: Start
) -> Loop:
    """A discriminator of real pictures from tuned completions, at every α, and from blended ones, at every share.

    Both in equal parts, so that neither way between the two objectives is the one it has not seen.
    """
    sharp, smooth = made[config.main], made[config.smooth]
    dynamic = DynamicNet(sharp, {"tuned": made[config.blocks]})
    optimizer, schedule = optimizer_and_schedule(config, model, (config.beta_1, 0.999))
    state = {"model": model, "optimizer": optimizer, "schedule": schedule}
    network, optimizer = accelerator.prepare(model, optimizer)
    loop = start(state)
    for batch in loop:
        count = len(batch.pictures)
        alpha = own_rows(accelerator, torch.rand(count))
        pictures, hole = own_rows(accelerator, batch.pictures), own_rows(accelerator, batch.hole)
        middle = (len(pictures) + 1) // 2
        one, other = slice(middle), slice(middle, None)
        with torch.no_grad(), accelerator.autocast():
            tuned = dynamic(pictures[one], hole[one], alpha=alpha[one])
            mixed = blended(sharp, smooth, alpha[other])(pictures[other], hole[other])
        with accelerator.autocast():
            loss = discrimination(network, torch.cat([tuned, mixed]), pictures, hole)
        total = loss.sum() * accelerator.num_processes / count
        optimizer.zero_grad()
        accelerator.backward(total)
        optimizer.step()
        schedule.step()
        log_means(loop, accelerator, total, {"discriminator": loss}, count)
    dynamic.undo()
    return loop


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
        ReaderError: for tuning blocks, or a critic, whose networks are not finished in ``out``.
    """
    made = needed(config, out)
    held_out = held_out_pictures(config, folder, 2 if profile == "smoke" else HELD_OUT)
    features = PerceptualFeatures(LAYERS, "vgg19", weights_for(config, folder, weights))
    measure = Measure.of(features, held_out.images)
    options = {"seed": seed, "minutes": minutes, "progress": progress, "folder": folder}
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(config, made=made, path=path, **options),
        lambda model: card_metrics(config, model.cpu(), measure, made),
        out=out,
        profile=profile,
        seed=seed,
        data=f"{training_pictures(config, folder).source}; features of {features.source}; measured on {held_out.source}",
        tolerance="L1 within 10 %",
        writes=PartialState().is_main_process,
    )


def _load(name: str, folder: str | Path) -> nn.Module:
    _, network = load_network(folder, name, SYSTEM, lambda card: build(Config.from_json(card.config)))
    return network
