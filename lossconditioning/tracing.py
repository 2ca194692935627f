"""Whether a network is called for its numbers, or to make a graph of what it computes."""

from __future__ import annotations

import torch


def traced() -> bool:
    """Whether the call under way is being compiled or exported: then plain arithmetic it is, for others to make quick.

    A kernel of another purpose is taken at its word in the graph: ONNX has a batch norm for it, whose constants are made at
    run time, which takes longer and does not survive a conversion to half precision.
    """
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def exporting() -> bool:
    """Whether the call under way is being exported, when no value can be looked at; in PyTorch 2.6 also: compiled."""
    return getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)()
