r"""Heads: what makes the weights of a primary network out of a code.

A head is a module ``code (B, code_size) → {name: (B, *shape)}``. All start so that, for codes of unit mean square, tensors of
two or more axes (the weights of convolutions and linear layers) have unit variance, and the others (biases) are zero;
`Hypernetwork` multiplies the former by :math:`1/\sqrt{c_{in} \cdot K \cdot K}` (section 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lossconditioning.errors import positive_int


class Heads(nn.Module):
    """Base of all heads.

    Args:
        code_size: how many numbers a code has.
        shapes: name of a tensor → its shape.
    """

    def __init__(self, code_size: int, shapes: Mapping[str, torch.Size]):
        super().__init__()
        self.code_size = positive_int("code_size", code_size)
        self.shapes = dict(shapes)

    def cut(self, flat: Tensor) -> dict[str, Tensor]:
        """``(B, N)``, all numbers of all tensors, to name → ``(B, *shape)``."""
        parts = flat.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: part.unflatten(1, shape or (1,)).reshape(-1, *shape)
            for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)
        }

    def start(self, linear: nn.Linear) -> None:
        """Unit variance for numbers of tensors of two or more axes, zero for the others."""
        nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
        nn.init.zeros_(linear.bias)
        with torch.no_grad():
            rows = linear.weight.split([math.prod(shape) for shape in self.shapes.values()])
            for part, shape in zip(rows, self.shapes.values(), strict=True):
                if len(shape) < 2:
                    part.zero_()


class FullHeads(Heads):
    """One linear map for each tensor (B.1; 10 for the 5 convolutions there), computed as one."""

    def __init__(self, code_size: int, shapes: Mapping[str, torch.Size]):
        super().__init__(code_size, shapes)
        self.linear = nn.Linear(code_size, sum(map(math.prod, self.shapes.values())))
        self.start(self.linear)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        return self.cut(self.linear(code))


class LowRankHeads(Heads):
    """The same with each matrix a product of two, through ``rank`` numbers that all tensors share.

    The answer to the paper's own limitation (section 6): code_size × N numbers become about rank × N.
    """

    def __init__(self, code_size: int, shapes: Mapping[str, torch.Size], rank: int = 32):
        super().__init__(code_size, shapes)
        self.narrow = nn.Linear(code_size, positive_int("rank", rank), bias=False)
        nn.init.normal_(self.narrow.weight, std=code_size**-0.5)
        self.linear = nn.Linear(rank, sum(map(math.prod, self.shapes.values())))
        self.start(self.linear)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        return self.cut(self.linear(self.narrow(code)))
