"""The light over the valley, by the hour and the weather: sun and moon, the sky's colours, haze, clouds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossconditioning.datasets.landscapes.noise import colors, mix, ramp

WEATHERS = ("clear", "overcast", "fog", "rain")
"""Rain falls as snow in winter."""


class Style(NamedTuple):
    """What a picture's layout does not tell.

    Attributes:
        hour: from 0 to 24; the sun rises at 6 and sets at 18.
        weather: of `WEATHERS`; season: of `coloring.SEASONS`.
        clouds: how much of a clear sky they cover, 0 to 1; drift: where they are.
        seed: of the rain, and of the windows that are lit.
    """

    hour: float
    weather: str
    season: str
    clouds: float = 0.5
    drift: float = 0.0
    seed: int = 0


class Light(NamedTuple):
    """Colours are RGB in [0, 1], ``(3,)``; of the sky, four from the horizon up."""

    sky: np.ndarray
    sun: np.ndarray
    sky_light: np.ndarray
    haze: np.ndarray
    cloud: np.ndarray
    moon: np.ndarray
    glow: float
    stars: float
    disc: float
    cover: float
    hazy: float
    low: float
    lamps: float


# Sine of the sun's elevation → the sky from the horizon up, sun, light of the sky, haze, clouds (dark and lit side); then how
# strong sun, light of the sky, glow around the sun and stars are.
_DAY = ("dcecf8 a8ccec 5c9cdc 2c6cb8", "fff0d0", "8fb4e0", "b4cbe0", "a0b0c8 ffffff", 1.0, 0.47, 0.25, 0.0)
_NIGHT = ("2c4a84 1c3870 122456 080f2e", "b4ccf8", "4460a8", "20386c", "101a40 34487c", 0.0, 0.26, 0.0, 1.0)
_MORNING = {
    0.5: _DAY,
    0.2: ("ffe8cc d8d8e4 90b8e0 4c88c8", "ffcc94", "90a8dc", "dcc8c4", "a89cb4 fff0e0", 1.0, 0.4, 0.7, 0.0),
    0.03: ("ffc8a4 f4a8ac ac9ccc 5478b8", "ff9c78", "8490cc", "cca0ac", "7c70a0 ffb8a8", 0.8, 0.38, 0.9, 0.0),
    -0.16: ("d8a0a4 8c80b4 4c60a4 1c3070", "ff8878", "6478c0", "70709c", "40487c b08898", 0.0, 0.36, 0.5, 0.15),
    -0.42: _NIGHT,
}
_EVENING = {
    0.5: _DAY,
    0.2: ("ffdc94 f8c48c b4a8b8 5c7cb8", "ffb058", "9090c8", "dcb48c", "8c7890 ffdca8", 1.0, 0.38, 0.8, 0.0),
    0.03: ("ff9c40 f07050 98588c 38447c", "ff7834", "7068b0", "b87060", "5c4478 ff9050", 0.85, 0.54, 1.0, 0.0),
    -0.16: ("e07448 904c74 3c3c80 161e54", "f86040", "5858ac", "604c74", "2c2858 a04c60", 0.0, 0.54, 0.6, 0.2),
    -0.42: _NIGHT,
}


def elevation(hour: float) -> float:
    """Sine of the sun's elevation, as if it rose to the zenith: 1 at noon, 0 at 6 and 18, −1 at midnight."""
    return float(np.sin(np.pi * (hour - 6) / 12))


def sun_at(hour: float) -> tuple[float, float]:
    """Where the sun is, right and up of the middle of the horizon, in tangents. It crosses from left to right."""
    return 0.3 * (hour - 12) / 6, 0.1 + 0.62 * elevation(hour)


def moon_at(hour: float) -> tuple[float, float]:
    """Where the moon is; it is the sun of the night."""
    along = ((hour - 12) % 24 - 12) / 6
    return 0.27 * along + 0.06, 0.255 - 0.12 * along * along


def direction(right: float, rise: float) -> np.ndarray:
    """Where light comes from that stands to one side: to the right, up, and away from the camera, ``(3,)``."""
    light = np.array([1.05 * np.clip(right / 0.3, -1, 1), max(rise, 0.1) + 0.2, -0.45])
    return (light / np.linalg.norm(light)).astype(np.float32)


def light_of(style: Style) -> Light:
    """The light of an hour in its weather."""
    up = elevation(style.hour)
    sky, sun, sky_light, haze, cloud, strength, fill, glow, stars = _between_stops(
        _MORNING if style.hour % 24 < 12 else _EVENING, up
    )
    dawn = float(ramp(np.float32(style.hour), 4.5, 6.0) * (1 - ramp(np.float32(style.hour), 7.0, 9.0)))
    moon = colors("b4ccf8")[0] * 0.42 * float(ramp(np.float32(-up), 0.15, 0.45))
    clear = Light(
        sky, sun[0] * strength, sky_light[0] * fill, haze[0], cloud, moon, glow, stars, 1.0,
        cover=-1.1 + 1.3 * style.clouds, hazy=0.016, low=0.05 * dawn, lamps=float(ramp(np.float32(-up), -0.12, 0.12)),
    )  # fmt: skip
    return clear if style.weather == "clear" else _clouded(clear, style)


_TINTS = {"overcast": "dce4f0", "fog": "f0f0ec", "rain": "c0ccdc"}
_WEATHER = {
    "overcast": {"sun": 0.2, "fill": 2.2, "sky": 1.3, "cover": 1.3, "hazy": 0.024, "low": 0.0},
    "fog": {"sun": 0.16, "fill": 1.9, "sky": 1.25, "cover": 0.0, "hazy": 0.08, "low": 0.06},
    "rain": {"sun": 0.05, "fill": 2.0, "sky": 0.95, "cover": 1.1, "hazy": 0.042, "low": 0.02},
}
"""Weather → how much is left of the sun, what is added to the light of the sky, how bright the sky is, and its haze."""


def _clouded(clear: Light, style: Style) -> Light:
    """What clouds make of a clear sky's light: less sun, grey, with a breath of the hour's colours."""
    it, tint = _WEATHER[style.weather], colors(_TINTS[style.weather])[0]
    snowfall = style.weather == "rain" and style.season == "winter"

    def grey(color: np.ndarray, kept: float) -> np.ndarray:
        tone = (color @ np.float32([0.3, 0.55, 0.15]))[..., None] * tint
        return mix(tone, color, kept).astype(np.float32)

    sky = grey(clear.sky, 0.34 - 0.22 * max(elevation(style.hour), 0.0)) * it["sky"]
    mean = sky.mean(0)
    sky = mix(mean, sky, 0.12 if style.weather == "fog" else 0.45)
    # At night clouds give back the light of the village.
    bright = (1.45 if snowfall else 1.0) * (1 + 0.3 * float(ramp(np.float32(-elevation(style.hour)), 0.0, 0.4)))
    cloud = np.stack([0.62 * mean, 1.3 * mean]) if style.weather != "fog" else clear.cloud
    return clear._replace(
        sky=sky * bright,
        sun=grey(clear.sun, 0.5) * it["sun"],
        sky_light=grey(clear.sky_light, 0.35) * it["fill"] * bright,
        haze=mean * bright,
        cloud=cloud * bright,
        moon=clear.moon * it["sun"],
        glow=0.22 * clear.glow,
        stars=0.0,
        disc=0.0,
        cover=it["cover"] + 0.5 * style.clouds,
        hazy=it["hazy"],
        low=it["low"],
        lamps=max(clear.lamps, 0.55 if style.weather == "rain" else 0.3),
    )


def _between_stops(stops: dict, up: float) -> list:
    """The stops at that elevation of the sun, mixed of the one above and the one below."""
    highest, *_, lowest = stops
    up = min(max(up, lowest), highest)
    above = min(stop for stop in stops if stop >= up)
    below = max(stop for stop in stops if stop <= up)
    share = 0.0 if above == below else (up - below) / (above - below)
    one, other = stops[below], stops[above]
    read = [(colors(a), colors(b)) if isinstance(a, str) else (a, b) for a, b in zip(one, other, strict=True)]
    return [mix(a, b, share) for a, b in read]
