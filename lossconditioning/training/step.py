"""One optimizer step, the same in every system and on whatever accelerate finds."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from lossconditioning.training.loop import Loop


class Step:
    """Share of the batch, backward, clip, step, schedule.

    Args:
        network: whose gradients are meant, as `Accelerator.prepare` gave it.
        optimizer, schedule: the optimizer, likewise prepared, and its schedule, which is not.
        clip: largest norm of the gradient; None for any.
        reduce: average gradients over the processes here, where no DistributedDataParallel does: that can not follow a
            network which is used several times before the step and frozen in between.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        *,
        clip: float | None = None,
        reduce: bool = False,
    ):
        self.accelerator, self.network = accelerator, network
        self.optimizer, self.schedule = optimizer, schedule
        self.clip, self.reduce = clip, reduce and accelerator.num_processes > 1

    def __call__(self, objective: Tensor, count: int) -> Tensor:
        """Take a step on the mean over a batch, summed over an ensemble's members.

        Args:
            objective: of each of this process's rows, ``(B,)``, or ``(M, B)`` of an ensemble: its members' gradients are
                their own.
            count: rows of all processes together.

        Returns:
            what was differentiated, a number: the sum over count, times the number of processes, for gradients are
            averaged over those.
        """
        loss = objective.sum() * self.accelerator.num_processes / count
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        if self.reduce:
            for parameter in self.network.parameters():
                if parameter.grad is not None:
                    parameter.grad.copy_(self.accelerator.reduce(parameter.grad, "mean"))
        if self.clip is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()


def own_rows(accelerator: Accelerator, rows: Tensor, axis: int = 0) -> Tensor:
    """Every P-th row along an axis, beginning with this process's number, on its device."""
    if accelerator.num_processes > 1:
        own = torch.arange(accelerator.process_index, rows.shape[axis], accelerator.num_processes, device=rows.device)
        rows = rows.index_select(axis, own)
    return rows.to(accelerator.device, non_blocking=True)


def share(accelerator: Accelerator, batch: Any, axis: int = 0) -> Any:
    """This process's rows of all tensors in a batch: a tensor, a tuple or a named tuple; the rest is passed on."""
    return pytree.tree_map(lambda part: own_rows(accelerator, part, axis) if isinstance(part, Tensor) else part, batch)


def log_means(loop: Loop, accelerator: Accelerator, loss: Tensor, values: dict[str, Tensor], count: int) -> None:
    """Note the loss and all terms: means over the ``count`` rows of all processes, and over an ensemble's members.

    Args:
        loss: as `Step` returns it.
        values: terms of this process's rows, ``(B,)``, or ``(M, B)`` of an ensemble.
    """
    members = next(iter(values.values())).shape[:-1].numel()
    sums = torch.stack([value.detach().sum() for value in values.values()]) * accelerator.num_processes / count
    means = torch.cat([loss.detach().reshape(1), sums]) / members
    if accelerator.num_processes > 1:
        means = accelerator.reduce(means, "mean")
    loop.log(**dict(zip(("loss", *values), means, strict=True)))
