"""The kinds of pictures that `datasets.scenic` mixes: landscapes, the valley, painted scenes, photographs.

Every kind has pictures to train on and others to test with, numbered from 0, and says of each what it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lossconditioning.datasets.cuts import scaled
from lossconditioning.datasets.landscapes import FIRST, landscape
from lossconditioning.datasets.paintings import painting
from lossconditioning.datasets.scenes import scene
from lossconditioning.datasets.scenic_photographs import CROPS, SHOWS, crop, photograph
from lossconditioning.datasets.valley import HOURS, PLACES
from lossconditioning.datasets.valley.light import Style
from lossconditioning.datasets.valley.picture import Cut, picture


@dataclass(frozen=True)
class Kind:
    """Pictures of one kind.

    Attributes:
        name: of a part and a number: what that picture shows, in words.
        picture: of a part, a number and a width W: uint8 ``(3, height_of(W), W)``.
        count: of a part: how many there are; None for any number.
    """

    name: Callable[[str, int], str]
    picture: Callable[[str, int, int], Tensor]
    count: Callable[[str], int | None]


def height_of(width: int) -> int:
    """The height of a picture of that width: three quarters, rounded (Meta Internal Learning, appendix B.2)."""
    return round(3 * width / 4)


def _cut(square: Tensor, down: float) -> Tensor:
    """Three quarters of a square picture's rows; ``down`` says from where, from the top (0) to the bottom (1)."""
    width = square.shape[-1]
    top = round(down * (width - height_of(width)))
    return square[:, top : top + height_of(width)].contiguous()


# Landscapes ---------------------------------------------------------------------------------------------------------------

_LANDS = {
    "train": {
        "lake": "302 10 64 273 303 117 247 337 91 324 197 267 95 221 331 338 145 342 180 19",
        "mountains": "284 298 105 6 268 155 144 104 242 167 265 153 40 366 84 41 345 237 335 135 169 293 363 205 219 230 352",
        "woods": "244 378 271 209 33 269 216 2 234 79 274 223 226 250 347 260 103 140 281 81 343 90 292 246 27 210 251 17",
    },
    "test": {
        "lake": "14 0 22",
        "mountains": "47 20 57 50 59",
        "woods": "42 49 45 36 26",
    },
}
"""Part → what a landscape shows → numbers of its scenes, chosen among 400 (60 to test with) for texture and outline."""
_SEASONS = {
    "lake": ("summer", "autumn", "winter", "spring", "dusk"),  # little is seen of a lake at night or in mist
    "mountains": ("autumn", "spring", "dusk", "summer", "mist", "winter"),
    "woods": ("winter", "dusk", "summer", "night", "spring", "autumn", "mist"),
}
_OTHERS = 1000
"""Number of the first scene of a part that is taken as it comes, once the chosen ones are used up."""


def _land(split: str, number: int) -> tuple[str, int, str]:
    """What a landscape shows, the number of its scene, and its season."""
    kinds = _LANDS[split]
    shows, turn = list(kinds)[number % len(kinds)], number // len(kinds)
    season = _SEASONS[shows][turn % len(_SEASONS[shows])]
    chosen = kinds[shows].split()
    if turn < len(chosen):
        return shows, FIRST[split] + int(chosen[turn]), season
    return "land", FIRST[split] + _OTHERS + number, season


def _landscape_name(split: str, number: int) -> str:
    shows, _, season = _land(split, number)
    return f"{shows}, {season}"


def _landscape(split: str, number: int, width: int) -> Tensor:
    _, place, season = _land(split, number)
    return _cut(landscape(place, season, width), 0.0 if season == "night" else 0.35)  # for the moon


# The valley ---------------------------------------------------------------------------------------------------------------

_STYLES = (
    (12.0, "clear", "summer"),
    (17.6, "clear", "autumn"),
    (21.0, "clear", "winter"),
    (6.3, "clear", "spring"),
    (10.0, "overcast", "autumn"),
    (11.0, "clear", "winter"),
    (17.9, "clear", "summer"),
    (14.0, "rain", "summer"),
    (22.0, "clear", "summer"),
    (15.0, "clear", "spring"),
    (6.2, "clear", "autumn"),
    (13.0, "overcast", "winter"),
    (17.7, "clear", "winter"),
    (9.0, "clear", "autumn"),
    (21.5, "clear", "autumn"),
    (5.7, "clear", "winter"),
)
"""Hour, weather and season of the valley's pictures, in turn; none in fog, which leaves little to see."""
_GOLDEN = 0.618034


def _valley_name(split: str, number: int) -> str:
    hour, weather, season = _STYLES[number % len(_STYLES)]
    part = next(name for name, (first, last) in HOURS.items() if first <= hour <= last)
    said = {"clear": "", "overcast": ", overcast", "rain": ", rain"}[weather]
    return f"valley, {season}, {part}{said}"


def _valley(split: str, number: int, width: int) -> Tensor:
    places = PLACES[split]
    # Five goes round twelve places and four: neighbours in number are not neighbours in the valley.
    cut = Cut(places[5 * number % len(places)], width, _GOLDEN * number % 1, _GOLDEN * (number + 0.5) % 1)
    style = Style(*_STYLES[number % len(_STYLES)], clouds=0.7, drift=97.0 * number % 256, seed=number)
    return _cut(torch.from_numpy(picture(cut, style)).permute(2, 0, 1), 0.5)


# Painted scenes -----------------------------------------------------------------------------------------------------------

_PAINTED = {
    "train": (
        *(
            "lavender_hills",
            "night_city",
            "water_lilies",
            "autumn_wood",
            "northern_lights",
            "poppy_field",
            "stormy_sea",
        ),
        *("lamplit_bouquet", "desert_dusk", "winter_village", "misty_bridge"),
    ),
    "test": ("spring_orchard", "wheat_and_crows", "harbour_at_dawn"),
}
_WINDOWS = ((0.0, 0.25, 256), (0.0, 0.6, 200), (0.9, 0.4, 200), (0.4, 1.0, 224))
"""Cuts of a painting: where in what is left over, from the left and from the top, and how wide, in pixels of 256."""


def _painted(split: str, number: int) -> tuple[str, bool, tuple[float, float, int]]:
    """Name of a scene, whether it is painted in dots rather than flat, and the cut of it."""
    names = _PAINTED[split]
    turn = number // len(names)
    dotted = (number + turn // len(_WINDOWS)) % 2 == 0  # after four turns in the other manner
    return names[number % len(names)], dotted, _WINDOWS[turn % len(_WINDOWS)]


def _painted_name(split: str, number: int) -> str:
    name, dotted, _ = _painted(split, number)
    return f"{name.replace('_', ' ')}, {'pointillist' if dotted else 'flat'}"


def _painted_picture(split: str, number: int, width: int) -> Tensor:
    name, dotted, (left, top, across) = _painted(split, number)
    whole = painting(name) if dotted else (torch.from_numpy(scene(name)).permute(2, 0, 1) * 255).round().byte()
    down = height_of(across)
    first, start = round(top * (whole.shape[1] - down)), round(left * (whole.shape[2] - across))
    return scaled(whole[:, first : first + down, start : start + across], height_of(width), width)


# Photographs --------------------------------------------------------------------------------------------------------------


def _photograph_name(split: str, number: int) -> str:
    name, _ = crop(split, number)
    return f"{SHOWS.get(name, name)}, photograph"


def _photograph(split: str, number: int, width: int) -> Tensor:
    return photograph(split, number, width, height_of(width))


KINDS: dict[str, Kind] = {
    "landscape": Kind(_landscape_name, _landscape, lambda split: None),
    "painted": Kind(_painted_name, _painted_picture, lambda split: 2 * len(_WINDOWS) * len(_PAINTED[split])),
    "valley": Kind(_valley_name, _valley, lambda split: None),
    "photograph": Kind(_photograph_name, _photograph, lambda split: sum(map(len, CROPS[split].values()))),
}
"""Kind → its pictures."""
