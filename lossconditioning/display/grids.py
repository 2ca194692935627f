"""Pictures among axes: rows of them with labels, and blank ones for panels to fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from lossconditioning.display.figures import LiveFigure, figure


def to_bytes(picture: Tensor) -> np.ndarray:
    """``(3, H, W)``, numbers in [0, 1] or uint8, as uint8 ``(H, W, 3)``."""
    if picture.is_floating_point():
        picture = (255 * picture.detach().clamp(0, 1)).round().to(torch.uint8)
    return picture.permute(1, 2, 0).numpy()


def picture_grid(
    rows: Mapping[str, Sequence[Tensor]],
    columns: Sequence[str],
    side: float = 1.45,
    below: Sequence[str] = (),
    *,
    pixels: bool = False,
) -> Figure:
    """Rows of pictures with labels.

    Args:
        rows: label → pictures ``(3, H, W)``, in [0, 1] or uint8, one per column.
        columns: a label for each.
        side: inches that a picture is wide.
        below: labels for the last row, under its pictures.
        pixels: show each pixel as a square, where pictures are small; else they are smoothed.
    """
    count, first = len(columns), next(iter(rows.values()))[0]
    high = side * first.shape[1] / first.shape[2]
    made, axes = figure(count, len(rows), size=(side * count + (1.2 if any(rows) else 0), high * len(rows) + 0.4))
    for index, (label, pictures) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            axis = axes[index * count + column]
            axis.imshow(to_bytes(picture), interpolation="nearest" if pixels else "antialiased")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if index == 0:
                axis.set_title(columns[column], fontsize=9, loc="center")
            if below and index == len(rows) - 1:
                axis.set_xlabel(below[column], fontsize=9)
            if column == 0:
                axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return made


def blank_pictures(
    axes: Sequence[Axes], height: int, width: int | None = None, titles: Sequence[str] = ()
) -> list[AxesImage]:
    """White pictures of one size, without ticks, for a panel to fill by ``set_data``; titles for the first of them."""
    empty = np.full((height, width or height, 3), 255, dtype=np.uint8)
    shown = [axis.imshow(empty, interpolation="nearest") for axis in axes]
    for axis in axes:
        axis.axis("off")
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title)
    return shown


class LiveRow:
    """A figure of pictures side by side, for a panel that changes all of them in every frame.

    Args:
        titles: of the pictures, one each; an empty one for none.
        side: their height and width, in pixels.
        size: the figure's width and height, in inches.
    """

    def __init__(self, titles: Sequence[str], side: int, size: tuple[float, float]):
        made, axes = figure(len(titles), size=size)
        self.shown = blank_pictures(axes, side, titles=titles)
        self.live = LiveFigure(made, self.shown)

    def frame(self, pictures: Iterable[Tensor]) -> bytes:
        """The frame with these pictures, one for each title, ``(3, side, side)`` as `to_bytes` takes them."""
        for artist, picture in zip(self.shown, pictures, strict=True):
            artist.set_data(to_bytes(picture))
        return self.live.frame()
