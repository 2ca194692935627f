"""Drawn faces with neutral and other expressions: pairs in place of the KDEF photographs of StEP (appendix A.4, Figure 8).

The layout is a person with a neutral face, the picture the same person with one of seven expressions. Here, a style is not
colours but how brows, eyelids and mouth are held: some numbers per picture, which are given too. Distances between them stand
in for those between features of a network that recognises expressions. Nothing is downloaded; the pictures come under this
project's licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from lossconditioning.datasets.drawn_faces import SIDE, draw
from lossconditioning.datasets.faces import chances, portrait
from lossconditioning.datasets.pairs import Pairs, styled_by
from lossconditioning.datasets.people import FIRST
from lossconditioning.errors import one_of, positive_int
from lossconditioning.training.randomness import generator

ACTIONS = (
    *("raised_brows", "frown", "wide_eyes", "upper_lids", "lower_lids"),
    *("mouth_corners", "mouth_open", "mouth_width", "teeth"),
)
"""What a face can do, after the action units of Ekman and Friesen 1978: 0 is at rest, 1 is much. Negative are lowered brows,
brows with raised inner ends, narrow eyes, mouth corners that are down and a narrow mouth."""

EXPRESSIONS = {
    "neutral": (0, 0, 0, 0, 0, 0, 0, 0, 0),
    "happy": (0.2, 0, 0, 0, 0.2, 0.8, 0.6, 0.5, 0.4),
    "laughing": (0.6, 0, 0, 0, 1, 1, 1, 0.8, 0.4),
    "sad": (0.2, -1, -0.2, 0.3, 0, -1, 0, -0.1, 0),
    "angry": (-0.8, 1, 0.2, 0.3, 0, -1, 0.5, 0.2, 1),
    "surprised": (1, -0.1, 1, 0, 0, -0.8, 1, -1, 0),
    "sleepy": (0.2, -0.2, 0, 0.8, 0, 0, 0, -0.3, 0),
}
"""Expression → how much of each of `ACTIONS` is typical of it."""

FACTORS = {"expression": tuple(EXPRESSIONS)}
"""Factor of style → its values, all equally frequent."""

_AT_ONCE = 16
_FIXED = {"smiling": False, "glasses": False}  # none wears glasses in KDEF, either; behind them, eyes are hard to read
_STRENGTH = (0.8, 1.1)  # of a picture's expression
_OTHERWISE = 0.08  # by how much each action may differ from what is typical
_STYLE = 0xE4  # keeps these random numbers apart from those that decide what a person is like


def expressions(count: int = 1000, split: str = "train", styles: Sequence[int] | None = None) -> Pairs:
    """Neutral drawn faces and the same people with an expression, 64×64. Factors of style: `FACTORS`.

    Person n is the one of `datasets.faces`, in form and colours, but without glasses. One picture in seven is neutral, too, and
    then differs from its layout by a little.

    Args:
        count: how many.
        split: "train", "valid" or "test"; no person is in two of them.
        styles: for each pair, the number of that pair of this part, from 0, whose expression it gets; its own if not given.
            So one person can be had with any expression: what a translation in that style should give.

    Raises:
        ReaderError: for an unknown split, or a count or styles that are none.

    Example:
        >>> found = expressions(2)
        >>> found.style(0)
        {'expression': 'angry'}
    """
    first = FIRST[one_of("split", split, FIRST)]
    values, codes = _styles(first, styled_by(styles, positive_int("count", count)))
    layouts, pictures = torch.empty(2, count, 3, SIDE, SIDE, dtype=torch.uint8)
    for begin in range(0, count, _AT_ONCE):
        part = slice(begin, min(begin + _AT_ONCE, count))
        people = np.stack([chances(0, first + number) for number in range(part.start, part.stop)])
        for held, drawn in ((np.zeros_like(codes[part]), layouts), (codes[part], pictures)):
            face = portrait(people, _FIXED)
            _hold(face, held)
            drawn[part] = torch.from_numpy(draw(face))
    said = f"neutral and other expressions of drawn faces {first:,} to {first + count - 1:,}"
    factors = torch.from_numpy(values)[:, None]
    return Pairs(layouts, pictures, factors, tuple(FACTORS), tuple(FACTORS.values()), said)


def expression_codes(count: int = 1000, split: str = "train", styles: Sequence[int] | None = None) -> Tensor:
    """How the pictures of ``expressions(count, split, styles)`` differ from their layouts.

    The distance between two expressions is the squared Euclidean one between their rows: 0 if they are held alike, whoever the
    people are. It is to an encoder of expressions what the style distance is to one of styles.

    Returns:
        float32 ``(N, 9)``: how much of each of `ACTIONS` there is.

    Raises:
        ReaderError: for an unknown split, or a count or styles that are none.
    """
    first = FIRST[one_of("split", split, FIRST)]
    return torch.from_numpy(_styles(first, styled_by(styles, positive_int("count", count)))[1])


def _styles(first: int, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Expressions, int64 ``(N,)``, and how they are held, float32 ``(N, actions)``, of some pictures."""
    drawn = np.stack(
        [torch.rand(2 + len(ACTIONS), generator=generator(_STYLE, first + number)).numpy() for number in numbers]
    )
    values = np.floor(drawn[:, 0] * np.float32(len(EXPRESSIONS))).astype(np.int64).clip(max=len(EXPRESSIONS) - 1)
    low, high = _STRENGTH
    strength = low + (high - low) * drawn[:, 1:2]
    typical = np.array(list(EXPRESSIONS.values()), dtype=np.float32)[values]
    return values, strength * typical + (2 * drawn[:, 2:] - 1) * _OTHERWISE


def _hold(face: SimpleNamespace, codes: np.ndarray) -> None:
    """Give faces of `faces.portrait` the expressions of some codes ``(B, actions)``. Lengths are in pixels."""
    does = dict(zip(ACTIONS, codes.T[..., None, None], strict=True))
    half = face.mouth_width * (4.5 + 1.6 * does["mouth_width"])
    up = 2.5 * does["mouth_corners"]
    gap = 5.5 * does["mouth_open"]
    face.brow_lift = -2.6 * does["raised_brows"]
    face.brow_slope = face.brow_slope * 0.4 - 0.5 * does["frown"]
    face.eye_open = 3.5 + 0.9 * does["wide_eyes"]
    face.upper_lid = np.maximum(does["upper_lids"], 0)
    face.lower_lid = np.maximum(does["lower_lids"], 0)
    face.lid_slope = 0.3 * does["frown"]
    face.mouth_half = half
    face.mouth_bend = -up / (half * half)
    face.mouth_gap = np.where(gap < 1, np.float32(0), gap)  # less is a closed mouth
    face.mouth_rise = 0.3 * face.mouth_gap - 0.35 * up
    face.mouth_teeth = 6 * does["teeth"] - 0.5
