"""Trains face generation: a classifier, a generator, then tuning blocks on the frozen generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, interpolate

from lossconditioning.conditioning import DynamicNet
from lossconditioning.errors import ReaderError
from lossconditioning.systems.dynamic_net.faces.measures import card_metrics
from lossconditioning.systems.dynamic_net.faces.networks import Classifier, Generator, signed
from lossconditioning.systems.dynamic_net.faces.recipes import CLASSIFIER, SYSTEM, Config, build, build_discriminator
from lossconditioning.systems.dynamic_net.faces.sets import HELD_OUT, held_out_faces, training_faces
from lossconditioning.systems.dynamic_net.faces.task import discriminator_terms, follow, generator_loss
from lossconditioning.training import Batches, Loop, keep_freed_memory
from lossconditioning.training.cards import load_network
from lossconditioning.training.devices import accelerate, accelerated_loop, log_means, own_rows, run_seed
from lossconditioning.training.experiments import train_experiment
from lossconditioning.training.schedules import optimizer_and_schedule


def main_network(config: Config, folder: str | Path) -> Generator:
    """The trained generator that an experiment's blocks are put on, out of a folder of finished checkpoints."""
    return _load(config.main, folder)


def _load(name: str, folder: str | Path) -> nn.Module:
    _, network = load_network(folder, name, SYSTEM, lambda card: build(Config.from_json(card.config)))
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
) -> tuple[nn.Module, Loop]:
    """Train one experiment; see `beta_vae.fit` for the arguments they share.

    Args:
        main: the trained generator, for tuning blocks. It comes back as it was.
        folder: a data folder, for CelebA.

    Returns:
        the network, or the blocks alone, with averaged weights if the configuration says so; and the loop with its history.

    Raises:
        ReaderError: for tuning blocks without a generator.
    """
    if config.kind == "blocks" and main is None:
        raise ReaderError(f"{config.name} are tuning blocks on the generator {config.main}: give it, main=…")
    keep_freed_memory()
    accelerator = accelerate("bf16" if config.half else None)
    found = training_faces(config, folder)
    tensors = (found.images,)
    if config.kind == "classifier":
        tensors += (torch.stack([found.having(name) for name in config.attributes], dim=1),)
    batches = Batches(*tensors, batch_size=config.batch_size, seed=run_seed(config, seed))
    options = {"seed": seed, "path": path, "minutes": minutes, "progress": progress}
    if config.kind == "classifier":
        return _fit_classifier(config, accelerator, batches, **options)
    return _fit_adversarially(config, accelerator, batches, main, **options)


def _fit_adversarially(
    config: Config, accelerator: Accelerator, batches: Batches, main: nn.Module | None, seed: int, **options
) -> tuple[nn.Module, Loop]:
    """A generator, or blocks turned on fully, against a discriminator: one step of each at a time, as DCGAN."""
    model, discriminator = build(config, seed), build_discriminator(config, seed)
    for network in (model, discriminator):
        network.to(accelerator.device, memory_format=torch.channels_last)  # a third faster on a CPU
    average = deepcopy(model).requires_grad_(False)
    optimizer, schedule = _optimizer(config, model)
    opponent, opponent_schedule = _optimizer(config, discriminator, against=True)
    optimizer, opponent = accelerator.prepare(optimizer, opponent)
    state = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
    state |= {"discriminator": discriminator, "opponent": opponent, "opponent_schedule": opponent_schedule}
    loop = accelerated_loop(accelerator, batches.__getitem__, config, state, seed=seed, **options)
    with _generating(config, model, main, accelerator.device) as generate:
        for images in loop:
            count = len(images)
            codes = own_rows(accelerator, torch.randn(count, config.latent))
            faces = own_rows(accelerator, signed(images)).contiguous(memory_format=torch.channels_last)
            share = accelerator.num_processes / count
            with accelerator.autocast():
                generated = generate(codes)
                real, fake = discriminator(faces), discriminator(generated.detach())
            terms = discriminator_terms(real.float(), fake.float(), config.smoothing)
            loss = sum(terms.values()).sum() * share
            _step(accelerator, opponent, loss, discriminator)

            discriminator.requires_grad_(False)  # half the work of going back through it
            with accelerator.autocast():
                fake = discriminator(generated)
            terms["generator"] = generator_loss(fake.float())
            _step(accelerator, optimizer, terms["generator"].sum() * share, model)
            discriminator.requires_grad_(True)
            schedule.step()
            opponent_schedule.step()
            if config.average:
                follow(average, model, config.average, loop.step)
            log_means(loop, accelerator, loss, terms, count)
    return (average if config.average else model).requires_grad_(True).eval(), loop


@contextmanager
def _generating(config: Config, model: nn.Module, main: nn.Module | None, device: torch.device) -> Iterator:
    """From codes to faces with gradients for the model: the generator itself, or blocks on the frozen ``main``."""
    if config.kind == "generator":
        yield model.train()
        return
    home = next(main.parameters()).device
    with DynamicNet(main.to(device), {"tuned": model}) as network:
        yield lambda codes: network(codes, alpha=1.0)
    main.to(home)


def _optimizer(config: Config, network: nn.Module, against: bool = False) -> tuple:
    """Adam and its schedule, at the discriminator's rate if it is ``against`` the generator."""
    rate = config.discriminator_rate if against else config.learning_rate
    optimizer, schedule = optimizer_and_schedule(config, network, (config.beta_1, config.beta_2), rate)
    optimizer.register_load_state_dict_post_hook(_lay_out)
    return optimizer, schedule


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Lay moments out in memory as their weights are: files keep one order, and Adam's fused step takes both as they lie."""
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if value.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(value)


def _step(accelerator: Accelerator, optimizer, loss: Tensor, network: nn.Module) -> None:
    """One optimizer step. Gradients are averaged here, not by DistributedDataParallel, which can not follow a network that
    is used several times before the step and frozen in between."""
    optimizer.zero_grad()
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.grad.copy_(accelerator.reduce(parameter.grad, "mean"))
    optimizer.step()


def _fit_classifier(
    config: Config, accelerator: Accelerator, batches: Batches, seed: int, **options
) -> tuple[Classifier, Loop]:
    model = build(config, seed).to(accelerator.device, memory_format=torch.channels_last)
    optimizer, schedule = _optimizer(config, model)
    optimizer = accelerator.prepare(optimizer)
    state = {"model": model, "optimizer": optimizer, "schedule": schedule}
    loop = accelerated_loop(accelerator, batches.__getitem__, config, state, seed=seed, **options)
    model.train()
    for images, attributes in loop:
        count = len(images)
        faces = own_rows(accelerator, spoilt(signed(images))).contiguous(memory_format=torch.channels_last)
        with accelerator.autocast():
            logits = model(faces)
        truth = own_rows(accelerator, attributes.float())
        values = binary_cross_entropy_with_logits(logits.float(), truth, reduction="none").mean(1)
        loss = values.sum() * accelerator.num_processes / count
        _step(accelerator, optimizer, loss, model)
        schedule.step()
        right = ((logits > 0) == (truth > 0.5)).float().mean(1)
        log_means(loop, accelerator, loss, {"accuracy": right}, count)
    return model.eval(), loop


def spoilt(faces: Tensor) -> Tensor:
    """Faces ``(B, 3, H, W)`` with the faults of generated ones: shifted by up to 2 pixels, some blurred, with some noise."""
    count, _, height, width = faces.shape
    right, down = (int(number) for number in torch.randint(-2, 3, (2,)))
    moved = faces.roll((down, right), dims=(2, 3))
    coarse = interpolate(avg_pool2d(moved, 2), (height, width), mode="bilinear")
    blur, noise = torch.rand(2, count, 1, 1, 1)
    tint = 0.1 * torch.randn(count, 3, 1, 1)
    mixed = torch.lerp(moved, coarse, (2 * blur - 1).clamp(min=0))  # half of them stay sharp
    return (mixed + tint + 0.2 * noise * torch.randn_like(faces)).clamp(-1, 1)


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

    Args:
        weights: not used; other applications of Dynamic-Nets need pretrained ones.

    Raises:
        ReaderError: for tuning blocks whose generator, or the classifier that measures them, is not finished in ``out``.
    """
    main = classifier = None
    if config.kind == "blocks":
        for name in (config.main, CLASSIFIER):
            if not (Path(out) / f"{name}.json").exists():
                raise ReaderError(
                    f"{config.name} are tuning blocks on the generator {config.main}, measured by {CLASSIFIER}; {name} is not "
                    f"in {out}. Train that first: lossconditioning train {SYSTEM} --only {name} --out {out}"
                )
        main, classifier = main_network(config, out), _load(CLASSIFIER, out)
    held_out = held_out_faces(config, 16 if profile == "smoke" else HELD_OUT, folder)
    return train_experiment(
        SYSTEM,
        config,
        lambda path: fit(config, main=main, path=path, seed=seed, minutes=minutes, progress=progress, folder=folder),
        lambda model: card_metrics(config, model.cpu().float(), held_out, main, classifier),
        out=out,
        profile=profile,
        seed=seed,
        data=f"{training_faces(config, folder).source}; measured on {held_out.source}",
        tolerance="accuracy within 2 %, diversity and distance within 20 %, shift within 0.2",
        writes=PartialState().is_main_process,
    )
