"""Integer probability tables: what the entropy coder works with, on both sides.

An arithmetic coder needs encoder and decoder to agree on every probability to the last bit, which floating-point functions
do not promise. So the learned distributions are turned into whole numbers once: a table per hyper-latent channel, and one per
step of a scale table for the latents. Both sides then do integer arithmetic only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import constriction
import numpy as np
import torch
from numpy.typing import NDArray

from lossconditioning.codec.entropy_models import SCALE_MIN, FactorisedPrior

TOTAL = 1 << 22
"""What the numbers of a table add up to, about."""
SCALES = np.geomspace(SCALE_MIN, 256.0, 64)
"""The scale table: standard deviations, in quantisation steps, that the latents' σ are rounded to."""
BOUNDARIES = np.sqrt(SCALES[1:] * SCALES[:-1])
"""Where the rounding changes: the geometric middles."""
_TAIL = 1e-7
"""Probability left to the escape symbol, at least."""
_ESCAPED = 1 << 16


@dataclass(frozen=True)
class Table:
    """The distribution of a symbol: whole numbers from ``first`` on, and an escape for all others.

    Attributes:
        first: the smallest symbol with a probability of its own.
        counts: uint32, one per symbol, the last one the escape's; probabilities are counts over their sum.
    """

    first: int
    counts: NDArray[np.uint32]

    @cached_property
    def model(self) -> constriction.stream.model.Categorical:
        """The distribution as the entropy coder takes it; from whole numbers, so alike on every machine."""
        return constriction.stream.model.Categorical(self.counts.astype(np.float64), perfect=False)

    @property
    def least_bits(self) -> float:
        """What the likeliest symbol costs; a little less, for the entropy coder rounds probabilities to 24 bits."""
        likeliest = float(self.counts.max() / self.counts.sum(dtype=np.uint64)) + len(self.counts) / (1 << 24)
        return max(0.0, -math.log2(likeliest))

    def write(self, encoder: constriction.stream.queue.RangeEncoder, symbols: NDArray[np.int32]) -> None:
        """Encode symbols; those without a probability of their own as an escape, and then in 16 bits."""
        escape = len(self.counts) - 1
        places = symbols - self.first
        outside = (places < 0) | (places >= escape)
        encoder.encode(np.where(outside, escape, places).astype(np.int32), self.model)
        if outside.any():
            encoder.encode(symbols[outside] + _ESCAPED // 2, _RAW)

    def read(self, decoder: constriction.stream.queue.RangeDecoder, count: int) -> NDArray[np.int32]:
        """Decode ``count`` symbols that `write` wrote."""
        escape = len(self.counts) - 1
        places = decoder.decode(self.model, count)
        outside = places == escape
        symbols = places + np.int32(self.first)
        if outside.any():
            symbols[outside] = decoder.decode(_RAW, int(outside.sum())) - _ESCAPED // 2
        return symbols


_RAW = constriction.stream.model.Uniform(_ESCAPED)
SYMBOL_MAX = _ESCAPED // 2 - 1
"""The largest symbol, and the negative of the smallest but one."""


def _table(first: int, mass: torch.Tensor) -> Table:
    """A table of probabilities in float64, the rest of 1 being the escape's."""
    escape = (1 - mass.sum()).clamp(min=_TAIL)
    counts = (torch.cat([mass, escape[None]]) * TOTAL).round().clamp(min=1)
    return Table(first, counts.numpy().astype(np.uint32))


def gaussian_tables() -> list[Table]:
    """One table per entry of `SCALES`: a Gaussian of mean 0, rounded."""
    tables = []
    for scale in SCALES:
        reach = math.ceil(5.5 * scale + 0.5)
        edges = (torch.arange(-reach, reach + 2, dtype=torch.float64) - 0.5) / scale
        tables.append(_table(-reach, torch.special.ndtr(edges).diff()))
    return tables


@torch.no_grad()
def prior_tables(prior: FactorisedPrior) -> list[Table]:
    """One table per channel: the learned distribution of ẑ, counted in steps from the channel's median."""
    median = prior.median.double()
    low = (prior.quantile(_TAIL) - median).floor().clamp(min=-SYMBOL_MAX)
    high = (prior.quantile(1 - _TAIL) - median).ceil().clamp(max=SYMBOL_MAX)
    width = int((high - low).max()) + 1
    edges = low[:, None] + torch.arange(width + 1, dtype=torch.float64) - 0.5  # (N, width + 1)
    mass = prior.logit(edges + median[:, None]).sigmoid().diff(dim=1)
    sizes = (high - low + 1).int().tolist()
    return [_table(int(first), row[:size]) for first, row, size in zip(low, mass, sizes, strict=True)]
