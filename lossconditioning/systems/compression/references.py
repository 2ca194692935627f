"""The everyday codecs to compare with: JPEG and WebP, as Pillow writes them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lossconditioning.errors import one_of
from lossconditioning.systems.compression.measures import quality

QUALITIES = {"jpeg": (3, 8, 15, 25, 40, 60, 75, 85, 92, 96), "webp": (1, 10, 25, 45, 65, 80, 90, 95, 98)}
"""Format → Pillow's quality settings, one file each; everything else is Pillow's default."""


def reference_curve(name: str, pictures: Mapping[str, Tensor], similarity: bool = True) -> dict[str, Tensor]:
    """Means over pictures, one point per quality setting.

    Args:
        name: "jpeg" or "webp".
        pictures: name → uint8 ``(3, H, W)``.
        similarity: whether to compute MS-SSIM too, which takes most of the time.

    Returns:
        as `measures.curve`, without ``size_error``.
    """
    settings = QUALITIES[one_of("format", name, QUALITIES)]
    rows = [[_measure(name, picture, setting, similarity) for picture in pictures.values()] for setting in settings]
    return {
        key: torch.tensor([math.fsum(r[key] for r in row) / len(row) for row in rows], dtype=torch.float64)
        for key in rows[0][0]
    }


def recode(name: str, picture: Tensor, setting: int) -> tuple[int, Tensor]:
    """A picture through Pillow's encoder and decoder: bytes of the file, and what it shows, uint8 ``(3, H, W)``."""
    file = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, name.upper(), quality=setting)
    size = file.tell()
    with Image.open(file) as shown:
        return size, torch.from_numpy(np.array(shown.convert("RGB"))).permute(2, 0, 1)


def _measure(name: str, picture: Tensor, setting: int, similarity: bool) -> dict[str, float]:
    size, shown = recode(name, picture, setting)
    return {"rate": 8 * size / (picture.shape[1] * picture.shape[2]), **quality(picture, shown, similarity)}
