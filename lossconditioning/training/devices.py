"""One training run on whatever accelerate finds: a CPU, a GPU, or the several processes it was launched with.

Every process draws the whole batch from (seed, step) and keeps its share of the rows, so P processes take the same steps as
one, up to rounding.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from lossconditioning.training.experiments import Experiment
from lossconditioning.training.loop import Loop


def accelerate(mixed_precision: str | None = None) -> Accelerator:
    """Accelerate's view of this process; `accelerate launch` sets it through the environment.

    Args:
        mixed_precision: "no", "fp16" or "bf16"; bf16 on GPUs that have it if not given.
    """
    if mixed_precision is None and "ACCELERATE_MIXED_PRECISION" not in os.environ:
        modern = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        mixed_precision = "bf16" if modern else "no"
    # Accelerate fixes the precision of a process at the first call; a session may train twice, in two precisions.
    AcceleratorState._reset_state(reset_partial_state=False)
    return Accelerator(mixed_precision=mixed_precision)


def faster_in_half(compute: Callable[[], object]) -> bool:
    """Whether something takes less time in bfloat16 on this processor, which must have instructions for it; tried out."""
    seconds = {False: [], True: []}
    for half in (False, True) * 4:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            started = time.perf_counter()
            compute()
            seconds[half].append(time.perf_counter() - started)
    return min(seconds[True]) < min(seconds[False])


def in_half(model: nn.Module) -> nn.Module:
    """A copy, to run under autocast, whose linear and convolutional layers are bfloat16 already: that saves casting them."""
    half = copy.deepcopy(model)
    for layer in half.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.to(torch.bfloat16)
    return half


def own_rows(accelerator: Accelerator, rows: Tensor, axis: int = 0) -> Tensor:
    """Every P-th row along an axis, beginning with this process's number, on its device."""
    if accelerator.num_processes > 1:
        own = torch.arange(accelerator.process_index, rows.shape[axis], accelerator.num_processes, device=rows.device)
        rows = rows.index_select(axis, own)
    return rows.to(accelerator.device, non_blocking=True)


def any_process(accelerator: Accelerator, stop: bool) -> bool:
    """Whether any of the processes wants to stop."""
    if accelerator.num_processes == 1:
        return stop
    return bool(accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), "sum") > 0)


def run_seed(config: Experiment, seed: int) -> int:
    """What a run draws its data and weights from: the reader's seed and the number of the repetition."""
    return 1000 * seed + config.repeat


def accelerated_loop(
    accelerator: Accelerator,
    batches: Callable[[int], Any],
    config: Experiment,
    state: dict[str, Any],
    *,
    seed: int,
    path: str | Path | None = None,
    minutes: float | None = None,
    progress: bool = True,
) -> Loop:
    """The `Loop` of one experiment, whose processes write, show progress and stop as one.

    Args:
        batches: step → a batch, the whole of it, in every process.
        config: which experiment.
        state: what is kept besides the gradient's scaler, which is added where there is one.
        seed: the reader's; see `run_seed`.
        path, minutes, progress: see `Loop`.
    """
    if accelerator.scaler is not None:
        state = {**state, "scaler": accelerator.scaler}
    return Loop(
        batches,
        steps=config.steps,
        state=state,
        path=path,
        seed=run_seed(config, seed),
        minutes=minutes,
        config={**config.as_json(), "seed": seed},
        label=config.name,
        progress=progress and accelerator.is_main_process,
        writes=accelerator.is_main_process,
        agree=lambda stop: any_process(accelerator, stop),
    )


def log_means(loop: Loop, accelerator: Accelerator, loss: Tensor, values: dict[str, Tensor], count: int) -> None:
    """Note the loss and all terms: means over the ``count`` rows of all processes, and over an ensemble's members.

    Args:
        loss: what was differentiated: the rows' sum, over ``count``, times the number of processes; a number.
        values: terms of this process's rows, ``(B,)``, or ``(M, B)`` of an ensemble.
    """
    members = next(iter(values.values())).shape[:-1].numel()
    sums = torch.stack([value.detach().sum() for value in values.values()]) * accelerator.num_processes / count
    means = torch.cat([loss.detach().reshape(1), sums]) / members
    if accelerator.num_processes > 1:
        means = accelerator.reduce(means, "mean")
    loop.log(**dict(zip(("loss", *values), means, strict=True)))
