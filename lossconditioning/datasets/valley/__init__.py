"""One valley at any hour, in any weather and season: pairs of a layout and a picture, in place of time-lapse films.

A lake, a village and peaks, seen from a few places that are not far apart: layouts, flat drawings in fixed colours, differ
little; pictures differ much, by the hour, the weather and the season, none of which a layout tells. So it is with the films of
the Space Needle and the pairs of night2day that Meshry et al. translate (StEP, section 4); here the style of a picture is
known, and any place can be had in any style. Ground, plants and seasons are those of `datasets.landscapes`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from lossconditioning.datasets.landscapes import FIRST
from lossconditioning.datasets.pairs import Pairs, styled_by
from lossconditioning.datasets.valley.coloring import SEASONS
from lossconditioning.datasets.valley.light import WEATHERS, Style
from lossconditioning.datasets.valley.picture import Cut, layout, picture
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.training.progress import progress_bar

SMALLEST, LARGEST = 16, 256
"""Pixels of a picture's side."""
HOURS = {"night": (20.5, 27.5), "dawn": (5.4, 7.0), "day": (9.0, 15.0), "dusk": (17.0, 18.6)}
"""Part of the day → its hours; a picture has one of them. The sun rises at 6 and sets at 18."""
FACTORS = {"hour": tuple(HOURS), "weather": WEATHERS, "season": tuple(SEASONS)}
"""Factor of style → its values, all equally frequent and independent. Rain falls as snow in winter."""
PLACES = {"train": range(12), "valid": range(12, 14), "test": range(14, 18)}
"""Part → the places from which its pictures are seen."""


def valley(count: int = 1000, split: str = "train", size: int = 64, styles: Sequence[int] | None = None) -> Pairs:
    """Layouts of the valley and pictures of it. Factors of style: `FACTORS`.

    The same every time; on another machine a pixel may differ by a shade.

    Args:
        count: how many, up to a million; a thousand of 64×64 pixels take some 20 seconds.
        split: "train", "valid" or "test"; each is seen from places of its own.
        size: pixels a side, 16 to 256.
        styles: for each pair, the number of that pair of this part, from 0, whose style it gets; its own if not given. So one
            layout can be had in any style: what a translation in that style should give.

    Raises:
        ReaderError: for an unknown split, or a count, a size or styles out of range.
    """
    first = FIRST[one_of("split", split, FIRST)]
    if positive_int("count", count) > FIRST["valid"]:
        raise ReaderError(f"A part has {FIRST['valid']:,} pairs; asked for {count:,}.")
    _sized(size)
    cuts = [_cut(first + number, PLACES[split], size) for number in range(count)]
    drawn = [_style(first + number) for number in styled_by(styles, count)]
    layouts, pictures = torch.empty(2, count, 3, size, size, dtype=torch.uint8)
    with progress_bar(count, "the valley", "picture", show=count > 1000) as bar:
        # One place and season after the other, for what is known of them is kept for a while.
        for number in sorted(range(count), key=lambda n: (cuts[n].place, drawn[n][0].season)):
            layouts[number] = _tensor(layout(cuts[number]))
            pictures[number] = _tensor(picture(cuts[number], drawn[number][0]))
            bar.update()
    factors = torch.tensor([values for _, values in drawn])
    said = f"the valley, {count:,} pairs of '{split}'"
    return Pairs(layouts, pictures, factors, tuple(FACTORS), tuple(FACTORS.values()), said)


def time_lapse(
    hours: Sequence[float], weather: str = "clear", season: str = "summer", size: int = 128, place: int = 0
) -> Pairs:
    """One place at some hours, for an animation: clouds drift, lights go on. All layouts are the same.

    Args:
        hours: of the pictures, any numbers: 24 is midnight again, with other clouds than 0.
        weather: "clear", "overcast", "fog" or "rain".
        season: "spring", "summer", "autumn" or "winter".
        size: pixels a side, 16 to 256.
        place: number of the place, of `PLACES`.

    Returns:
        Pairs with the factors weather and season; the hours are what the reader gave.

    Raises:
        ReaderError: for an unknown weather or season, a size or place out of range, or hours that are none.
    """
    known = ("weather", weather, WEATHERS), ("season", season, FACTORS["season"])
    values = [names.index(one_of(kind, given, names)) for kind, given, names in known]
    given = np.asarray(hours, dtype=float)
    if given.ndim != 1 or not len(given) or not np.isfinite(given).all():
        raise ReaderError(f"hours are some finite numbers, such as 0, 0.5, 1; got {hours!r}.")
    last = PLACES["test"][-1]
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= last:
        raise ReaderError(f"Places are numbered from 0 to {last}; got {place!r}.")
    cut = Cut(place, _sized(size), 0.5, 0.5)
    styles = [Style(hour % 24, weather, season, clouds=0.9, drift=200 + 2 * hour) for hour in given.tolist()]
    pictures = torch.stack([_tensor(picture(cut, style)) for style in styles])
    layouts = _tensor(layout(cut)).expand_as(pictures).contiguous()
    factors = torch.tensor([values]).repeat(len(given), 1)
    said = f"the valley from {given[0]:g} to {given[-1]:g} o'clock, {weather}, {season}"
    return Pairs(layouts, pictures, factors, ("weather", "season"), (WEATHERS, FACTORS["season"]), said)


def _sized(size: int) -> int:
    if not SMALLEST <= positive_int("size", size) <= LARGEST:
        raise ReaderError(f"size is from {SMALLEST} to {LARGEST} pixels; got {size}.")
    return size


def _cut(number: int, places: range, size: int) -> Cut:
    draw = np.random.default_rng([0x7A11E7, number, 0])
    return Cut(places[int(draw.integers(len(places)))], size, *draw.random(2).tolist())


def _style(number: int) -> tuple[Style, list[int]]:
    """The style of a pair, and the values of its factors."""
    draw = np.random.default_rng([0x7A11E7, number, 1])
    values = [int(draw.integers(len(names))) for names in FACTORS.values()]
    hour, weather, season = (names[value] for names, value in zip(FACTORS.values(), values, strict=True))
    share, clouds, drift = draw.random(3).tolist()
    first, last = HOURS[hour]
    style = Style(
        (first + share * (last - first)) % 24, weather, season, clouds, 256 * drift, int(draw.integers(1 << 30))
    )
    return style, values


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)


__all__ = ["FACTORS", "HOURS", "PLACES", "time_lapse", "valley"]
