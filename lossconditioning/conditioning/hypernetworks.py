"""Hypernetworks: networks whose outputs are the weights of another network (Ha et al. 2016; Meta Internal Learning, 2.2)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from lossconditioning.conditioning.generated import Primary, run_generated
from lossconditioning.conditioning.heads import FullHeads, LowRankHeads
from lossconditioning.errors import ReaderError, one_of, positive_int

HEADS = {"full": FullHeads, "low-rank": LowRankHeads}


class Hypernetwork(nn.Module):
    """Generates a primary network's weights from a code, and runs it with them. Made by `hypernetwork`."""

    def __init__(self, primary: nn.Module, heads: nn.Module, code_size: int, embedding: nn.Module | None = None):
        super().__init__()
        self.primary = Primary(copy.deepcopy(primary))
        self.code_size = positive_int("code_size", code_size)
        self.embedding, self.heads = embedding, heads
        self._scales = dict(_scales(primary))

    def weights(self, code: Tensor) -> dict[str, Tensor]:
        """θ = f(code): code ``(B, code_size)`` to parameter's name → ``(B, *shape)``."""
        made = self.heads(code)
        return {name: value * self._scales[name] if name in self._scales else value for name, value in made.items()}

    def run(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
        """Example b of ``inputs`` through the primary network with weights b; see `run_generated`."""
        return run_generated(self.primary, weights, *inputs)

    def forward(self, *inputs: Tensor) -> Any:
        """Generate weights from the last argument and run the primary network with them on the others."""
        *inputs, last = inputs
        code = last if self.embedding is None else self.embedding(last)
        return self.run(self.weights(code), *inputs)


def hypernetwork(
    primary: nn.Module,
    code_size: int,
    *,
    heads: str | Callable[..., nn.Module] = "full",
    rank: int | None = None,
    prior: Any = None,
    embedding: nn.Module | None = None,
) -> Hypernetwork:
    """A network that generates ``primary``'s weights from a code."""
    make = HEADS[one_of("kind of heads", heads, HEADS)] if isinstance(heads, str) else heads
    if rank is not None:
        if make is not LowRankHeads:
            raise ReaderError("rank= is the width of heads='low-rank'; leave it out for others.")
        make = partial(make, rank=rank)
    shapes = Primary(primary).shapes
    model = Hypernetwork(primary, make(code_size, shapes), code_size, embedding)
    reference = next(primary.parameters())
    return model.to(device=reference.device, dtype=reference.dtype)


def _scales(primary: nn.Module):
    """name → 1/√fan-in, for tensors of two or more axes."""
    for path, layer in primary.named_modules():
        for name, parameter in layer.named_parameters(path, recurse=False):
            if parameter.dim() > 1:
                fan_in = math.prod(parameter.shape[1:])
                if isinstance(layer, _ConvTransposeNd):
                    fan_in = (
                        parameter.shape[0] // layer.groups * math.prod(parameter.shape[2:]) / math.prod(layer.stride)
                    )
                yield name, fan_in**-0.5
