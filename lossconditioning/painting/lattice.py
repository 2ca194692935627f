"""Regular patterns of two and four pixels, which upsampling and strides leave in a network's pictures, and painters do not."""

from __future__ import annotations

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError

PERIODS = (2, 4)
"""Pixels: those of one doubling of height and width, and of two."""
_NEAR, _FAR = 3, 8  # how far a peak's neighbourhood is from it, in steps of frequency: beyond what the window smears


def lattice(pictures: Tensor) -> dict[int, Tensor]:
    """How far the power at a period stands out from that of neighbouring frequencies, along rows or columns.

    The power spectrum of each row (column), under a Hann window, is averaged over rows and channels; the peak at the period is
    divided by the median of its neighbourhood. Of the two directions the larger counts.

    Args:
        pictures: ``(B, 3, H, W)`` in [0, 1], 32 pixels a side or more.

    Returns:
        period in pixels, of `PERIODS` → ``(B,)``: near 1 for a picture without such a pattern.
    """
    if pictures.dim() != 4 or min(pictures.shape[2:]) < 32:
        raise ReaderError(f"Pictures are (B, C, H, W), 32 pixels a side or more; got {tuple(pictures.shape)}.")
    along = [_peaks(pictures), _peaks(pictures.transpose(2, 3))]
    return {period: torch.maximum(*(found[period] for found in along)) for period in PERIODS}


def _peaks(pictures: Tensor) -> dict[int, Tensor]:
    """The same along the last axis alone."""
    length = pictures.shape[-1]
    rows = (pictures - pictures.mean(-1, keepdim=True)) * torch.hann_window(length)
    power = torch.fft.rfft(rows.double()).abs().square().mean((1, 2))  # (B, length // 2 + 1)
    found = {}
    for period in PERIODS:
        place = round(length / period)
        beside = [place + way * step for way in (-1, 1) for step in range(_NEAR, _FAR + 1)]
        around = power[:, [bin for bin in beside if 0 < bin < power.shape[1]]].median(1).values
        # A picture of one colour has no power anywhere, and no pattern.
        found[period] = (power[:, min(place, power.shape[1] - 1)] + 1e-12) / (around + 1e-12)
    return found
