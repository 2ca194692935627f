"""How a network is trained under losses drawn from a prior, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lossconditioning.training.config import Config
from lossconditioning.training.continuing import start_of
from lossconditioning.training.devices import accelerate, accelerated_loop
from lossconditioning.training.ensemble import Ensemble
from lossconditioning.training.loop import Loop
from lossconditioning.training.memory import keep_freed_memory
from lossconditioning.training.runs import Run
from lossconditioning.training.step import Step, log_means, share


def fit(system: Any, config: Config, run: Run, data: Any, path: str | Path | None) -> tuple[nn.Module, Loop]:
    """Draw λ, tell the network, weigh the terms by it, step: the loop of every system that is not adversarial.

    Args:
        system: a `System`: what is drawn, told and weighed.
        data: what `System.data` gave.
        path: folder for resumable checkpoints; the same call again continues there.

    Returns:
        the network, with averaged weights if the configuration says so; and the loop with its history.
    """
    keep_freed_memory()
    accelerator = accelerate(run.mixed_precision or config.precision)
    start = start_of(system.name, config, run)
    model = start.give(system.build(config, run.seed), config.name)
    axis = 1 if isinstance(model, Ensemble) else 0  # where the examples stand
    with system.around(config, model, data) as network:
        network.to(accelerator.device)
        optimizer, schedule = system.optimise(config, model)
        start.advance(optimizer, schedule)
        state = {"model": model, "optimizer": optimizer, "schedule": schedule}
        if config.average:
            state["average"] = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.average))
        network, optimizer = accelerator.prepare(network, optimizer)
        step = Step(accelerator, network, optimizer, schedule, clip=config.clip)
        loop = accelerated_loop(accelerator, data.batches, config, state, run, path, start)
        for batch in loop:
            batch, lam = system.draw(config, model, batch, loop.step / config.steps)
            count = lam.shape[axis]
            batch, lam = share(accelerator, (batch, lam), axis)
            with accelerator.autocast():
                terms = system.terms(network, batch, lam)
            loss = step(system.weigh(config, terms, lam), count)
            if config.average:
                state["average"].update_parameters(model)
            log_means(loop, accelerator, loss, terms, count)
    return (state["average"].module if config.average else model), loop
