"""Parts of photographs, as networks are trained on them."""

from __future__ import annotations

import torch
from torch import Tensor


def random_square(picture: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """A square out of a picture ``(3, H, W)``, no side below ``side``, at a random place, mirrored half of the time.

    Returns:
        ``(3, side, side)``, with the picture's own numbers.
    """
    top, left = (int(torch.randint(length - side + 1, (), generator=draw)) for length in picture.shape[1:])
    cut = picture[:, top : top + side, left : left + side]
    return cut.flip(-1) if torch.rand((), generator=draw) < 0.5 else cut
