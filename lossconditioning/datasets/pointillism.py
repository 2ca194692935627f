"""A pointillist painter: fourteen built-in pictures to take a style from, painted here, so no museum has to be asked.

It covers a `datasets.scenes` scene as Seurat and Signac did. Over an underpainting it sets round or elongated dabs of one size
on a jittered grid, layer by layer, the later ones smaller and where the canvas still differs most from the scene (Hertzmann,
"Painterly rendering with curved brush strokes of multiple sizes", 1998). Colour is *divided*: a dab shows one of a few
pure pigments rather than the colour of its place, the pigments drawn so that neighbours average to it, and every layer aims
to mend what the average of those below it got wrong. Averages are of sRGB values, as a network sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from lossconditioning.datasets.board import SIDE
from lossconditioning.datasets.scenes import scene
from lossconditioning.errors import ReaderError, one_of, positive_int

SMALLEST, LARGEST = 32, 1024
"""Pixels of a painting's side."""

_BAND = 32
_RELIEF = 0.04 * SIDE / 6
_LIGHT = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Manner:
    """How a painting is painted.

    Attributes:
        pigments: hexadecimal colours, separated by spaces, that dabs lean towards.
        dab: diameter of the finest dabs, in pixels of a painting of 256×256.
        long: length over breadth of a dab; 1 is round.
        flow: which way long dabs lie: "form" along edges, or an angle in degrees from the horizontal.
        purity: how far a dab goes from the colour of its place towards a pigment, 0 to 1.
        spread: how unlike its place a dab's pigment may be: a squared distance of colours in [0, 1].
        contrast: how much of the pigments' difference in lightness is kept, 0 to 1.
        accents: share of dabs that show the complementary colour.
        cover: radius of a dab in cells of its grid: below 0.5 they stand apart, above they overlap.
        square: whether dabs are tesserae rather than dots.
        ground: colour of the canvas.
        primed: how much of the ground shows through the underpainting, 0 to 1.
    """

    pigments: str
    dab: float = 5.0
    long: float = 1.0
    flow: float | str = "form"
    purity: float = 0.8
    spread: float = 0.12
    contrast: float = 0.5
    accents: float = 0.03
    cover: float = 0.62
    square: bool = False
    ground: str = "f0e6d0"
    primed: float = 0.5


MANNERS: dict[str, Manner] = {
    "harbour_at_dawn": Manner(
        "ff8a90 ffd050 fff1c9 4a80d8 8060c8 2f60a8 f7a0d0 40b0c0 602850",
        dab=5,
        square=True,
        long=1.5,
        flow=0.0,
        purity=0.9,
    ),
    "poppy_field": Manner("ff2a1a ffb000 2fa84f a8d838 1f6fd0 8fd0ff fff6d0 104a30", dab=5.5, purity=0.95, spread=0.2),
    "night_city": Manner(
        "1020a0 4038d0 0a0a40 7a30b0 ffc830 ff7a20 2070d0 e8e0ff", dab=4.5, ground="141436", primed=0.7
    ),
    "winter_village": Manner(
        "ffffff a0c8ff d0b8ff ffd0e0 6090e0 f0a080 fff0a0 406898",
        dab=5.5,
        cover=0.48,
        ground="ffffff",
        purity=0.9,
        spread=0.2,
    ),
    "autumn_wood": Manner("ff7a10 ffc420 d8281c 8a1c38 fff0b0 5a2a80 3a6a50 e8509a", dab=5, long=2.0, flow=70.0),
    "wheat_and_crows": Manner(
        "ffe020 ffa800 fff8a0 1038c0 2a88f0 080c28 90d0f0 3a8a40 7040a0", dab=5.5, long=2.0, contrast=0.6
    ),
    "lavender_hills": Manner("8a2be2 c080ff 5a28b0 ff90c8 b8e050 ffd8a0 3058c8 fff0e0", dab=4.2, spread=0.2),
    "desert_dusk": Manner(
        "ff3818 ff9818 ffe060 b01858 601070 e02870 301050 ff6a90", dab=7, long=1.5, flow=0.0, accents=0.02
    ),
    "water_lilies": Manner(
        "10a088 2060c0 58d0c0 1a7030 90e060 f060a8 ffe8f4 5040a8", dab=4.8, long=2.2, flow=0.0, spread=0.2
    ),
    "stormy_sea": Manner("2a5050 88a8a0 102830 e8f0e4 5a7838 3a5a88 807868 b8c8b0", dab=4.5, long=2.2, contrast=0.8),
    "northern_lights": Manner(
        "00ff90 00b0a0 0a1a5a 6020c0 20e0e0 d060ff 050a28 e0fff0", dab=5, cover=0.5, ground="040818", primed=0.9
    ),
    "spring_orchard": Manner("ffffff ffb0d8 ff70b0 a0e050 50b848 78c8ff fff0a0 d8a0f0", dab=3.6, purity=0.9),
    "misty_bridge": Manner(
        "a8b0d0 f0e0c8 8088b0 e0c0d0 585c78 fff8f0 a0c8c8 c8a8b8",
        dab=6,
        square=True,
        accents=0.01,
        spread=0.2,
        contrast=0.6,
    ),
    "lamplit_bouquet": Manner(
        "e01030 ffb020 fff0b0 7030c0 208040 300820 ff70a0 3080d0", dab=4, ground="2a1020", primed=0.7
    ),
}
PAINTINGS: tuple[str, ...] = tuple(MANNERS)
"""The names of the built-in paintings."""


def paint(name: str, size: int = 256) -> Tensor:
    """One of the built-in paintings: uint8 ``(3, size, size)``, RGB.

    The dabs grow with the picture: a larger painting is the same one, finer resolved. Every call gives the same pixels.

    Args:
        name: of `PAINTINGS`.
        size: pixels a side, 32 to 1024.

    Raises:
        ReaderError: if there is no such painting, or the size is out of range.
    """
    one_of("painting", name, PAINTINGS)
    return _paint(name, size_of_painting(size)).clone()


def size_of_painting(size: object) -> int:
    """Return ``size`` if a painting can be that many pixels large, else raise ``ReaderError``."""
    pixels = positive_int("The size of a painting", size)
    if not SMALLEST <= pixels <= LARGEST:
        raise ReaderError(f"The size of a painting is from {SMALLEST} to {LARGEST} pixels; got {size}.")
    return pixels


@lru_cache(maxsize=64)
def _paint(name: str, size: int) -> Tensor:
    ground, layers = _plan(name)
    # Each pixel shows the dab on top; four samples to a pixel smooth the edges.
    to = _interpolation(2 * size)
    canvas = np.einsum("yx,xzc->yzc", to, np.einsum("zx,yxc->yzc", to, ground, optimize=True), optimize=True)
    canvas = canvas.astype(np.float32)
    for layer in layers:
        canvas = _lay(canvas, layer)
    canvas = canvas.reshape(size, 2, size, 2, 3).mean(axis=(1, 3))
    return torch.from_numpy((canvas.clip(0, 1) * 255).round().astype(np.uint8)).permute(2, 0, 1).contiguous()


def _interpolation(pixels: int) -> np.ndarray:
    """What makes a column of 256 values one of so many, linearly: ``(pixels, 256)``."""
    place = (np.arange(pixels) + 0.5) * SIDE / pixels - 0.5
    return (1 - np.abs(place.clip(0, SIDE - 1)[:, None] - np.arange(SIDE))).clip(0)


class _Layer(NamedTuple):
    """Dabs on a grid of G×G cells, one to a cell. Lengths are fractions of the canvas' side."""

    center: np.ndarray  # (G, G, 2): y, x
    turn: np.ndarray  # (G, G) radians from the x axis
    radii: np.ndarray  # (G, G, 2): along and across
    color: np.ndarray  # (G, G, 3)
    height: np.ndarray  # (G, G): of dabs that overlap, the highest shows; negative where there is no dab
    square: bool


@lru_cache(maxsize=32)
def _plan(name: str) -> tuple[np.ndarray, list[_Layer]]:
    """The underpainting ``(256, 256, 3)`` and the layers of dabs on it; of any size, so that sizes share a composition."""
    manner, goal = MANNERS[name], scene(name)
    random = np.random.default_rng(PAINTINGS.index(name))
    turn = _edges(goal) if manner.flow == "form" else np.full((SIDE, SIDE), np.radians(float(manner.flow)))
    ground = (1 - manner.primed) * gaussian_filter(goal, (4, 4, 0)) + manner.primed * _colors(manner.ground)
    canvas, layers = ground.astype(np.float32), []
    # Two coarse layers cover the canvas, finer ones follow where something is missing.
    for dab, everywhere in ((1.6, 1.0), (1.25, 0.8), (1.0, 0.5), (1.0, 0.25), (0.75, 0.05)):
        layer = _aim(manner, goal, canvas, turn, dab * manner.dab, everywhere, random)
        layers.append(layer)
        canvas = _lay(canvas, layer)
    return ground.astype(np.float32), layers


def _aim(
    manner: Manner,
    goal: np.ndarray,
    canvas: np.ndarray,
    turn: np.ndarray,
    dab: float,
    everywhere: float,
    random: np.random.Generator,
) -> _Layer:
    """One layer of dabs of a diameter in pixels; a share ``everywhere`` of them is set even where nothing is missing."""
    cells = round(SIDE * 2 * manner.cover / dab)
    jitter = random.uniform(-0.33, 0.33, (cells, cells, 2))
    center = (np.stack(np.mgrid[:cells, :cells], axis=-1) + 0.5 + jitter) / cells
    blur = (1.3 * dab, 1.3 * dab, 0)
    missing = gaussian_filter(goal, blur) - gaussian_filter(canvas, blur)
    wanted = _at(gaussian_filter(goal, (0.3 * dab, 0.3 * dab, 0)) + missing, center)
    detail = np.abs(gaussian_filter(goal - canvas, (0.5 * dab, 0.5 * dab, 0))).sum(axis=-1, keepdims=True)
    present = random.uniform(size=(cells, cells)) < everywhere + 2.5 * _at(detail, center)[..., 0]
    lengths = (
        dab / 2 / SIDE * random.uniform(0.85, 1.15, (cells, cells, 1)) * np.array([manner.long**0.5, manner.long**-0.5])
    )
    around = np.stack([np.cos(2 * turn), np.sin(2 * turn)], axis=-1)  # an angle and its opposite are one direction
    cos, sin = np.moveaxis(_at(around, center), -1, 0)
    return _Layer(
        center.astype(np.float32),
        (np.arctan2(sin, cos) / 2 + random.normal(0, 0.15, (cells, cells))).astype(np.float32),
        lengths.astype(np.float32),
        _divide(wanted, manner, random),
        np.where(present, random.uniform(size=(cells, cells)), -1).astype(np.float32),
        manner.square,
    )


def _divide(wanted: np.ndarray, manner: Manner, random: np.random.Generator) -> np.ndarray:
    """Colours of dabs, for wanted averages ``(G, G, 3)``: pigments near them, drawn so that the mean stays."""
    pigments = _colors(manner.pigments)
    away = np.square(wanted[..., None, :] - pigments).sum(axis=-1)  # (G, G, P)
    share = np.exp(-away / manner.spread) + 1e-4
    share /= share.sum(axis=-1, keepdims=True)
    pick = (random.uniform(size=(*wanted.shape[:2], 1)) > share.cumsum(axis=-1)).sum(axis=-1).clip(0, len(pigments) - 1)
    shift = pigments[pick] - share @ pigments  # of mean zero
    shift = shift - (1 - manner.contrast) * (shift @ _LIGHT)[..., None]
    color = wanted + manner.purity * shift
    light = (wanted @ _LIGHT)[..., None]
    accent = random.uniform(size=(*wanted.shape[:2], 1)) < manner.accents
    color = np.where(accent, light - 1.2 * (wanted - light), color)
    return color.clip(0, 1).astype(np.float32)


def _lay(canvas: np.ndarray, layer: _Layer) -> np.ndarray:
    """A canvas ``(H, H, 3)`` with a layer of dabs on it."""
    cos, sin = np.cos(layer.turn), np.sin(layer.turn)
    along, across = layer.radii[..., 0], layer.radii[..., 1]
    # A ring of cells without dabs around the grid, so that every cell has neighbours.
    places = [np.pad(part, 1, constant_values=-1).ravel() for part in (*np.moveaxis(layer.center, -1, 0), layer.height)]
    axes = [np.pad(part, 1).ravel() for part in (cos / along, sin / along, -sin / across, cos / across)]
    colors = np.pad(layer.color, ((1, 1), (1, 1), (0, 0))).reshape(-1, 3)
    laid = canvas.copy()
    rows = np.arange(len(canvas))
    for band in np.split(rows, range(_BAND, len(rows), _BAND)):  # a band fits the processor's cache
        which, shade = _topmost(band, len(rows), len(layer.height), places, axes, layer.square)
        lit = colors[which] + (_RELIEF * shade)[..., None]
        laid[band] = np.where((which >= 0)[..., None], lit, canvas[band])
    return laid


def _topmost(
    rows: np.ndarray, side: int, cells: int, places: list[np.ndarray], axes: list[np.ndarray], square: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The number of the dab that shows at each pixel of some rows, -1 where none does, and how the light falls on it.

    A dab reaches no further than the cells next to its own, so nine of them are asked.
    """
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    cell = (place * cells).astype(np.int32)
    top = np.zeros((len(rows), side), dtype=np.float32)
    which = np.full((len(rows), side), -1, dtype=np.int32)
    shade = np.zeros((len(rows), side), dtype=np.float32)
    for down, right in product(range(3), range(3)):
        at = (cell[rows, None] + down) * (cells + 2) + cell[None, :] + right
        y, x, height = (part[at] for part in places)
        y, x = place[rows, None] - y, place[None, :] - x
        u, v = axes[0][at] * x + axes[1][at] * y, axes[2][at] * x + axes[3][at] * y
        u, v = u * u, v * v
        inside = (u * u + v * v if square else u + v) < 1
        inside &= height > top
        np.copyto(top, height, where=inside)
        np.copyto(which, at, where=inside)
        np.copyto(shade, -(x + 2 * y), where=inside)  # paint stands up and is lit from above
    return which, shade


def _edges(goal: np.ndarray) -> np.ndarray:
    """The direction of the contours at every pixel, radians from the x axis, from the structure tensor."""
    light = gaussian_filter(goal @ _LIGHT, 1.5)
    dy, dx = np.gradient(light)
    xx, xy, yy = (gaussian_filter(part, 6) for part in (dx * dx, dx * dy, dy * dy))
    return np.arctan2(2 * xy, xx - yy) / 2 + np.pi / 2


def _at(image: np.ndarray, center: np.ndarray) -> np.ndarray:
    """An image's values ``(G, G, C)`` at places ``(G, G, 2)``."""
    y, x = np.moveaxis((center * SIDE).astype(int).clip(0, SIDE - 1), -1, 0)
    return image[y, x]


def _colors(codes: str) -> np.ndarray:
    """Hexadecimal colours to ``(P, 3)`` in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], dtype=np.float32) / 255
