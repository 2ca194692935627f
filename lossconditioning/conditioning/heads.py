r"""Heads: what makes the weights of a primary network out of a code.

Heads are a module, code ``(B, code_size)`` → name of a tensor → ``(B, *shape)``. All start so that, for codes of unit mean
square, tensors of two or more axes (the weights of convolutions and of linear layers) have unit variance, and the others
(biases) are zero, but follow the code from the first step on. `Hypernetwork` multiplies the former by
:math:`1/\sqrt{c_{in} \cdot K \cdot K}` (Meta Internal Learning, section 3.3, after Littwin et al. 2020, arXiv 2003.12193).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.layers import key
from lossconditioning.errors import positive_int

Shape = tuple[int, ...]


class Heads(nn.Module):
    """Base of all heads.

    Args:
        code_size: how many numbers a code has.
        shapes: name of a tensor → its shape.
    """

    def __init__(self, code_size: int, shapes: Mapping[str, Shape]):
        super().__init__()
        self.code_size = positive_int("code_size", code_size)
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]

    def cut(self, flat: Tensor) -> dict[str, Tensor]:
        """``(B, N)``, the numbers of all tensors in a row, to name → ``(B, *shape)``."""
        parts = zip(self.shapes.items(), flat.split(self.sizes, dim=1), strict=True)
        return {name: part.reshape(-1, *shape) for (name, shape), part in parts}

    def start(self, linear: nn.Linear) -> None:
        """Let a last linear layer put out unit variance, given inputs of unit mean square; zero for tensors of one axis."""
        nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
        nn.init.zeros_(linear.bias)
        with torch.no_grad():
            for rows, shape in zip(linear.weight.split(self.sizes), self.shapes.values(), strict=True):
                if len(shape) < 2:
                    rows.zero_()

    def extra_repr(self) -> str:
        return f"code_size={self.code_size}, tensors={len(self.shapes)}, numbers={sum(self.sizes)}"


class FullHeads(Heads):
    """One linear map for each tensor (Meta Internal Learning, B.1: 10 for 5 convolutions), multiplied as one matrix.

    N numbers take (code_size + 1) · N parameters: 18.9 million for one convolution of 64 to 64 channels and a code of 512
    (section 6).
    """

    def __init__(self, code_size: int, shapes: Mapping[str, Shape]):
        super().__init__(code_size, shapes)
        self.linear = nn.Linear(code_size, sum(self.sizes))
        self.start(self.linear)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        return self.cut(self.linear(code))


class LowRankHeads(Heads):
    """`FullHeads` whose matrix is a product of two, through ``rank`` numbers that all tensors share.

    About rank · N parameters, which answers the size that the paper names as its limitation (section 6): 1.2 million for the
    convolution there, at rank 32. At the start the variance of generated weights is one on average over codes: the fewer the
    ranks, the more it differs from code to code, for all tensors alike.
    """

    def __init__(self, code_size: int, shapes: Mapping[str, Shape], rank: int = 32):
        super().__init__(code_size, shapes)
        self.narrow = nn.Linear(code_size, positive_int("rank", rank), bias=False)
        nn.init.orthogonal_(self.narrow.weight, max(1.0, rank / code_size) ** 0.5)
        self.linear = nn.Linear(rank, sum(self.sizes))
        self.start(self.linear)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        return self.cut(self.linear(self.narrow(code)))


class ChunkedHeads(Heads):
    """One small network for all chunks of a layer's weights, told which chunk (von Oswald et al. 2020, section 2).

    A chunk is what makes one output channel, so that chunks of a layer are of one size; the paper cuts a whole network into
    chunks, we one layer at a time. Biases have linear heads. 72 thousand parameters for the convolution of `FullHeads`.

    Args:
        hidden: width of the hidden layer.
        embedding_size: how many learned numbers tell a chunk from the others.
    """

    def __init__(self, code_size: int, shapes: Mapping[str, Shape], hidden: int = 64, embedding_size: int = 16):
        super().__init__(code_size, shapes)
        weights = {name: shape for name, shape in self.shapes.items() if len(shape) > 1}
        rest = {name: shape for name, shape in self.shapes.items() if len(shape) < 2}
        sizes = positive_int("hidden", hidden), positive_int("embedding_size", embedding_size)
        self.chunks = nn.ModuleDict({key(name): _Chunks(code_size, shape, *sizes) for name, shape in weights.items()})
        self.rest = FullHeads(code_size, rest) if rest else None

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        made = {} if self.rest is None else self.rest(code)
        return {name: made[name] if name in made else self.chunks[key(name)](code) for name in self.shapes}


class _Chunks(nn.Module):
    """Weights of one layer, chunk by chunk: a hidden layer of the code and the chunk's embedding, ReLU, a linear layer."""

    def __init__(self, code_size: int, shape: Shape, hidden: int, embedding_size: int):
        super().__init__()
        self.shape = shape
        self.embeddings = nn.Parameter(torch.randn(shape[0], embedding_size))
        # One linear layer of [code, embedding] in two parts, so that the code's is computed once for all chunks.
        self.from_code = nn.Linear(code_size, hidden)
        self.from_embedding = nn.Linear(embedding_size, hidden, bias=False)
        self.to_chunk = nn.Linear(hidden, math.prod(shape[1:]))
        nn.init.normal_(self.from_code.weight, std=(2 * code_size) ** -0.5)
        nn.init.normal_(self.from_embedding.weight, std=(2 * embedding_size) ** -0.5)
        nn.init.normal_(self.to_chunk.weight, std=(2 / hidden) ** 0.5)  # He et al.: ReLU halves the mean square
        nn.init.zeros_(self.from_code.bias)
        nn.init.zeros_(self.to_chunk.bias)

    def forward(self, code: Tensor) -> Tensor:
        hidden = self.from_code(code).unsqueeze(1) + self.from_embedding(self.embeddings)  # (B, chunks, hidden)
        return self.to_chunk(hidden.relu()).reshape(-1, *self.shape)
