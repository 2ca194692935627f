"""Comparing codecs: the Bjøntegaard delta rate, and picture quality in decibels."""

from __future__ import annotations

import math

import numpy as np
import pytorch_msssim
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.finiteness import all_finite

PEAK = 255.0
"""The largest grey level: the scale of the distortion."""


def bd_rate(rate: Tensor, quality: Tensor, reference_rate: Tensor, reference_quality: Tensor) -> float:
    """How many more bits a codec takes than a reference at the same quality, on average, in percent.

    Bjøntegaard 2001 (VCEG-M33): log rate as a function of quality, both curves integrated over the qualities that both
    reach. Curves are monotonic cubics (PCHIP), which unlike the original polynomial do not swing between few points.

    Args:
        rate, reference_rate: bits per pixel, positive, ``(G,)`` and ``(H,)``, at least two each.
        quality, reference_quality: in decibels, same shapes; the order of the points does not matter.

    Returns:
        0 for equal curves, −10 for a codec that takes a tenth less, nan if no quality is reached by both.

    Raises:
        ReaderError: for fewer than two points, shapes that differ, rates that are not positive and finite, or a quality
            that does not grow with the rate, where there is no curve to integrate.
    """
    curves = [_curve("the codec", rate, quality), _curve("the reference", reference_rate, reference_quality)]
    low = max(curve.x[0] for curve in curves)
    high = min(curve.x[-1] for curve in curves)
    if not low < high:
        return math.nan
    ours, theirs = (float(curve.integrate(low, high)) / (high - low) for curve in curves)
    return 100 * math.expm1(ours - theirs)


def _curve(whose: str, rate: Tensor, quality: Tensor) -> PchipInterpolator:
    rate, quality = (torch.as_tensor(v, dtype=torch.float64).detach().cpu().numpy() for v in (rate, quality))
    if rate.shape != quality.shape or rate.ndim != 1 or len(rate) < 2:
        raise ReaderError(
            f"A rate-distortion curve is two or more points, rates (G,) and qualities (G,); of {whose}, got {rate.shape} and "
            f"{quality.shape}."
        )
    odd = np.flatnonzero(~((rate > 0) & np.isfinite(rate) & np.isfinite(quality)))
    if len(odd):
        raise ReaderError(
            f"Rates are positive and finite, and qualities finite; point {odd[0]} of {whose} has rate "
            f"{rate[odd[0]]:g} and quality {quality[odd[0]]:g}."
        )
    order = np.lexsort((quality, rate))
    rate, quality = rate[order], quality[order]
    fallen = np.flatnonzero(np.diff(quality) <= 0)
    if len(fallen):
        (less, more), (before, after) = (v[fallen[0] : fallen[0] + 2].tolist() for v in (rate, quality))
        if less == more:
            raise ReaderError(f"Two points of {whose} are one, rate {less} and quality {before}: give each point once.")
        raise ReaderError(
            f"The quality {'falls' if after < before else 'stays the same'} somewhere while the rate grows, so the points of "
            f"{whose} are no rate-distortion curve: {before} at rate {less}, {after} at rate {more}."
        )
    return PchipInterpolator(quality, np.log(rate))


def ms_ssim(pictures: Tensor, others: Tensor) -> Tensor:
    """Multi-scale structural similarity (Wang et al. 2003) of pictures ``(B, 3, H, W)`` in [0, 1], sides over 160: ``(B,)``.

    Raises:
        ReaderError: for pictures of other or of different shapes, smaller ones, and ones that are not finite.
    """
    if pictures.dim() != 4 or pictures.shape != others.shape:
        raise ReaderError(
            f"MS-SSIM compares pictures of one shape (B, 3, H, W); got {tuple(pictures.shape)} and {tuple(others.shape)}."
        )
    if min(pictures.shape[-2:]) <= 160:
        raise ReaderError(f"MS-SSIM halves a picture four times: sides over 160 pixels, please; got {pictures.shape}.")
    all_finite("Pictures (B, 3, H, W)", pictures)
    all_finite("The other pictures (B, 3, H, W)", others)
    # Its windows slide over channels one by one, which CPUs do in half the time when a pixel's channels lie side by side.
    pictures, others = (each.contiguous(memory_format=torch.channels_last) for each in (pictures, others))
    return pytorch_msssim.ms_ssim(pictures, others, data_range=1.0, size_average=False)


def similarity_decibels(similarity: Tensor) -> Tensor:
    """A similarity up to 1 on the scale of the PSNR, −10 log₁₀(1 − s): the papers' "MS-SSIM (dB)"; infinite for 1.

    Raises:
        ReaderError: for one that is not finite, or above 1 by more than rounding.
    """
    if bool((all_finite("Similarities", similarity) > 1 + 1e-4).any()):
        raise ReaderError(f"A similarity is at most 1; got {float(similarity.max()):g}.")
    return -10 * (1 - similarity).clamp(min=0).log10()


def squared_error(pictures: Tensor, others: Tensor) -> Tensor:
    """Mean squared difference of pictures ``(B, 3, H, W)`` in [0, 1], in squared grey levels of 0–255: ``(B,)``."""
    return PEAK**2 * (pictures - others).square().flatten(1).mean(1)


def psnr(distortion: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of a mean squared error on the scale 0–255; infinite for 0.

    Raises:
        ReaderError: for an error that is not finite, or negative.
    """
    if bool((all_finite("Mean squared errors", distortion) < 0).any()):
        raise ReaderError(f"A mean squared error is not negative; got {float(distortion.min()):g}.")
    return 10 * (PEAK**2 / distortion).log10()


def mean_psnr(pictures: Tensor, others: Tensor) -> float:
    """PSNR in dB of pictures ``(B, 3, H, W)`` in [0, 1], the mean over them; one that is equal to the other counts as 140."""
    return float(psnr(squared_error(pictures.double(), others.double()).clamp(min=PEAK**2 * 1e-14)).mean())


def quality(picture: Tensor, shown: Tensor, similarity: bool = True) -> dict[str, float]:
    """How close two pictures are, uint8 ``(3, H, W)`` each: distortion, PSNR and, unless not wanted, MS-SSIM in dB.

    MS-SSIM is nan for pictures with a side of 160 pixels or less, on which it is not defined.

    Raises:
        ReaderError: if the pictures differ in shape.
    """
    if picture.shape != shown.shape:
        raise ReaderError(
            f"Two pictures of one shape are compared; got {tuple(picture.shape)} and {tuple(shown.shape)}."
        )
    original, other = (p[None].float() / 255 for p in (picture, shown))
    distortion = squared_error(other, original)[0]
    values = {"distortion": float(distortion), "psnr": float(psnr(distortion))}
    if similarity:
        large = min(picture.shape[1:]) > 160
        values["ms_ssim"] = float(similarity_decibels(ms_ssim(other, original))[0]) if large else math.nan
    return values
