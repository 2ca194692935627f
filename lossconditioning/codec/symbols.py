"""A picture as whole numbers, and these as entropy-coded bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import constriction
import numpy as np
from numpy.typing import NDArray

from lossconditioning.codec.entropy_models import FactorisedPrior
from lossconditioning.codec.tables import BOUNDARIES, Table, gaussian_tables, prior_tables

_STATE = 8
"""Bytes of the coder's state, which it need not write out."""


@dataclass(frozen=True)
class Symbols:
    """A picture as whole numbers.

    Attributes:
        z: hyper-latents, int32 ``(N, H/64, W/64)``, in steps from the channels' medians.
        y: latents, int32 ``(M, H/16, W/16)``, in quantisation steps.
        sigma: the deviation that z predicts for every latent, in quantisation steps; float64, like y.
    """

    z: NDArray[np.int32]
    y: NDArray[np.int32]
    sigma: NDArray[np.float64]


class SymbolCoder:
    """Symbols to bytes and back, hyper-latents first.

    Args:
        prior: the distribution of the hyper-latents.

    Attributes:
        z_tables: one per channel.
        y_tables: one per step of the scale table, see `tables`.
    """

    def __init__(self, prior: FactorisedPrior):
        self.z_tables, self.y_tables = prior_tables(prior), gaussian_tables()

    def write(self, symbols: Symbols) -> bytes:
        """A file's payload."""
        encoder = constriction.stream.queue.RangeEncoder()
        for table, channel in zip(self.z_tables, symbols.z, strict=True):
            table.write(encoder, channel.ravel())
        for table, places in self._in_use(symbols.sigma):
            table.write(encoder, symbols.y.ravel()[places])
        return encoder.get_compressed().astype("<u4").tobytes()

    def least_bytes(self, rows: int, columns: int) -> int:
        """No payload with ``(rows, columns)`` hyper-latents is shorter: that of the likeliest ones, without any latents."""
        bits = rows * columns * sum(table.least_bits for table in self.z_tables)
        return max(0, int(bits) // 8 - _STATE)

    def read(self, payload: bytes, rows: int, columns: int, predict: Callable[[NDArray], NDArray]) -> Symbols:
        """The symbols in a payload.

        Args:
            rows, columns: of the hyper-latents.
            predict: z → σ; called before the latents, which are many, are read.

        Raises:
            AssertionError: the decoder's word for data that no encoder made.
        """
        decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(payload, "<u4").astype(np.uint32))
        z = np.stack([table.read(decoder, rows * columns).reshape(rows, columns) for table in self.z_tables])
        sigma = predict(z)
        y = np.empty(sigma.size, dtype=np.int32)
        for table, places in self._in_use(sigma):
            y[places] = table.read(decoder, len(places))
        return Symbols(z, y.reshape(sigma.shape), sigma)

    def _in_use(self, sigma: NDArray[np.float64]) -> Iterator[tuple[Table, NDArray[np.intp]]]:
        """Tables of the scales nearest to σ, each with the places of the latents that take it, in order."""
        chosen = np.searchsorted(BOUNDARIES, sigma.ravel()).astype(np.uint8)
        order = np.argsort(chosen, kind="stable")
        ends = np.bincount(chosen, minlength=len(self.y_tables)).cumsum()
        for table, start, end in zip(self.y_tables, (0, *ends[:-1]), ends, strict=True):
            if end > start:
                yield table, order[start:end]
