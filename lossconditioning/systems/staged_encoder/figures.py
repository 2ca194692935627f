"""The notebook's figures of pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lossconditioning.display import COLORS, figure, picture_grid, to_bytes
from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.systems.staged_encoder.models import Translator

WIDTH = 9.5
"""Inches that a figure is wide at most."""
_LABELS = 1.2  # inches that a grid's row labels take
_ACROSS = 4  # sampled pictures in a row
_GAP, _FRAME = 0.1, 0.03  # between two of them, and around those that are framed, in sides of a picture
Translate = Callable[[Tensor, Tensor], Tensor]
"""Layouts and pictures ``(N, 3, S, S)`` to translations: a `Translator`, or one with its λ bound."""


def _floats(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1]; uint8 ones are what data sets hold."""
    return pictures if pictures.is_floating_point() else pictures.float() / 255


@torch.no_grad()
def translations(
    models: Translate | Mapping[str, Translate],
    layouts: Tensor,
    pictures: Tensor,
    titles: Sequence[str] = (),
    *,
    rows: tuple[str, str] = ("layout", "style"),
) -> Figure:
    """Figures 2 and 3: layouts, the pictures whose style they get, and what each model makes of them; eight columns read well.

    Args:
        models: label → model, one row each; or one model.
        layouts, pictures: ``(N, 3, S, S)``, in [0, 1] or uint8, one pair per column.
        titles: above the columns, N; none if not given.
        rows: labels of the first two; say "picture" where the style is that of the layout's own picture.
    """
    named = models if isinstance(models, Mapping) else {"translated": models}
    if layouts.shape != pictures.shape or len(titles) not in (0, len(layouts)):
        raise ReaderError(
            "Each column has a layout, a picture of the same size and, if any, a title; got "
            f"{tuple(layouts.shape)}, {tuple(pictures.shape)} and {len(titles)} titles."
        )
    given = _floats(layouts), _floats(pictures)
    shown = {**dict(zip(rows, given, strict=True)), **{name: model(*given) for name, model in named.items()}}
    count = len(layouts)
    return picture_grid(shown, list(titles) or [""] * count, side=min(1.45, (WIDTH - _LABELS) / count))


@torch.no_grad()
def interpolation(model: Translator, layouts: Tensor, first: Tensor, second: Tensor, count: int = 7) -> Figure:
    """Figure 4: each layout on a straight line from the code of one picture to that of another.

    Args:
        model: the translator.
        layouts: ``(N, 3, S, S)``, in [0, 1] or uint8, one row each.
        first, second: of each row the picture at either end, ``(N, 3, S, S)``, or one for all rows, ``(3, S, S)``.
        count: steps, of which the first and the last have the codes of the pictures themselves; 2 or more.
    """
    if positive_int("count", count) < 2:
        raise ReaderError("A line of codes has two ends: count is 2 or more; got 1.")
    layouts, first, second = (_floats(each) for each in (layouts, first, second))
    first, second = (each.expand_as(layouts) for each in (first, second))
    starts, ends = (model.encoder(each).z for each in (first, second))
    shares = torch.linspace(0, 1, count).tolist()
    steps = [model.generator(layouts, torch.lerp(starts, ends, share)) for share in shares]
    columns = ["layout", "style A", *(f"{share:.0%}".replace("%", " %") for share in shares), "style B"]
    rows = {" " * row: list(pictures) for row, pictures in enumerate(zip(layouts, first, *steps, second, strict=True))}
    return picture_grid(rows, columns, side=WIDTH / len(columns))


@torch.no_grad()
def samples(
    model: Translator, layout: Tensor, sampled: Mapping[str, Tensor], outside: Mapping[str, Tensor] | None = None
) -> Figure:
    """Figures 5 and 9: a layout in sampled styles, a block of four columns for each way to sample.

    Args:
        model: the translator.
        layout: ``(3, S, S)``, in [0, 1] or uint8.
        sampled: title → codes ``(M, Z)``, 16 in the paper.
        outside: title → which of the codes lie outside, bool ``(M,)``, see `lies_outside`: these have a dashed frame.
    """
    layout, masks = _floats(layout), outside or {}
    lines = max(-(-len(codes) // _ACROSS) for codes in sampled.values())
    widths = [1 + _GAP, *([_ACROSS * (1 + _GAP)] * len(sampled))]
    high = (WIDTH - 0.2) / sum(widths) * lines * (1 + _GAP)  # inches
    made, axes = figure(len(widths), size=(WIDTH, high + 0.4), width_ratios=widths)
    _block(axes[0], layout[None], [False], 1, lines)
    axes[0].set_title("layout", fontsize=10)
    for axis, (title, codes) in zip(axes[1:], sampled.items(), strict=True):
        mask = masks.get(title, torch.zeros(len(codes), dtype=torch.bool))
        if mask.shape != codes.shape[:1]:
            raise ReaderError(
                f"One bool for each of {len(codes)} codes says what lies outside; got {tuple(mask.shape)}."
            )
        _block(axis, model.generator(layout.expand(len(codes), -1, -1, -1), codes), mask.tolist(), _ACROSS, lines)
        said = f": {int(mask.sum())} of {len(mask)} outside (framed)" if title in masks else ""
        axis.set_title(f"{title}{said}", fontsize=10)
    return made


def _block(axis: Axes, pictures: Tensor, framed: Sequence[bool], across: int, lines: int) -> None:
    """Pictures of side 1 in rows, with room for as many lines; some of them in a dashed frame."""
    step = 1 + _GAP
    for number, picture in enumerate(pictures):
        left, top = number % across * step, number // across * step
        axis.imshow(to_bytes(picture), extent=(left, left + 1, top + 1, top))
        if framed[number]:
            corner, side = (left - _FRAME / 2, top - _FRAME / 2), 1 + _FRAME
            axis.add_patch(Rectangle(corner, side, side, fill=False, ec="white", lw=3.5))
            axis.add_patch(Rectangle(corner, side, side, fill=False, ec=COLORS["fixed"], lw=2.5, ls=(0, (4, 1.5))))
    axis.set(xlim=(-_GAP / 2, across * step - _GAP / 2), ylim=(lines * step - _GAP / 2, -_GAP / 2))
    axis.axis("off")
