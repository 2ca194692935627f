"""Rate and distortion of a codec on photographs, from real files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lossconditioning.evaluation.rate_distortion import ms_ssim, similarity_decibels
from lossconditioning.systems.compression.codec import Codec
from lossconditioning.systems.compression.container import OVERHEAD
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.recipes import FIXED, Config
from lossconditioning.systems.compression.task import lambda_grid, psnr, squared_error

Values = dict[str, Tensor]
NAMES = ("rate", "distortion", "psnr", "ms_ssim")
"""Bits per pixel of the file, its header included; mean squared error of 0–255; decibels; and decibels of MS-SSIM."""


def quality(picture: Tensor, shown: Tensor, similarity: bool = True) -> dict[str, float]:
    """How close two pictures are, uint8 ``(3, H, W)`` each: distortion, PSNR and, unless not wanted, MS-SSIM in dB.

    MS-SSIM is nan for pictures with a side of 160 pixels or less, on which it is not defined.
    """
    original, other = (p[None].float() / 255 for p in (picture, shown))
    distortion = squared_error(other, original)[0]
    values = {"distortion": float(distortion), "psnr": float(psnr(distortion))}
    if similarity:
        large = min(picture.shape[1:]) > 160
        values["ms_ssim"] = float(similarity_decibels(ms_ssim(other, original))[0]) if large else math.nan
    return values


def measure(codec: Codec, picture: Tensor, weight: float) -> dict[str, float]:
    """Code one picture, uint8 ``(3, H, W)``, and decode it again: `NAMES`, and ``size_error``.

    ``size_error`` is by how much the payload exceeds the model's own estimate, as a share.
    """
    symbols = codec.symbols(picture, weight)
    height, width = picture.shape[1:]
    data = codec.pack(symbols, height, width, weight)
    return {
        "rate": 8 * len(data) / (height * width),
        **quality(picture, codec.decompress(data, max_pixels=height * width)),
        "size_error": 8 * (len(data) - OVERHEAD) / codec.estimate(symbols) - 1,
    }


def curve(points: Iterable[tuple[Codec, float]], pictures: Mapping[str, Tensor]) -> Values:
    """Means over pictures, one point per (codec, λ): name → ``(G,)``, `NAMES` and ``size_error``."""
    rows = [[measure(codec, picture, weight) for picture in pictures.values()] for codec, weight in points]
    return {name: torch.tensor([_mean(row, name) for row in rows], dtype=torch.float64) for name in rows[0][0]}


def _mean(rows: list[dict[str, float]], name: str) -> float:
    return math.fsum(row[name] for row in rows) / len(rows)


def weights_of(config: Config) -> list[float]:
    """Where a model is measured: a fixed one at its own λ, a conditional one at all the fixed models'."""
    return lambda_grid(FIXED).tolist() if config.lam is None else [config.lam]


def card_metrics(config: Config, model: ScaleHyperprior, pictures: Mapping[str, Tensor]) -> dict[str, float]:
    """A curve as numbers for a card: ``rate_0``, ``psnr_0`` … by grid point; and ``mean_cost``, the mean of R + λ · D."""
    codec, weights = Codec(model), weights_of(config)
    values = curve([(codec, weight) for weight in weights], pictures)
    metrics = {f"{name}_{i}": float(v) for name, row in values.items() for i, v in enumerate(row) if math.isfinite(v)}
    cost = values["rate"] + torch.tensor(weights, dtype=torch.float64) * values["distortion"]
    return {**metrics, "mean_cost": float(cost.mean())}
