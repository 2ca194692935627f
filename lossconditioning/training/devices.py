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
from torch import nn

from lossconditioning.errors import ReaderError
from lossconditioning.training.config import Config
from lossconditioning.training.continuing import Start
from lossconditioning.training.loop import Loop
from lossconditioning.training.runs import Run


def check_defaults() -> None:
    """Refuse a session's defaults of torch under which networks would be other ones than their cards describe.

    Raises:
        ReaderError: if tensors are made of another type than float32, or elsewhere than on the CPU, unless told.
    """
    if torch.get_default_dtype() != torch.float32:
        raise ReaderError(
            f"torch makes {torch.get_default_dtype()} by default in this session, and the systems' networks and data are "
            "float32: call torch.set_default_dtype(torch.float32) first."
        )
    if torch.get_default_device().type != "cpu":
        raise ReaderError(
            f"torch makes tensors on {torch.get_default_device()} by default in this session, and the systems place theirs "
            "themselves: call torch.set_default_device(None) first."
        )


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


def any_process(accelerator: Accelerator, stop: bool) -> bool:
    """Whether any of the processes wants to stop."""
    if accelerator.num_processes == 1:
        return stop
    return bool(accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), "sum") > 0)


def run_seed(config: Config, seed: int) -> int:
    """What a run draws its data and weights from: the reader's seed and the number of the repetition."""
    return 1000 * seed + config.repeat


def accelerated_loop(
    accelerator: Accelerator,
    batches: Callable[[int], Any],
    config: Config,
    state: dict[str, Any],
    run: Run,
    path: str | Path | None = None,
    start: Start = Start(),  # noqa: B008 - frozen
) -> Loop:
    """The `Loop` of one experiment, whose processes write, show progress and stop as one.

    Args:
        batches: step → a batch, the whole of it, in every process.
        config: which experiment.
        state: what is kept besides the gradient's scaler, which is added where there is one.
        run: seed (see `run_seed`), minutes and progress, see `Loop`.
        path: folder of resumable checkpoints.
        start: what training begins with.
    """
    if accelerator.scaler is not None:
        state = {**state, "scaler": accelerator.scaler}
    return Loop(
        batches,
        steps=config.steps,
        first=start.steps,
        state=state,
        path=path,
        seed=run_seed(config, run.seed),
        minutes=run.minutes,
        config={**config.as_json(), "seed": run.seed, **({"start": start.digest} if start.digest else {})},
        label=config.name,
        progress=run.progress and accelerator.is_main_process,
        writes=accelerator.is_main_process,
        agree=lambda stop: any_process(accelerator, stop or run.stop()),
    )
