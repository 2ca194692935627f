"""The losses that painters are trained and measured with, as a configuration asks for them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from lossconditioning.losses import PerceptualFeatures, PerceptualLoss
from lossconditioning.losses.pretrained import RANDOM
from lossconditioning.painting.config import PainterConfig
from lossconditioning.training import Run
from lossconditioning.training.devices import accelerate


def weights_for(pretrained: bool, run: Run = Run()) -> str | Path | None:  # noqa: B008 - frozen
    """Where pretrained weights are looked up: as named, else in a data folder's ``weights``; None for the usual places.

    See `PerceptualFeatures`. A configuration that does without them has random filters, whatever else is given.
    """
    if not pretrained:
        return RANDOM
    there = None if run.data is None else Path(run.data) / "weights"
    return run.weights or (there if there is not None and there.is_dir() else None)


def perceptual_loss(
    config: PainterConfig,
    run: Run = Run(),  # noqa: B008 - frozen
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> PerceptualLoss:
    """The losses a configuration is trained with; see `weights_for` and `PerceptualFeatures`.

    The same ones whenever the same are asked for: what is measured with them (`units`) is measured once.
    """
    weights = weights_for(config.pretrained, run)
    make = _loss if weights is None else _same_loss  # in the usual places there may be weights by the next time
    return make(config.features, config.style_layers, config.content_layer, weights, dtype, torch.device(device))


def training_loss(config: PainterConfig, run: Run = Run()) -> PerceptualLoss:  # noqa: B008 - frozen
    """`perceptual_loss` in the precision, and on the device, that a configuration is trained with."""
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    return perceptual_loss(config, run, dtype, accelerate(config.precision).device)


def _loss(
    features: str,
    style: tuple[str, ...],
    content: str,
    weights: str | Path | None,
    dtype: torch.dtype,
    device: torch.device,
) -> PerceptualLoss:
    found = PerceptualFeatures(dict.fromkeys((*style, content)), features, weights, dtype=dtype)
    return PerceptualLoss(found, content, style).to(device)


_same_loss = lru_cache(maxsize=8)(_loss)
