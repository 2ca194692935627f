"""Outlines of drawn faces, and the faces: pairs whose style is known exactly, in place of edges → shoes and handbags.

An outline shows the form of a face, all that is in it and on it, and no colour: not that of the hair, the skin, the clothes or
the background, nor what is lit. These are the style. Nothing is downloaded; the pictures come under this project's licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch

from lossconditioning.datasets.drawn_faces import SIDE, draw
from lossconditioning.datasets.faces import ATTRIBUTES, TRAITS, chances, portrait
from lossconditioning.datasets.pairs import Pairs, styled_by
from lossconditioning.datasets.people import FIRST
from lossconditioning.errors import one_of, positive_int

STYLE = (
    *("blond_hair", "hair_shade", "pale_skin", "skin_shade", "blush", "freckles", "eye_color"),
    *("frame_color", "hat_color", "clothes_color", "stripes"),
    *("background", "slant", "glow_x", "glow_y"),
    *("bubble_x", "bubble_y", "bubble_size", "bubble2_x", "bubble2_y", "bubble2_size"),
)
"""What a face shows and its outline does not: of `faces.ATTRIBUTES` and `faces.TRAITS`."""

FACTORS = {
    "hair": ("dark", "blond"),
    "skin": ("dark", "pale"),
    "clothes": ("vermilion", "amber", "teal", "blue", "violet", "crimson", "white", "slate", "green", "rose"),
    "background": ("peach", "ice", "lilac", "mint", "pink", "cream", "sky", "apricot", "lavender", "turquoise"),
}
"""Factor of style → its values. A background lies between two of its colours; the nearest one is named."""

_AT_ONCE = 16
_DRAWN = (*ATTRIBUTES, *TRAITS)


def outlines(count: int = 1000, split: str = "train", styles: Sequence[int] | None = None) -> Pairs:
    """Outlines of drawn faces and the faces, 64×64. Factors of style: `FACTORS`.

    Args:
        count: how many.
        split: "train", "valid" or "test"; no face is in two of them.
        styles: for each pair, the number of that pair of this part, from 0, whose style it gets; its own if not given. So one
            outline can be had in any style: what a translation in that style should give.

    Raises:
        ReaderError: for an unknown split, or a count or styles that are none.

    Example:
        >>> found = outlines(2)
        >>> found.style(0)
        {'hair': 'blond', 'skin': 'dark', 'clothes': 'white', 'background': 'turquoise'}
    """
    first = FIRST[one_of("split", split, FIRST)]
    styles = styled_by(styles, positive_int("count", count))
    style = np.array([name in STYLE for name in _DRAWN])
    layouts, pictures = torch.empty(2, count, 3, SIDE, SIDE, dtype=torch.uint8)
    factors = torch.empty(count, len(FACTORS), dtype=torch.int64)
    for begin in range(0, count, _AT_ONCE):
        part = slice(begin, min(begin + _AT_ONCE, count))
        form, look = (
            np.stack([chances(0, first + number) for number in numbers])
            for numbers in (range(part.start, part.stop), styles[part])
        )
        drawn = np.where(style, look, form)
        layouts[part] = torch.from_numpy(_outline(portrait(drawn, {})))
        pictures[part] = torch.from_numpy(draw(portrait(drawn, {})))
        factors[part] = torch.from_numpy(_factors(drawn))
    said = f"outlines and drawn faces {first:,} to {first + count - 1:,}"
    return Pairs(layouts, pictures, factors, tuple(FACTORS), tuple(FACTORS.values()), said)


def _factors(drawn: np.ndarray) -> np.ndarray:
    """The values of the factors, int64 ``(B, 4)``, by the numbers that decide what faces are like."""
    blond, pale, clothes, background = (
        drawn[:, _DRAWN.index(name)] for name in ("blond_hair", "pale_skin", "clothes_color", "background")
    )
    color, sky = len(FACTORS["clothes"]), len(FACTORS["background"])
    nearest = np.floor(background * (sky - 1) + 0.5)
    return np.stack([blond < 0.5, pale < 0.5, np.floor(clothes * color), nearest], axis=1).astype(np.int64)


_AREAS = {"hair": 0, "sky": 1, "cloth": 2, "knit": 2}
"""What an outline goes around: colour of a face → the channel in which it is marked."""
_UNSEEN = {"blush": 0, "freckles": -1, "stripes": -1, "glow_x": 999, "bubble_size": -9, "bubble2_size": -9}
"""Trait → a value at which it does not show."""


def _outline(face: SimpleNamespace) -> np.ndarray:
    """Dark lines on white, uint8 ``(B, 3, 64, 64)``: around what has a colour of its own, and what is a line in the face."""
    plain = _colored(face, {})
    # What is drawn in a fixed colour, such as the eyes, is the same in both, so that only the areas remain.
    areas = plain - _colored(face, {name: 1 - np.eye(3, dtype=np.float32)[c] for name, c in _AREAS.items()})
    wide = np.pad(areas, ((0, 0), (0, 0), (0, 1), (0, 1)), mode="edge")
    across, down = wide[..., :-1, 1:] - areas, wide[..., 1:, :-1] - areas
    around = np.sqrt((across * across + down * down).sum(1))
    lines = (1 - plain).mean(1) * (areas[:, 2] < 0.2)  # hats and clothes have folds, but no lines
    ink = np.maximum(around - np.float32(0.11), lines - np.float32(0.08)) * np.float32(2)
    grey = np.floor((1 - np.minimum(np.maximum(ink, 0), 1)) * 255 + 0.5).astype(np.uint8)
    return grey[:, None].repeat(3, axis=1)


def _colored(face: SimpleNamespace, marked: dict[str, np.ndarray]) -> np.ndarray:
    """A face in white, but for the colours that are marked, unshaded where it can be: ``(B, 3, 64, 64)`` in [0, 1]."""
    face, white = SimpleNamespace(**vars(face)), np.ones_like(face.skin)
    for name in ("skin", "hair", "cloth", "knit", "sky", "lips", "iris"):
        setattr(face, name, marked.get(name, 1) * white)
    face.frame, face.lips, face.sky = 0 * white, 0.75 * white, [face.sky, face.sky]
    face.skin_shadow, face.hair_shadow, face.hair_shine = face.skin, face.hair, face.hair
    for name, value in _UNSEEN.items():
        setattr(face, name, np.full_like(face.tilt, value))
    return draw(face).astype(np.float32) / 255
