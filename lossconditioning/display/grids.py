"""Pictures among axes: rows of them with labels, and blank ones for panels to fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import offset_copy
from torch import Tensor
from torch.nn.functional import interpolate

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
    below: Sequence[str] | Mapping[str, Sequence[str]] = (),
    *,
    pixels: bool = False,
) -> Figure:
    """Rows of pictures with labels.

    Args:
        rows: label → pictures ``(3, H, W)``, in [0, 1] or uint8, one per column; no room is left for labels that are all blank.
        columns: a label for each.
        side: inches that a picture is wide.
        below: labels for the last row, under its pictures; or row's label → labels under that row.
        pixels: show each pixel as a square, where pictures are small; else they are smoothed.
    """
    count, first = len(columns), next(iter(rows.values()))[0]
    high = side * first.shape[1] / first.shape[2]
    under = below if isinstance(below, Mapping) else {list(rows)[-1]: below}
    lines = 0.4 + 0.25 * (len(under) - 1)  # inches, for labels above and below
    made, axes = figure(
        count, len(rows), size=(side * count + (1.2 if any(map(str.strip, rows)) else 0), high * len(rows) + lines)
    )
    for index, (label, pictures) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            axis = axes[index * count + column]
            axis.imshow(to_bytes(picture), interpolation="nearest" if pixels else "antialiased")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if index == 0:
                axis.set_title(columns[column], fontsize=9, loc="center")
            if under.get(label):
                axis.set_xlabel(under[label][column], fontsize=9)
            if column == 0:
                axis.set_ylabel(label.strip(), rotation=0, ha="right", va="center", fontsize=9)
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


def exact_axes(count: int, side: int, *, above: int = 26, below: int = 0, gap: int = 12) -> tuple[Figure, np.ndarray]:
    """A figure of square axes side by side, each of a whole number of pixels: pictures of that size are not resampled.

    Args:
        count: of axes.
        side: their height and width, in pixels.
        above, below: pixels for titles and for what stands under the axes.
        gap: pixels between two axes and at both edges.
    """
    wide, high = count * (side + gap) + gap, above + side + below
    made, axes = figure(count, size=(wide / 100, high / 100))  # 100 dots per inch
    made.set_layout_engine("none")
    for column, axis in enumerate(axes):
        axis.set_position([(gap + column * (side + gap)) / wide, below / high, side / wide, side / high])
    return made, axes


def enlarged(pictures: Tensor, times: int) -> Tensor:
    """Pictures ``(N, 3, H, W)``, numbers in [0, 1], smoothly enlarged a whole number of times."""
    return interpolate(pictures.float(), scale_factor=times, mode="bicubic").clamp(0, 1)


class LiveRow:
    """A figure of pictures side by side, for a panel that changes all of them in every frame.

    Args:
        titles: of the pictures, one each; an empty one for none.
        side: their height and width, in pixels.
        times: how many times they are enlarged, a whole number.
    """

    def __init__(self, titles: Sequence[str], side: int, times: int = 1):
        self.times = times
        made, axes = exact_axes(len(titles), times * side, above=26 if any(titles) else 6, below=28)
        self.shown = blank_pictures(axes, times * side, titles=titles)
        below = offset_copy(axes[0].transAxes, made, 0, -6, units="dots")
        self.note = axes[0].text(0, 0, "", transform=below, va="top", size=11)
        self.live = LiveFigure(made, [*self.shown, self.note])

    def frame(self, pictures: Tensor, note: str = "") -> bytes:
        """The frame with these pictures.

        Args:
            pictures: one for each title, ``(N, 3, side, side)``, numbers in [0, 1].
            note: what is said below them, such as α: a saved frame has no slider.
        """
        for artist, picture in zip(self.shown, enlarged(pictures, self.times), strict=True):
            artist.set_data(to_bytes(picture))
        self.note.set_text(note)
        return self.live.frame()
