"""Meeting a target with the one input: the weight under which a file just fits, or a picture is just good enough.

A bank of fixed-weight models has as many sizes as models. One conditional model has as many as λ has values, so a size or a
quality is met by a search along one axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.systems.compression.codec import WEIGHTS, Codec
from lossconditioning.systems.compression.container import OVERHEAD
from lossconditioning.systems.compression.measures import quality
from lossconditioning.systems.compression.task import LAMBDA_RANGE

TOLERANCE = 1e-3
"""How closely λ is searched, as a share: files of one picture then differ by some bytes in ten thousand."""


@dataclass(frozen=True)
class Found:
    """Result of a search: the weight, the file it makes, and the PSNR of what it decodes to (in dB)."""

    weight: float
    data: bytes
    psnr: float


def to_size(codec: Codec, picture: Tensor, target: int, tolerance: float = TOLERANCE) -> Found:
    """The most faithful file of at most ``target`` bytes.

    λ is searched in the range that models are trained on; below it only if even its lowest value makes too large a file.

    Args:
        picture: uint8 ``(3, H, W)``.
        tolerance: how closely λ is searched, as a share.

    Raises:
        ReaderError: if no λ makes so small a file; the message says how small it gets.
    """
    if not isinstance(target, int) or target <= OVERHEAD:
        raise ReaderError(f"A file has at least {OVERHEAD} bytes, of header; got a target of {target!r}.")
    tries = _Tries(codec, picture, lambda data: math.log(len(data) / target))
    within = LAMBDA_RANGE if tries(LAMBDA_RANGE[0]) <= 0 else (WEIGHTS[0], LAMBDA_RANGE[0])
    if tries(within[0]) > 0:
        raise ReaderError(
            f"{target:,} bytes are too few for this picture: the smallest file has {len(tries.data[within[0]]):,}. Allow "
            "more, or make the picture smaller."
        )
    weight = max(tries.search(within, tolerance), key=lambda weight: (tries.excess[weight] <= 0, weight))
    return tries.found(weight)


def to_psnr(codec: Codec, picture: Tensor, target: float, tolerance: float = TOLERANCE) -> Found:
    """The smallest file of at least ``target`` dB; λ is searched beyond the trained range only if that does not reach it.

    Raises:
        ReaderError: if no λ makes so faithful a file; the message says how faithful it gets.
    """
    if not isinstance(target, (int, float)) or not math.isfinite(target):
        raise ReaderError(f"A PSNR is a number of decibels, such as 32; got {target!r}.")
    tries = _Tries(codec, picture, lambda data: psnr_of(codec, picture, data) - target)
    within = LAMBDA_RANGE if tries(LAMBDA_RANGE[1]) >= 0 else (LAMBDA_RANGE[1], WEIGHTS[1])
    if not tries(within[1]) >= 0:
        best = target + max(tries.excess.values())
        raise ReaderError(
            f"{target:g} dB can not be reached for this picture: the most faithful file has {best:.2f} dB. Ask for less, or "
            "keep a lossless file."
        )
    weight = min(tries.search(within, tolerance), key=lambda weight: (tries.excess[weight] < 0, weight))
    return tries.found(weight)


class _Tries:
    """Files of one picture at the weights tried so far, and by how much each exceeds the target."""

    def __init__(self, codec: Codec, picture: Tensor, excess: Callable[[bytes], float]):
        self.codec, self.picture, self._excess = codec, picture, excess
        self.data: dict[float, bytes] = {}
        self.excess: dict[float, float] = {}

    def __call__(self, weight: float) -> float:
        if weight not in self.data:
            symbols = self.codec.symbols(self.picture, weight)
            self.data[weight] = self.codec.pack(symbols, *self.picture.shape[1:], weight)
            self.excess[weight] = self._excess(self.data[weight])
        return self.excess[weight]

    def search(self, within: tuple[float, float], tolerance: float) -> list[float]:
        """Close in on the weight whose excess is zero; returns all weights tried, of which the caller takes the best.

        Size and quality grow with λ but for rounding, so the best of the tries is what is looked for, up to the tolerance.
        """
        low, high = (math.log(end) for end in within)
        ends = [self(end) for end in within]
        if ends[0] < 0 < ends[1]:
            inner = lambda x: self(min(max(math.exp(x), within[0]), within[1]))  # noqa: E731 - exp(log(x)) may leave the ends
            brentq(inner, low, high, xtol=tolerance)
        return list(self.data)

    def found(self, weight: float) -> Found:
        data = self.data[weight]
        return Found(weight, data, psnr_of(self.codec, self.picture, data))


def psnr_of(codec: Codec, picture: Tensor, data: bytes) -> float:
    """PSNR in dB of what a file decodes to."""
    shown = codec.decompress(data, max_pixels=picture[0].numel())
    return quality(picture, shown, similarity=False)["psnr"]
