"""What a season, or a light, makes of a landscape: colours, haze, snow, leaves, where the sun stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Season:
    """A season or a light. Colours are hexadecimal RGB, several from dark to light.

    Attributes:
        sky: from the horizon up.
        sun, sky_light: colours of the light of the sun and of the sky.
        strength, fill: how bright the two are.
        sun_height: lowest and highest sine of the sun's elevation.
        sun_ahead: how far the sun may stand from the middle of the view, in half widths, at least and at most.
        glow: how bright the sky is around the sun.
        haze: colour of the air; hazy: how much of it in a unit of distance.
        cloud: from their shadows to their lit sides; cloudy: how much more, or less, than usual.
        meadow, rock, conifers, leaves, bark, tufts: of what they name.
        snow_line: share of the mountains' height above which snow lies; 0 for everywhere.
        frost: how much snow lies on trees, 0 to 1.
        bare: share of the trees with leaves that have lost them.
        flowers: of a meadow's flowers; empty for none.
        water: of deep water; ice: how much of a lake is frozen, 0 to 1.
        stars: how bright.
    """

    sky: str
    sun: str = "fff0d0"
    sky_light: str = "8fb4e0"
    strength: float = 1.0
    fill: float = 0.45
    sun_height: tuple[float, float] = (0.4, 0.7)
    sun_ahead: tuple[float, float] = (1.1, 1.8)
    glow: float = 0.3
    haze: str = "b4cbe0"
    hazy: float = 0.02
    cloud: str = "98a8c0 ffffff"
    cloudy: float = 0.0
    meadow: str = "3f5c22 66853a 96a050"
    rock: str = "5c5650 8c847a b0a698"
    conifers: str = "14301e 234a2c 35603a"
    leaves: str = "2c5a20 4c8028 7c9c38"
    bark: str = "4a3a2e"
    tufts: str = "3c5c20 5c8030 90a848"
    snow_line: float = 0.72
    frost: float = 0.0
    bare: float = 0.0
    flowers: str = ""
    water: str = "1c4460"
    ice: float = 0.0
    stars: float = 0.0


SEASONS: dict[str, Season] = {
    "spring": Season(
        sky="dcecf4 8cbce8 3c80cc",
        hazy=0.024,
        cloudy=0.25,
        meadow="4c7024 78a038 a8b850",
        leaves="5c8c28 88b43c b4cc58 f0c8d4",
        tufts="4c7c24 74a434 a8c850",
        flowers="f8f4e8 f4d848 e890b8",
        snow_line=0.5,
    ),
    "summer": Season(sky="dce8f0 8cb4e0 2c6cb8", flowers="f4ecd0 d84830 e8c840"),
    "autumn": Season(
        sky="f0e4d0 a8c4dc 4878b4",
        sun="ffd898",
        sky_light="90a4c8",
        sun_height=(0.25, 0.45),
        glow=0.5,
        haze="d0c8b8",
        hazy=0.032,
        meadow="5c5024 907430 b89848",
        leaves="8c2c10 c8501c e08c20 ecc03c",
        conifers="1c3420 30502c 4c6834",
        tufts="6c5424 a07c34 c8a450",
        snow_line=0.6,
    ),
    "winter": Season(
        sky="f0e8e4 b4cce8 6494cc",
        sun="ffe4c4",
        sky_light="94b4ec",
        strength=0.86,
        fill=0.46,
        sun_height=(0.22, 0.4),
        glow=0.4,
        haze="ccd8e8",
        hazy=0.03,
        cloud="a4b0c4 f8f4f0",
        cloudy=0.1,
        meadow="c4d0e4 dce4f0 f0f4fa",
        rock="484a54 6c6e78 94949c",
        conifers="14282c 203c3c 304c48",
        leaves="6a4c34 846040",
        bark="3c3430",
        tufts="5c5040 8c7c60 b0a488",
        snow_line=0.0,
        frost=0.75,
        bare=0.92,
        water="3c5c78",
        ice=0.8,
    ),
    "dusk": Season(
        sky="ffa050 e07868 7c5890 2c3468",
        sun="ff9448",
        sky_light="6c64a8",
        strength=0.75,
        fill=0.42,
        sun_height=(0.02, 0.1),
        sun_ahead=(0.0, 0.8),
        glow=1.0,
        haze="b87468",
        hazy=0.034,
        cloud="6c4878 ff9c70",
        cloudy=0.15,
        water="2c3058",
    ),
    "night": Season(
        sky="34548c 182c60 081030",
        sun="b4ccf8",
        sky_light="3c58a0",
        strength=0.6,
        fill=0.4,
        sun_height=(0.35, 0.5),
        sun_ahead=(0.1, 0.8),
        glow=0.22,
        haze="243c70",
        hazy=0.045,
        cloud="141f48 54689c",
        cloudy=-0.1,
        water="0c1c40",
        stars=1.0,
    ),
    "mist": Season(
        sky="e4e6e4 d0d6d8 b0bcc4",
        sun="fff4e4",
        sky_light="b8c4cc",
        strength=0.4,
        fill=0.5,
        sun_height=(0.3, 0.5),
        sun_ahead=(0.3, 1.2),
        glow=0.45,
        haze="d4dadc",
        hazy=0.14,
        cloud="b0bcc4 e8eaea",
        cloudy=0.3,
        meadow="46542c 6a7840 8c9458",
        water="70808c",
    ),
}
"""Name → season or light."""
