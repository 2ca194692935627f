"""Large pictures in tiles, without seams.

A convolution's output depends on a bounded neighbourhood. A tile is computed with a margin at least that wide and the margin
then cut off, so the tiles together are what the whole would have been; only the picture's own borders are padded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

LATENT, STRIDE = 16, 64
"""Pixels along a side that a latent and a hyper-latent stand for; pictures are padded to multiples of the second."""
TILE = 1024
"""Side of a tile, in pixels; smaller pictures are computed whole."""
MARGIN = 64
"""Pixels around it. The analysis sees 30 pixels far (two taps at each of the strides 1, 2, 4, 8), the synthesis two latents."""


def _spans(length: int) -> Iterator[tuple[int, int, int, int]]:
    """Along one side: where each tile begins and ends, without and with its margin."""
    for start in range(0, length, TILE):
        end = min(start + TILE, length)
        yield start, end, max(0, start - MARGIN), min(length, end + MARGIN)


def in_tiles(transform: Callable[[Tensor], Tensor], inputs: Tensor, out: Tensor, pixels: int) -> Tensor:
    """Apply a transform between pictures and latents tile by tile.

    Args:
        transform: maps ``(1, C, h, w)`` to ``(1, C', h', w')``, at a fixed ratio of resolutions.
        inputs: ``(1, C, H, W)``.
        out: ``(1, C', H', W')``, which is filled and returned.
        pixels: how many pixels one position of ``inputs`` stands for along a side: 1 for pictures, `LATENT` for latents.
    """
    height, width = (side * pixels for side in inputs.shape[-2:])
    scale = height // out.shape[-2]  # pixels per position of out
    for top, bottom, above, below in _spans(height):
        for left, right, before, behind in _spans(width):
            part = inputs[..., above // pixels : below // pixels, before // pixels : behind // pixels]
            with torch.inference_mode():
                done = transform(part)
            rows = slice((top - above) // scale, (bottom - above) // scale)
            columns = slice((left - before) // scale, (right - before) // scale)
            out[..., top // scale : bottom // scale, left // scale : right // scale] = done[..., rows, columns]
    return out
