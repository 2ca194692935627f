"""Meeting a target with the one input: the λ under which a file just fits, or a picture is just good enough.

A bank of fixed-weight models has as many sizes as models. One conditional model has as many as λ has values, so a size or a
quality is met by a search along one axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from torch import Tensor

from lossconditioning.codec.codec import Codec
from lossconditioning.codec.container import OVERHEAD, warn_of_size
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.rate_distortion import quality

TOLERANCE = 1e-3
"""How closely λ is searched, as a share: files of one picture then differ by some bytes in ten thousand."""


@dataclass(frozen=True)
class Found:
    """Result of a search: λ, the file it makes, and the PSNR of what it decodes to (in dB)."""

    lam: float
    data: bytes
    psnr: float


def at(codec: Codec, picture: Tensor, lam: float, data: bytes | None = None) -> Found:
    """What λ makes of a picture, uint8 ``(3, H, W)``; from its file, where that is there already."""
    data = codec.compress(picture, lam) if data is None else data
    return Found(lam, data, psnr_of(codec, picture, data))


def psnr_of(codec: Codec, picture: Tensor, data: bytes) -> float:
    """PSNR in dB of what a file decodes to."""
    return quality(picture, codec.decompress(data, max_pixels=picture[0].numel()), similarity=False)["psnr"]


def to_size(codec: Codec, picture: Tensor, target: int, tolerance: float = TOLERANCE) -> Found:
    """The most faithful file of at most ``target`` bytes.

    λ is searched in the range that the model was trained on; below it only if even its lowest value makes too large a file.

    Args:
        picture: uint8 ``(3, H, W)``.
        tolerance: how closely λ is searched, as a share.

    Raises:
        ReaderError: if no λ makes so small a file; the message says how small it gets.
    """
    if not isinstance(target, int) or target <= OVERHEAD:
        raise ReaderError(f"A file has at least {OVERHEAD} bytes, of header; got a target of {target!r}.")
    tries = _Tries(codec, picture, lambda data: math.log(len(data) / target))
    low, high = codec.lam_range.trained
    within = (low, high) if tries(low) <= 0 else (codec.lam_range.limits[0], low)
    if tries(within[0]) > 0:
        raise ReaderError(
            f"{target:,} bytes are too few for this picture: the smallest file has {len(tries.data[within[0]]):,}. Allow "
            "more, or make the picture smaller."
        )
    return tries.best(within, tolerance, lambda lam, excess: (excess <= 0, lam))


def to_psnr(codec: Codec, picture: Tensor, target: float, tolerance: float = TOLERANCE) -> Found:
    """The smallest file of at least ``target`` dB; λ is searched beyond the trained range only if that does not reach it.

    Raises:
        ReaderError: if no λ makes so faithful a file; the message says how faithful it gets.
    """
    if not isinstance(target, (int, float)) or not math.isfinite(target):
        raise ReaderError(f"A PSNR is a number of decibels, such as 32; got {target!r}.")
    tries = _Tries(codec, picture, lambda data: psnr_of(codec, picture, data) - target)
    low, high = codec.lam_range.trained
    within = (low, high) if tries(high) >= 0 else (high, codec.lam_range.limits[1])
    if not tries(within[1]) >= 0:
        raise ReaderError(
            f"{target:g} dB can not be reached for this picture: the most faithful file has "
            f"{target + max(tries.excess.values()):.2f} dB. Ask for less, or keep a lossless file."
        )
    return tries.best(within, tolerance, lambda lam, excess: (excess >= 0, -lam))


class _Tries:
    """Files of one picture at the λ tried so far, and by how much each exceeds the target."""

    def __init__(self, codec: Codec, picture: Tensor, excess: Callable[[bytes], float]):
        self.codec, self.picture, self._excess = codec, picture, excess
        self.data: dict[float, bytes] = {}
        self.excess: dict[float, float] = {}

    def __call__(self, lam: float) -> float:
        if lam not in self.data:
            _, self.data[lam] = self.codec.encode(self.picture, lam)
            self.excess[lam] = self._excess(self.data[lam])
        return self.excess[lam]

    def best(self, within: tuple[float, float], tolerance: float, rank: Callable[[float, float], tuple]) -> Found:
        """Close in on the λ whose excess is zero; of all that were tried, the one with the highest rank by λ and excess.

        Size and quality grow with λ but for rounding, so that is what is looked for, up to the tolerance.
        """
        ends = [self(end) for end in within]
        if ends[0] < 0 < ends[1]:
            low, high = (math.log(end) for end in within)
            inner = lambda x: self(min(max(math.exp(x), within[0]), within[1]))  # noqa: E731 - exp(log(x)) may leave the ends
            brentq(inner, low, high, xtol=tolerance)
        warn_of_size(*self.picture.shape[1:])
        lam = max(self.data, key=lambda lam: rank(lam, self.excess[lam]))
        return at(self.codec, self.picture, lam, self.data[lam])
