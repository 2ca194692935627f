"""A picture at several sizes, and how generators of one scale after the other paint it (equations 1 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int

Size = tuple[int, int]
"""Height and width in pixels."""
ASPECT = 3 / 4
"""Height over width, of all pictures in training (B.2)."""


def sizes(coarsest: int, factor: float, scales: int) -> list[Size]:
    """Sizes of the scales, the coarsest first: ``coarsest`` pixels wide, each 1/``factor`` times as wide as the one before."""
    widths = [coarsest / factor**scale for scale in range(scales)]
    return [(round(ASPECT * round(width)), round(width)) for width in widths]


def scaled(grid: Sequence[Size], size: Size) -> list[Size]:
    """The sizes of all scales for a picture of another size: each side in proportion, and three pixels at least.

    Raises:
        ReaderError: if the size is not a height and a width of whole pixels.
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ReaderError(f"A size is (height, width) in pixels, such as {tuple(grid[-1])}; got {size!r}.")
    height, width = positive_int("height", size[0]), positive_int("width", size[1])
    tall, wide = grid[-1]
    return [(max(3, round(h * height / tall)), max(3, round(w * width / wide))) for h, w in grid]


def resized(pictures: Tensor, size: Size) -> Tensor:
    """Pictures ``(B, 3, H, W)`` at another size: averaged where that is smaller, interpolated where it is larger."""
    if pictures.shape[-2:] == torch.Size(size):
        return pictures
    smaller = size[0] < pictures.shape[-2]
    return F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=smaller)


def pyramid(pictures: Tensor, grid: Sequence[Size]) -> list[Tensor]:
    """Pictures ``(B, 3, H, W)`` at each size, ``(B, 3, h, w)``."""
    return [resized(pictures, size) for size in grid]


Network = Callable[[Tensor], Tensor]


def paint(network: Network, below: Tensor | None, noise: Tensor) -> Tensor:
    """One scale: ĝ(z) at the coarsest, x + ĝ(x + z) above it, x being what the scale below painted, enlarged.

    Args:
        network: ĝ, ``(B, 3, h, w)`` to the same.
        below: ``(B, 3, h', w')``; None at the coarsest scale.
        noise: z, ``(B, 3, h, w)``, its amplitude included.
    """
    if below is None:
        return network(noise)
    enlarged = resized(below, tuple(noise.shape[-2:]))
    return enlarged + network(enlarged + noise)


def noises(grid: Sequence[Size], count: int, generator: torch.Generator | None = None) -> list[Tensor]:
    """Standard normal noise for each scale, ``(count, 3, h, w)``."""
    return [torch.randn(count, 3, *size, generator=generator) for size in grid]
