"""What a picture in one painting's style costs: O = L_content + λ L_style (Dynamic-Net, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets.paintings import SHIPPED_SIZE
from lossconditioning.datasets.paintings import painting as built_in
from lossconditioning.errors import ReaderError
from lossconditioning.losses import PerceptualLoss, content_loss, style_loss
from lossconditioning.systems.style_transfer.task import style_targets, units


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


def style_of(loss: PerceptualLoss, name: str, zoom: int = 1) -> tuple[Tensor, ...]:
    """A painting's targets, one ``(1, C, C)`` per style layer."""
    return style_targets(loss, [painting(name, zoom)])


def terms(
    loss: PerceptualLoss, pictures: Tensor, content: Tensor, style: tuple[Tensor, ...], **others: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    """Content and style loss of painted pictures, unweighted; each ``(B,)``.

    Both are in the units of notebook 04 (see `style_transfer.units`): style, averaged over the four layers, is about 1 for a
    photograph that was not painted, content 1 for a picture of something else.

    Args:
        pictures: ``(B, 3, H, W)``, RGB in [0, 1]; what lies outside is not cut off.
        content: from ``loss.content_targets``.
        style: `style_of` one painting, or one of several for each picture, ``(B, C, C)`` per layer.
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


def objective(values: Mapping[str, Tensor], strength: float | Tensor) -> Tensor:
    """O of each picture: terms ``(B,)`` and λ, a number or ``(B,)``, to ``(B,)``."""
    return values["content"] + strength * values["style"]
