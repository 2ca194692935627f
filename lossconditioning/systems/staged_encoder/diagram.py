"""The three stages of training as a drawing (StEP, Figure 1), and where the style joins the generator (A.1)."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lossconditioning.display import COLORS
from lossconditioning.display.boxes import LAYER, OTHER, TOLD, arrow, box, canvas

_FROZEN, _HATCH = "#d4d4d4", "#bdbdbd"
_BLUE = COLORS["conditional"]
_SIDES = ("1", "½", "¼", "⅛", "1/16")
"""What share of the picture's side features have, from the stem down."""
_GAP = 0.165


def stages_diagram() -> Figure:
    """Stage 1 and the generator above; stages 2 and 3, which differ in what is frozen, below."""
    made, axis = canvas(13.3, 8.35, size=(9.5, 6.0))
    _pretraining(axis, 0.0, 4.25)
    _generator(axis, 6.9, 4.25)
    _translation(axis, 0.0, 0.0, "Stage 2: train G and D", frozen=True)
    _translation(axis, 6.9, 0.0, "Stage 3: train all of them", frozen=False)
    return made


def _heading(axis: Axes, x: float, y: float, said: str) -> None:
    axis.text(x, y, said, size=10.5, weight="bold", va="bottom")


def _frozen(axis: Axes, x: float, y: float, wide: float, high: float, label: str) -> None:
    """A hatched grey box."""
    shape = FancyBboxPatch(
        (x, y), wide, high, "round,pad=0,rounding_size=0.12", fc=_FROZEN, ec=_HATCH, hatch="///", lw=0
    )
    axis.add_patch(shape)
    box(axis, x, y, wide, high, label, "none")


def _pretraining(axis: Axes, x: float, y: float) -> None:
    """A triplet of pictures, the encoder, the triplet loss."""
    _heading(axis, x, y + 3.75, "Stage 1: pre-train the encoder E")
    box(axis, x + 1.95, y + 0.35, 0.9, 3.1, "E", TOLD)
    rows = (("anchor", "$z_a$"), ("positive:\nsimilar style", "$z_p$"), ("negative:\nother style", "$z_n$"))
    for number, (label, code) in enumerate(rows):
        level = y + 2.65 - 1.15 * number
        box(axis, x, level, 1.5, 0.8, label, "white")
        arrow(axis, (x + 1.5, level + 0.4), (x + 1.95, level + 0.4))
        arrow(axis, (x + 2.85, level + 0.4), (x + 3.25, level + 0.4))
        box(axis, x + 3.25, level + 0.1, 0.6, 0.6, code, TOLD)
        arrow(axis, (x + 3.85, level + 0.4), (x + 4.35, y + 1.9 + 0.25 * (1 - number)))
    box(axis, x + 4.35, y + 1.25, 1.75, 1.3, "triplet loss:\n$z_p$ nearer to $z_a$\nthan $z_n$ is", OTHER)


def _translation(axis: Axes, x: float, y: float, heading: str, *, frozen: bool) -> None:
    """Layout and picture, encoder, generator, discriminator and losses."""
    _heading(axis, x, y + 3.75, heading)
    box(axis, x, y + 2.3, 1.25, 0.9, "picture y", "white")
    box(axis, x, y + 0.5, 1.25, 0.9, "layout x", "white")
    if frozen:
        _frozen(axis, x + 1.7, y + 2.3, 0.95, 0.9, "E\nfrozen")
    else:
        box(axis, x + 1.7, y + 2.3, 0.95, 0.9, "E\nrate ÷ 10", TOLD)
    box(axis, x + 3.05, y + 2.45, 0.6, 0.6, "z", TOLD)
    box(axis, x + 2.85, y + 0.5, 1.0, 0.9, "G", LAYER)
    box(axis, x + 4.25, y + 0.5, 0.85, 0.9, "G(x, z)", "white")
    box(axis, x + 5.4, y + 0.5, 0.85, 0.9, "D", OTHER)
    box(axis, x + 4.25, y + 2.3, 2.0, 0.9, "reconstruction loss\n(perceptual)", OTHER)
    for start, end in (
        ((1.25, 2.75), (1.7, 2.75)),
        ((2.65, 2.75), (3.05, 2.75)),
        ((1.25, 0.95), (2.85, 0.95)),
        ((3.85, 0.95), (4.25, 0.95)),
        ((5.1, 0.95), (5.4, 0.95)),
        ((4.675, 1.4), (4.675, 2.3)),
    ):
        arrow(axis, (x + start[0], y + start[1]), (x + end[0], y + end[1]))
    arrow(axis, (x + 3.35, y + 2.45), (x + 3.35, y + 1.4), _BLUE)
    axis.plot([x + 0.625, x + 0.625, x + 5.25], [y + 3.2, y + 3.45, y + 3.45], color=COLORS["data"], lw=1.1)
    arrow(axis, (x + 5.25, y + 3.45), (x + 5.25, y + 3.2))
    axis.text(x + 6.25, y + 0.38, "adversarial loss; D sees x, too", size=8.5, ha="right", va="top")


def _generator(axis: Axes, x: float, y: float) -> None:
    """The layers of G, as high as their features are; z goes to all of the first half, skips to the second."""
    _heading(axis, x, y + 3.75, "G: z joins each layer of its first half")
    labels = (*_SIDES, "9 res.\nblocks", *reversed(_SIDES[:-1]))
    middle, left, places = y + 1.85, x, []
    for number, label in enumerate(labels):
        level = min(number, len(labels) - 1 - number, len(_SIDES) - 1)
        wide, high = 0.85 if "blocks" in label else 0.42, 1.7 - 0.28 * level
        box(axis, left, middle - high / 2, wide, high, label, TOLD if number < len(_SIDES) else LAYER)
        places.append((left + wide / 2, high / 2))
        arrow(axis, (left - _GAP, middle), (left, middle))
        left += wide + _GAP
    arrow(axis, (left - _GAP, middle), (left, middle))
    axis.text(x - _GAP - 0.08, middle, "x", size=9, ha="right", va="center")
    for number in range(len(_SIDES) - 1):  # skips, the outermost on top
        (start, top), (end, _) = places[number], places[-1 - number]
        over = middle + 1.45 - 0.14 * number
        axis.plot([start, start, end], [middle + top, over, over], color=COLORS["data"], lw=1.0)
        arrow(axis, (end, over), (end, middle + top))
    axis.text((places[0][0] + places[-1][0]) / 2, middle + 1.47, "skips", size=8.5, ha="center", va="bottom")
    along = y + 0.55
    for start, low in places[: len(_SIDES)]:
        arrow(axis, (start, along), (start, middle - low), _BLUE)
    axis.plot([places[0][0], places[len(_SIDES) - 1][0]], [along, along], color=_BLUE, lw=1.5)
    axis.text(places[0][0] - 0.2, along - 0.1, "z, the same at every place", size=9, va="top", color=_BLUE)
    axis.text(places[-1][0] + 0.2, along - 0.1, "½: half of the picture's side", size=8.5, ha="right", va="top")
