"""Photographs to paint, step by step, and what their paintings are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from lossconditioning.losses import PerceptualLoss
from lossconditioning.painting.config import PainterConfig
from lossconditioning.painting.photographs import crops
from lossconditioning.training.randomness import generator

CHUNK = 8
"""How many pictures targets are computed for at a time: always the same, for a sum's rounding depends on it."""


class Batch(NamedTuple):
    """What one step paints.

    Attributes:
        photographs: ``(B, 3, S, S)`` in [0, 1].
        content: their targets, ``(B, C, h, w)``.
        style: number of the style each is to be painted in, ``(B,)``.
        styles: those styles' targets, one ``(B, C, C)`` per style layer.
        loss: what pictures are compared with targets by.
    """

    photographs: Tensor
    content: Tensor
    style: Tensor
    styles: tuple[Tensor, ...]
    loss: PerceptualLoss


def batches(
    config: PainterConfig, photographs: Sequence[Tensor], loss: PerceptualLoss, grams: tuple[Tensor, ...], seed: int
) -> Callable[[int], Batch]:
    """Step → a batch, a function of (seed, step) alone.

    Args:
        photographs: uint8 ``(3, H, W)`` each, of any sizes.
        grams: targets of all styles, one ``(S, C, C)`` per style layer, see `style_targets`.
    """
    device = loss.features.mean.device

    @cache
    def pool() -> tuple[Tensor, Tensor]:
        """The fixed crops and their targets, when the first step asks for them."""
        cut = crops(photographs, config.side, config.crops, seed)
        return cut, torch.cat([loss.content_targets(part.to(device)).bfloat16() for part in cut.split(CHUNK)])

    def batch(step: int) -> Batch:
        draw = generator(seed, step)
        style = torch.randint(len(grams[0]), (config.batch_size,), generator=draw)
        if config.crops:
            cut, targets = pool()
            chosen = torch.randint(config.crops, (config.batch_size,), generator=draw)
            found, content = cut[chosen].to(device), targets[chosen.to(device)].float()
        else:
            found = crops(photographs, config.side, config.batch_size, seed, step * config.batch_size).to(device)
            content = loss.content_targets(found)
        style = style.to(device)
        return Batch(found, content, style, tuple(gram[style] for gram in grams), loss)

    return batch
