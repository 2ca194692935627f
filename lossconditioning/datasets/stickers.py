"""Things to paste into a picture: some drawn by this project, and a flower out of a photograph."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import torch
from scipy.ndimage import binary_fill_holes, gaussian_filter, label
from torch import Tensor
from torch.nn.functional import interpolate

from lossconditioning.datasets.board import Board
from lossconditioning.datasets.photographs import photographs
from lossconditioning.errors import one_of


def sticker(name: str, side: int) -> Tensor:
    """A thing and how opaque it is: uint8 ``(4, side, side)``, RGB and alpha; an unknown name is answered with those known."""
    whole = _sticker(one_of("sticker", name, STICKERS))
    covered = torch.cat([whole[:3] * whole[3:], whole[3:]])[None]  # what is transparent has no colour to mix in
    small = interpolate(covered, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]
    color = small[:3] / small[3:].clamp(min=1e-3)
    return (torch.cat([color, small[3:]]).clamp(0, 1) * 255).round().byte()


@lru_cache(maxsize=8)
def _sticker(name: str) -> Tensor:
    """RGB and alpha, ``(4, S, S)`` in [0, 1]."""
    return torch.from_numpy(STICKERS[name]()).float().permute(2, 0, 1)


def _drawn(draw: Callable[[Board], None]) -> np.ndarray:
    """What is drawn, ``(256, 256, 4)``: laid over black and over white, to tell how opaque it is."""
    boards = Board(0), Board(0)
    boards[1].image += 1
    for board in boards:
        draw(board)
    black, white = (board.image for board in boards)
    opaque = np.clip(1 - (white - black).mean(-1, keepdims=True), 0, 1)
    return np.concatenate([black / np.maximum(opaque, 1e-3), opaque], axis=-1)


def _balloon(b: Board) -> None:
    b.triangle("a01c30", (0.24, 0.56), (0.76, 0.56), (0.5, 0.9))
    for x in (0.45, 0.54):
        b.box("3a2c24", x, 0.78, 0.01, 0.12)
    for color, radius in (("c82838", 0.36), ("f4c83c", 0.26), ("c82838", 0.16), ("f4c83c", 0.06)):
        b.disc(color, 0.5, 0.38, radius, squeeze=0.36 / radius)
    b.box("7a4c28", 0.435, 0.88, 0.13, 0.1)


def _boat(b: Board) -> None:
    b.boat("6a2c20", "fff4dc", 0.46, 0.78, 0.72)


def _house(b: Board) -> None:
    b.house("d8543c", "4c3438", 0.2, 0.95, 0.6, "ffe070")


def _flower() -> np.ndarray:
    """The dahlia of scikit-learn's photograph: what is orange there, in one piece and without holes."""
    photograph = photographs()["flower"].permute(1, 2, 0).numpy()[78:378, 160:460].astype(np.float32) / 255
    pieces, _ = label(photograph[..., 0] - photograph[..., 2] > 0.2)
    flower = binary_fill_holes(pieces == pieces[150, 150])
    opaque = gaussian_filter(flower.astype(np.float32), 1.0)[..., None]
    return np.concatenate([photograph, opaque], axis=-1)


STICKERS: dict[str, Callable[[], np.ndarray]] = {
    "balloon": partial(_drawn, _balloon),
    "boat": partial(_drawn, _boat),
    "house": partial(_drawn, _house),
    "flower": _flower,
}
"""Name → what makes its colours and opacity, ``(S, S, 4)`` in [0, 1]."""
