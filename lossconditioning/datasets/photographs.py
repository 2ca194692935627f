"""The photographs that scikit-image and scikit-learn ship: real pictures that need no network.

They stand in where a data set of photographs is not at hand, and they are what committed figures may show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "china", "flower")
"""Name → an RGB photograph: the first four from scikit-image, the others from scikit-learn (licences in their READMEs)."""


def photographs() -> dict[str, Tensor]:
    """All of them by name: uint8 ``(3, H, W)``, between 300 and 640 pixels a side."""
    return {name: torch.from_numpy(np.array(_reader(name)())).permute(2, 0, 1) for name in NAMES}


def _reader(name: str) -> Callable[[], np.ndarray]:
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        return lambda: load_sample_image(f"{name}.jpg")
    from skimage import data

    return getattr(data, name)
