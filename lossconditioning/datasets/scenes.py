"""What the pointillist painter paints: thirteen small landscapes and a bunch of flowers, made of gradients, noise and shapes.

See `datasets.pointillism` for the painter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from lossconditioning.datasets.board import SIDE, Board, X, Y, soft
from lossconditioning.errors import one_of


def scene(name: str) -> np.ndarray:
    """The scene of that name: ``(256, 256, 3)`` float32 in [0, 1]; an unknown name is answered with the known ones."""
    return _scene(one_of("scene", name, SCENES)).copy()


@lru_cache(maxsize=32)
def _scene(name: str) -> np.ndarray:
    board = Board(seed=list(SCENES).index(name))
    SCENES[name](board)
    return np.clip(gaussian_filter(board.image, (0.6, 0.6, 0)), 0, 1)


def _harbour(b: Board) -> None:
    b.gradient(["7d9fd6", "b9b5de", "f5b8b0", "ffd98a"], 0, 0.56, wobble=0.05)
    b.clouds("ffe9d0", 3, 9, -0.15, 0, 0.45)
    b.disc("fff3b0", 0.68, 0.44, 0.055, glow=0.07)
    b.hill("8a86bd", 0.5, 0.03, 3, "a58fc0")
    b.boat("7a4a6a", "fffaf0", 0.3, 0.57, 0.42)
    b.boat("5a5a90", "ff9a70", 0.84, 0.56, 0.22)
    b.boat("46598a", "f7e6ee", 0.58, 0.55, 0.13)
    b.mirror(0.565, 0.75, "6fa3c8")
    b.ripples("ffe2a0", 0.6, 0.45)
    b.ripples("4f86b8", 0.6, 0.4)


def _poppies(b: Board) -> None:
    b.gradient(["3f8fe0", "8cc4f2", "dff0f0"], 0, 0.45)
    b.clouds("ffffff", 3, 5, -0.05, 0, 0.4)
    b.hill("5f9a78", 0.36, 0.03, 3, "78b060")
    for x in (0.08, 0.2, 0.8, 0.9):
        b.crown(["1f5a3a", "2f7a3c", "6aa640"], x, 0.33, 0.07, squeeze=1.5)
    b.hill("a8c850", 0.43, 0.015, 2, "4f9838")
    b.scatter(["e02818", "f04020", "c81428", "ff6a40"], 230, (-0.02, 0.46, 1.02, 1.02), (0.007, 0.038))
    b.scatter(["fff4d0", "4a60d0"], 40, (0, 0.5, 1, 1), (0.004, 0.014))


def _night_city(b: Board) -> None:
    b.gradient(["0a1038", "1c2878", "5a44a8", "c86a98"], 0, 0.62, wobble=0.05)
    b.scatter(["e8ecff", "ffe9a8"], 40, (0, 0, 1, 0.35), (0.005, 0.005))
    b.disc("fff2b8", 0.78, 0.15, 0.06, glow=0.05)
    for x in np.arange(-0.02, 1, 0.085):
        top, width = b.random.uniform(0.28, 0.52), b.random.uniform(0.07, 0.1)
        b.box(["0c1238", "141440", "1c1848"][b.random.integers(3)], x, top, width, 0.62 - top)
        for wx in np.arange(x + 0.014, x + width - 0.015, 0.026):
            for wy in np.arange(top + 0.02, 0.6, 0.036):
                if b.random.uniform() < 0.55:
                    b.box(["ffd860", "ffb040", "fff0b0"][b.random.integers(3)], wx, wy, 0.014, 0.019)
    b.mirror(0.63, 0.85, "101a50")
    b.ripples("050a30", 0.64, 0.6)


def _winter(b: Board) -> None:
    b.gradient(["9cb8e0", "c6d2ee", "f6dce0"], 0, 0.5, wobble=0.04)
    b.hill("7898d0", 0.36, 0.08, 4, "a8c0e8")
    b.hill("c8d8f4", 0.55, 0.03, 3, "f0f4fe")
    for x in (0.06, 0.14, 0.93, 0.84):
        for step in range(4):
            wide, low = 0.03 + 0.02 * step, 0.36 + 0.07 * step
            b.triangle(["2c5878", "5c88a8"][step % 2], (x - wide, low), (x + wide, low), (x, low - 0.12))
    b.house("c86050", "f4f8ff", 0.24, 0.62, 0.19, "ffd050")
    b.house("a05078", "eef4ff", 0.6, 0.66, 0.22, "ffd050")
    b.house("e0a070", "ffffff", 0.47, 0.57, 0.1, "fff0b0")
    b.hill("e8effa", 0.7, 0.04, 2, "c0d0f0")
    b.over("a8b8e8", 0.5 * np.clip(b.noise(3, 8), 0, 1) * soft(Y - 0.72))
    b.scatter(["ffffff"], 70, (0, 0, 1, 0.7), (0.005, 0.006))


def _autumn(b: Board) -> None:
    b.gradient(["f8d880", "f0a848", "d87830", "a04828"])
    for _ in range(26):
        x, y = b.random.uniform(0, 1), b.random.uniform(0, 0.6)
        b.crown(["8a2818", "c84018", "e87820", "f8b030", "ffe070"], x, y, b.random.uniform(0.06, 0.12), 14)
    b.hill("b85828", 0.72, 0.02, 3, "70301c")
    for x, wide in ((0.1, 0.05), (0.3, 0.03), (0.47, 0.04), (0.66, 0.026), (0.86, 0.06)):
        b.box("4a3048", x, -0.1, wide, 0.92 + wide)
        b.box("e8dcd8", x, -0.1, wide * 0.45, 0.92 + wide)
    b.scatter(["f8b030", "e86018", "ffd860", "a82818"], 140, (0, 0.72, 1, 1), (0.007, 0.018))
    b.scatter(["f8c040", "e85818"], 60, (0, 0, 1, 0.5), (0.012, 0.018))


def _wheat(b: Board) -> None:
    b.gradient(["1c4cb0", "3a78d8", "8cc0e8"], 0, 0.5)
    b.clouds("e8f4ff", 2, 4, -0.1, 0, 0.42)
    b.hill("4a7a90", 0.44, 0.02, 3, "88a060")
    b.hill("f8d840", 0.49, 0.015, 2, "e0a018")
    depth = np.clip(Y - 0.5, 1e-3, 1)
    rows = np.sin(26 * (X - 0.42) / (depth + 0.12) + 1.5 * b.noise(6, 6, 2))
    b.over("b87810", 0.65 * np.clip(rows, 0, 1) * soft(Y - 0.5))
    b.over("fff080", 0.6 * np.clip(-rows - 0.2, 0, 1) * soft(Y - 0.5))
    b.triangle("c89060", (0.36, 1.02), (0.7, 1.02), (0.425, 0.5))
    b.crown(["184838", "2a6a40", "58903a"], 0.82, 0.4, 0.1, 50)
    for x, y in ((0.14, 0.24), (0.28, 0.34), (0.34, 0.16), (0.52, 0.27), (0.66, 0.1)):
        for wing in (-0.06, 0.06):
            b.triangle("080c20", (x + wing, y - 0.04), (x, y + 0.022), (x + 0.1 * wing, y - 0.016))


def _lavender(b: Board) -> None:
    b.gradient(["f8c8a0", "f8e0c0", "e8d0e8"], 0, 0.4)
    b.hill("8878c0", 0.3, 0.06, 3, "b0a0d8")
    b.hill("6a8a70", 0.37, 0.02, 4, "98a860")
    b.hill("8a58c0", 0.43, 0.012, 2, "6030a0")
    depth = np.clip(Y - 0.42, 1e-3, 1)
    rows = np.sin(22 * (X - 0.6) / (depth + 0.08))
    b.over("b8d070", 0.85 * np.clip(rows * 3 - 1.6, 0, 1) * soft(Y - 0.44))
    b.over("c89cf0", 0.8 * np.clip(-rows * 2 - 0.8, 0, 1) * soft(Y - 0.44))
    b.house("f0d8b0", "d07850", 0.17, 0.45, 0.13, "7078a8")
    for x in (0.1, 0.34, 0.38):
        b.disc("2a5048", x, 0.37, 0.02, squeeze=4)


def _desert(b: Board) -> None:
    b.gradient(["7a1848", "c82840", "f06030", "ffb040"], 0, 0.62, wobble=0.05)
    b.disc("fff0a0", 0.4, 0.4, 0.13, glow=0.06)
    b.clouds("ff9060", 2, 14, -0.3, 0, 0.5)
    b.hill("a83850", 0.56, 0.03, 3, "c85048")
    b.hill("f08838", 0.64, 0.05, 2, "b84030")
    b.hill("c84838", 0.76, 0.06, 2, "702048")
    b.hill("581848", 0.9, 0.05, 2, "301038")
    for x, y, tall in ((0.7, 0.72, 0.2), (0.86, 0.78, 0.3)):
        b.box("30103c", x, y - tall, 0.03, tall)
        for side, low in ((-0.05, 0.4), (0.05, 0.55)):
            b.box("30103c", x + min(side, 0), y - low * tall, 0.08, 0.024)
            b.box("30103c", x + side, y - (low + 0.3) * tall, 0.028, 0.3 * tall)


def _lilies(b: Board) -> None:
    b.gradient(["2a6a58", "2a7a88", "3a90a0", "1a5868"], wobble=0.12)
    b.over("7ac0b8", 0.8 * np.clip(b.noise(3, 9), 0, 1))
    b.over("144840", 0.8 * np.clip(b.noise(6, 3), 0, 1) * soft((0.55 - Y) / 40))
    for _ in range(20):
        x, y = b.random.uniform(0, 1), b.random.uniform(0.1, 1)
        wide = 0.06 + 0.07 * y
        b.disc("1a5a3a", x, y + 0.008, wide, squeeze=0.36)
        b.disc(["68b048", "8cc860", "48a060"][b.random.integers(3)], x, y, wide, squeeze=0.33)
        if b.random.uniform() < 0.6:
            b.crown(["e04890", "f890b8", "ffe0ec"], x, y - 0.3 * wide, 0.45 * wide, 16, squeeze=0.7)
            b.disc("ffe060", x, y - 0.3 * wide, 0.12 * wide)


def _storm(b: Board) -> None:
    b.gradient(["2a343c", "56666a", "a8b4a4"], 0, 0.42, wobble=0.12)
    b.clouds("18222c", 3, 5, 0.1, 0, 0.36)
    b.clouds("d8dcc8", 3, 6, -0.25, 0, 0.4)
    b.gradient(["6a8a80", "2a5a58", "123838"], 0.4, 1.0)
    tints = ("4a8078", "2c6460", "3a7068")
    for index in range(6):
        height = 0.44 + 0.105 * index
        top = b.hill(tints[index % 3], height, 0.05 + 0.012 * index, 4, "0e3034")
        crest = top.cumsum(axis=0) / SIDE  # how far below the crest
        b.over("e8f0e4", np.clip(b.noise(9, 30) + 0.7 - 18 * crest, 0, 0.9) * top)
    b.boat("301c18", "d8c8a0", 0.6, 0.5, 0.26)


def _aurora(b: Board) -> None:
    b.gradient(["04081c", "0a1a3a", "123a4c"], 0, 0.75)
    b.scatter(["ffffff", "c0d8ff"], 50, (0, 0, 1, 0.6), (0.004, 0.005))
    for color, base, swing in (("28e890", 0.5, 0.12), ("60f0c0", 0.4, 0.1), ("b050e8", 0.3, 0.1)):
        crest = base + swing * np.sin(6 * X + 9 * base) + 0.08 * b.noise(4, 1)[SIDE // 2][None, :]
        rays = 0.65 + 0.5 * b.noise(24, 1, 1)[SIDE // 2][None, :]
        b.over(color, np.where(crest > Y, np.exp((Y - crest) / 0.13), np.exp((crest - Y) / 0.02)) * rays)
    b.hill("1c3c68", 0.62, 0.06, 4, "142848")
    b.mirror(0.76, 0.8, "06142c")
    for x in (0.05, 0.12, 0.2, 0.88, 0.95):
        tall = b.random.uniform(0.2, 0.32)
        b.triangle("02060e", (x - 0.05, 0.8), (x + 0.05, 0.8), (x, 0.8 - tall))


def _orchard(b: Board) -> None:
    b.gradient(["a8d8f4", "d4ecf4", "f8f4e0"], 0, 0.55)
    b.hill("90c8a0", 0.48, 0.03, 3, "b8e080")
    b.hill("a8dc68", 0.58, 0.02, 2, "78c048")
    for x, y, wide in ((0.1, 0.4, 0.1), (0.5, 0.4, 0.09), (0.9, 0.38, 0.1), (0.28, 0.38, 0.17), (0.74, 0.36, 0.2)):
        b.box("8a6070", x - 0.1 * wide, y, 0.2 * wide, 1.9 * wide)
        b.disc("68a850", x, y + 2 * wide, 0.9 * wide, squeeze=0.25)
        b.crown(["d888b0", "f0a8c8", "f8c8dc", "ffe8f0", "ffffff"], x, y, wide, 90, squeeze=0.85)
    b.scatter(["ffffff", "f8c0d8", "ffe860"], 120, (0, 0.62, 1, 1), (0.004, 0.013))


def _bridge(b: Board) -> None:
    b.gradient(["c8ccd4", "dcd8dc", "e8e0d8", "d0d0d4"], wobble=0.1)
    b.disc("f8e8d0", 0.3, 0.22, 0.06, glow=0.1)
    b.hill("b8bcc8", 0.42, 0.05, 4, "d4d4d8")
    for x, tall in ((0.74, 0.3), (0.8, 0.38), (0.86, 0.26)):
        b.box("a4a8b8", x, 0.58 - tall, 0.045, tall)
    b.box("7c7f94", -0.01, 0.45, 1.02, 0.14)
    for x in (0.1, 0.37, 0.64, 0.91):
        b.disc("d4d4d8", x, 0.6, 0.105)
    b.box("6a6c84", -0.01, 0.435, 1.02, 0.02)
    b.mirror(0.6, 0.8, "b4bcc8")
    b.ripples("eceae8", 0.62, 0.5)
    b.boat("5a5868", "e0d4cc", 0.52, 0.78, 0.2)


def _bouquet(b: Board) -> None:
    b.gradient(["4a1c3c", "6a2440", "401830"], wobble=0.2)
    b.over("9a3c48", 0.5 * np.clip(b.noise(5, 5), 0, 1))
    b.disc("ffb850", 0.1, 0.12, 0.03, glow=0.16)
    b.gradient(["b87838", "7a4424"], 0.76, 1.0)
    b.disc("54281c", 0.55, 0.86, 0.2, squeeze=0.25)
    b.disc("3a78b0", 0.5, 0.74, 0.13, squeeze=1.1)
    b.disc("8cc0e0", 0.46, 0.7, 0.04, squeeze=1.5)
    b.crown(["143c28", "2a6438", "5a9848"], 0.5, 0.4, 0.3, 70)
    flowers = (
        ["c01838", "e84050", "ff9090"],
        ["e88818", "f8b828", "fff080"],
        ["d8d0e8", "f8f0ff", "ffffff"],
        ["6838b0", "9868d8", "d0a8f8"],
    )
    for index in range(22):
        turn, out = 2.4 * index, 0.3 * np.sqrt((index + 0.5) / 22)
        x, y = 0.5 + out * np.cos(turn), 0.38 + 0.95 * out * np.sin(turn)
        b.crown(flowers[index % 4], x, y, b.random.uniform(0.045, 0.07), 22)
        b.disc("603018" if index % 4 == 1 else "fff0a0", x, y, 0.014)


SCENES: dict[str, Callable[[Board], None]] = {
    "harbour_at_dawn": _harbour,
    "poppy_field": _poppies,
    "night_city": _night_city,
    "winter_village": _winter,
    "autumn_wood": _autumn,
    "wheat_and_crows": _wheat,
    "lavender_hills": _lavender,
    "desert_dusk": _desert,
    "water_lilies": _lilies,
    "stormy_sea": _storm,
    "northern_lights": _aurora,
    "spring_orchard": _orchard,
    "misty_bridge": _bridge,
    "lamplit_bouquet": _bouquet,
}
"""Name → what lays the scene out."""
