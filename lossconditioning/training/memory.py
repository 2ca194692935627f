"""What a training step frees stays with the process, for the next step."""

from __future__ import annotations

import torch


def keep_freed_memory() -> None:
    """Keep glibc from handing large blocks back to the system after every step.

    What it hands back, the next step has to be given anew, page by page, which on a CPU is a good part of a small network's
    step (tests/benchmarks measures it). Its threshold for doing so follows the largest block freed so far, up to 32 MiB; so
    one such block is made and freed. Under other allocators this changes nothing.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)
