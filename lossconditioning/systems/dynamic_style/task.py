"""What a picture in one painting's style costs: O = L_content + λ L_style (Dynamic-Net, section 4.1)."""

from __future__ import annotations

from functools import lru_cache

import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.datasets.paintings import SHIPPED_SIZE
from lossconditioning.datasets.paintings import painting as built_in
from lossconditioning.errors import ReaderError
from lossconditioning.losses import PerceptualLoss, content_loss, style_loss
from lossconditioning.painting import Batch as Pictures
from lossconditioning.painting import style_targets, units

Targets = tuple[Tensor, ...]
"""Of one painting, ``(1, C, C)`` per style layer; or of one for each picture, ``(B, C, C)``."""
Batch = tuple[Pictures, Tensor | None]
"""What is painted; and what a network is told in place of λ, if it is: shares of several styles, ``(B, 2)``."""


def painting(name: str, zoom: int = 1) -> Tensor:
    """One of the built-in paintings, uint8 ``(3, 256, 256)``; ``zoom`` times as coarse, its middle enlarged."""
    picture = built_in(name)
    if zoom == 1:
        return picture
    part = SHIPPED_SIZE // zoom
    start = (SHIPPED_SIZE - part) // 2
    cut = picture[None, :, start : start + part, start : start + part].float()
    large = F.interpolate(cut, (SHIPPED_SIZE, SHIPPED_SIZE), mode="bicubic", align_corners=False)[0]
    return large.round().clamp(0, 255).byte()


@lru_cache(maxsize=16)
def style_of(loss: PerceptualLoss, name: str, zoom: int = 1) -> Targets:
    """A painting's targets."""
    return style_targets(loss, [painting(name, zoom)])


def terms(model: nn.Module, batch: Batch, lam: Tensor) -> dict[str, Tensor]:
    """Content and style loss of what a model paints, unweighted; each ``(B,)``.

    Args:
        model: called as ``model(photographs, lam)``, or with the code of a style in place of λ.
        lam: ``(B,)``.
    """
    pictures, code = batch
    painted = model(pictures.photographs, lam if code is None else code)
    return painted_terms(pictures.loss, painted, pictures.content, pictures.styles)


def painted_terms(
    loss: PerceptualLoss, pictures: Tensor, content: Tensor, style: Targets, **others: Targets
) -> dict[str, Tensor]:
    """Content and style loss of pictures that are painted already, unweighted; each ``(B,)``.

    Both are in the units of notebook 04 (see `painting.units`): style, averaged over the four layers, is about 1 for a
    photograph that was not painted, content 1 for a picture of something else.

    Args:
        pictures: ``(B, 3, H, W)``, RGB in [0, 1]; what lies outside is not cut off.
        content: from ``loss.content_targets``.
        style: the targets of the style they should have.
        **others: more paintings to hold the pictures against; term's name → their targets.
    """
    if len(loss.style) != 4:
        raise ReaderError(f"Style is compared at four layers here; got {loss.style}.")
    scale, found = units(loss), loss.features(pictures)
    values = {"content": content_loss(found[loss.content], content) / scale["content"]}
    for name, targets in {"style": style, **others}.items():
        parts = [
            style_loss(found[layer], target.expand(len(pictures), -1, -1)) / scale[unit]
            for unit, layer, target in zip(loss.names, loss.style, targets, strict=False)
        ]
        values[name] = sum(parts) / len(parts)
    return values
