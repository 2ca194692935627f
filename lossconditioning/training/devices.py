"""One training run on whatever accelerate finds: a CPU, a GPU, or the several processes it was launched with.

Every process draws the whole batch from (seed, step) and keeps its share of the rows, so P processes take the same steps as
one, up to rounding.
"""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor


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


def own_rows(accelerator: Accelerator, rows: Tensor, axis: int = 0) -> Tensor:
    """Every P-th row along an axis, beginning with this process's number, on its device."""
    if accelerator.num_processes > 1:
        own = torch.arange(accelerator.process_index, rows.shape[axis], accelerator.num_processes)
        rows = rows.index_select(axis, own)
    return rows.to(accelerator.device, non_blocking=True)


def any_process(accelerator: Accelerator, stop: bool) -> bool:
    """Whether any of the processes wants to stop."""
    if accelerator.num_processes == 1:
        return stop
    return bool(accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), "sum") > 0)
