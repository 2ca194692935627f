"""Parts of photographs, as networks are trained on them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def random_square(picture: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """A square out of a picture ``(3, H, W)``, no side below ``side``, at a random place, mirrored half of the time.

    Returns:
        ``(3, side, side)``, with the picture's own numbers.
    """
    top, left = (int(torch.randint(length - side + 1, (), generator=draw)) for length in picture.shape[1:])
    cut = picture[:, top : top + side, left : left + side]
    return cut.flip(-1) if torch.rand((), generator=draw) < 0.5 else cut


def middle_square(picture: Tensor, side: int) -> Tensor:
    """The middle of a picture, uint8 ``(3, H, W)``, its shorter side made ``side`` pixels long: uint8 ``(3, side, side)``."""
    height, width = picture.shape[1:]
    if min(height, width) != side:
        picture = scaled(picture, *(max(side, round(length * side / min(height, width))) for length in (height, width)))
    top, left = ((length - side) // 2 for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]


def scaled(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture, uint8 ``(3, H, W)``, in another size, bicubically and without aliasing: uint8 ``(3, height, width)``."""
    if picture.shape[1:] == (height, width):
        return picture.clone()
    fine = interpolate(picture[None].float(), (height, width), mode="bicubic", antialias=True, align_corners=False)[0]
    return fine.round().clamp(0, 255).byte()
