"""Rate and distortion on photographs, from real files: of a codec, and of JPEG and WebP as Pillow writes them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lossconditioning.codec import OVERHEAD, Codec
from lossconditioning.errors import one_of
from lossconditioning.evaluation import as_metrics, curve_of
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems.compression.data import Patches
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.recipes import Config
from lossconditioning.systems.compression.task import lam_grid

Curve = dict[str, Tensor]
"""Name → ``(G,)``, one number per point."""
NAMES = ("rate", "distortion", "psnr", "ms_ssim")
"""Bits per pixel of the file, its header included; mean squared error of 0–255; decibels; and decibels of MS-SSIM."""
QUALITIES = {"jpeg": (3, 8, 15, 25, 40, 60, 75, 85, 92, 96), "webp": (1, 10, 25, 45, 65, 80, 90, 95, 98)}
"""Format → Pillow's quality settings, one file each; everything else is Pillow's default."""


def measure_file(codec: Codec, picture: Tensor, lam: float) -> dict[str, float]:
    """Code one picture, uint8 ``(3, H, W)``, and decode it again: `NAMES`, and ``size_error``.

    ``size_error`` is by how much the payload exceeds the model's own estimate, as a share.
    """
    (symbols, data), pixels = codec.encode(picture, lam), picture[0].numel()
    return {
        "rate": 8 * len(data) / pixels,
        **quality(picture, codec.decompress(data, max_pixels=pixels)),
        "size_error": 8 * (len(data) - OVERHEAD) / codec.estimate(symbols) - 1,
    }


def curve(points: Iterable[tuple[Codec, float]], pictures: Mapping[str, Tensor]) -> Curve:
    """Means over pictures, one point per (codec, λ): `NAMES` and ``size_error``."""
    return curve_of(_means(measure_file(codec, picture, lam) for picture in pictures.values()) for codec, lam in points)


def _means(pictures: Iterable[dict[str, float]]) -> dict[str, float]:
    """Means of every picture's numbers."""
    rows = list(pictures)
    return {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]}


def measure(config: Config, model: ScaleHyperprior, data: Patches) -> dict[str, float]:
    """A network's curve, for its card: ``rate_0``, ``psnr_0`` … by grid point; and ``mean_cost``, the mean of R + λ · D.

    A fixed-weight model is measured at its own λ, a conditional one at all the fixed-weight models'.
    """
    codec, grid = Codec(model), lam_grid().tolist() if config.lam is None else [config.lam]
    found = curve([(codec, lam) for lam in grid], data.held_out)
    metrics = {name: value for name, value in as_metrics("", found).items() if math.isfinite(value)}
    cost = found["rate"] + torch.tensor(grid, dtype=torch.float64) * found["distortion"]
    return {**metrics, "mean_cost": float(cost.mean())}


# The everyday codecs ------------------------------------------------------------------------------------------------------


def reference_curve(name: str, pictures: Mapping[str, Tensor], similarity: bool = True) -> Curve:
    """Means over pictures, one point per quality setting: `NAMES`.

    Args:
        name: "jpeg" or "webp".
        pictures: name → uint8 ``(3, H, W)``.
        similarity: whether to compute MS-SSIM too, which takes most of the time.
    """

    def measured(picture: Tensor, setting: int) -> dict[str, float]:
        size, shown = recode(name, picture, setting)
        return {"rate": 8 * size / picture[0].numel(), **quality(picture, shown, similarity)}

    settings = QUALITIES[one_of("format", name, QUALITIES)]
    return curve_of(_means(measured(picture, setting) for picture in pictures.values()) for setting in settings)


def recode(name: str, picture: Tensor, setting: int) -> tuple[int, Tensor]:
    """A picture through Pillow's encoder and decoder: bytes of the file, and what it shows, uint8 ``(3, H, W)``."""
    file = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, name.upper(), quality=setting)
    size = file.tell()
    with Image.open(file) as shown:
        return size, torch.from_numpy(np.array(shown.convert("RGB"))).permute(2, 0, 1)
