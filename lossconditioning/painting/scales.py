"""What counts as 1 of each loss of a painted picture, whatever network the features come from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from lossconditioning.datasets import paintings, photographs
from lossconditioning.losses import PerceptualLoss, gram, total_variation
from lossconditioning.painting.photographs import PAINTING_SIDE, middle_square

SIDE = 128
"""Pixels a side of the pictures that units are measured on."""


def style_targets(loss: PerceptualLoss, pictures: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Gram matrices of paintings, uint8 ``(3, H, W)`` each, of any sizes: one ``(S, C, C)`` per style layer.

    They are looked at one by one: the activations of all of them at once would not fit in a cache.
    """
    device = loss.features.mean.device
    each = [loss.style_targets(picture[None].to(device).float() / 255) for picture in pictures]
    return tuple(torch.cat(layer) for layer in zip(*each, strict=True))


@lru_cache(maxsize=8)
def units(loss: PerceptualLoss) -> dict[str, float]:
    """What counts as 1 of each term, for a network's features; measured on the built-in photographs and paintings.

    Style: the loss of a photograph against a painting, averaged over all pairs. Content: the loss between two different
    photographs. Total variation: that of the photographs.
    """
    device = loss.features.mean.device
    pictures = torch.stack([middle_square(picture, SIDE) for picture in photographs().values()]).to(device)
    # Not in the half precision that training may be under: what counts as 1 is the same everywhere.
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        found = loss.features(pictures)
        targets = style_targets(loss, paintings(size=PAINTING_SIDE).values())
        measured = {}
        for name, layer, target in zip(loss.names, loss.style, targets, strict=False):
            measured[name] = float((gram(found[layer])[:, None] - target[None]).square().mean())
        content = found[loss.content]
        measured["content"] = sum(float((a - b).square().mean()) for a, b in pairwise(content)) / (len(content) - 1)
    measured["total_variation"] = float(total_variation(pictures).mean())
    return measured
