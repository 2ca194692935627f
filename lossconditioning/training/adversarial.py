"""A network against a discriminator: the loop of systems that learn one of their losses, too."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.training.config import Config
from lossconditioning.training.devices import accelerate, accelerated_loop
from lossconditioning.training.fitting import fit
from lossconditioning.training.loop import Loop
from lossconditioning.training.memory import keep_freed_memory
from lossconditioning.training.protocol import Data, System, Terms
from lossconditioning.training.replay import ReplayPool
from lossconditioning.training.runs import Run
from lossconditioning.training.step import Step, log_means, share


@dataclass(frozen=True)
class AdversarialData(Data):
    """`Data`, and the untrained discriminator that a network is trained against; None where there is none.

    It stands in batches, too, for `System.terms`; and ``batch.inputs`` is what the network is called with. So does the pool of
    earlier pictures that it may be shown, which is part of what training changes.
    """

    discriminator: nn.Module | None = None
    pool: ReplayPool | None = None


def fit_adversarially(
    discriminate: Callable[[Config, Any, Tensor], Terms],
    system: System,
    config: Config,
    run: Run,
    data: AdversarialData,
    path: str | Path | None,
) -> tuple[nn.Module, Loop]:
    """One step of the discriminator and one of the network at a time, as DCGAN; `fit` where there is no discriminator.

    Args:
        discriminate: (config, batch, made) → the discriminator's losses of each example, which count once each; ``made`` is
            what the network made of ``batch.inputs``, and gets no gradient from them.
        system, config, run, data, path: as for `fit`.

    Returns:
        the network, with running averages of its weights if the configuration says so; and the loop with its history.
    """
    if data.discriminator is None:
        return fit(system, config, run, data, path)
    if run.start is not None:
        raise ReaderError(
            f"{config.name} learns against a discriminator, which finished networks come without: it is trained from the "
            "beginning. Give no start."
        )
    keep_freed_memory()
    accelerator = accelerate(run.mixed_precision or config.precision)
    learners = {"model": system.build(config, run.seed), "discriminator": data.discriminator}
    model, discriminator = (learner.to(accelerator.device) for learner in learners.values())
    with system.around(config, model, data) as network:
        learning = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
        kept = deepcopy(model).requires_grad_(False) if config.average else model
        state, steps = {"average": kept} if config.average else {}, {}
        if data.pool is not None:
            state["pool"] = data.pool
        for name, learner in learners.items():
            optimizer, schedule = system.optimise(config, learner)
            state |= {name: learner, f"{name}_optimizer": optimizer, f"{name}_schedule": schedule}
            optimizer = accelerator.prepare(optimizer)
            steps[name] = Step(accelerator, learner, optimizer, schedule, clip=config.clip, reduce=True)
        loop = accelerated_loop(accelerator, data.batches, config, state, run, path)
        for batch in loop:
            batch, lam = system.draw(config, model, batch, loop.step / config.steps)
            count = len(lam)
            batch, lam = share(accelerator, (batch, lam))
            with accelerator.autocast():
                made = network(*batch.inputs)
                told = discriminate(config, batch, made)
            steps["discriminator"](sum(told.values()), count)

            for parameter in learning:  # the network's gradient passes through the discriminator, not into it
                parameter.requires_grad_(False)
            with accelerator.autocast():
                terms = system.terms(lambda *_, made=made: made, batch, lam)
            loss = steps["model"](system.weigh(config, terms, lam), count)
            for parameter in learning:
                parameter.requires_grad_(True)
            if config.average:
                follow(kept, model, config.average, loop.step)
            log_means(loop, accelerator, loss, {**terms, **told}, count)
    return kept.requires_grad_(True).eval(), loop


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, keep: float, step: int) -> None:
    """Move the running averages of weights and of statistics towards a model's.

    Args:
        keep: the share that the averages keep; less in the first steps, so that the initial weights are soon forgotten.
        step: number of the optimizer step that was made, from 0.
    """
    keep, theirs = min(keep, (step + 1) / (step + 10)), model.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1 - keep)
        else:
            value.copy_(theirs[name])
