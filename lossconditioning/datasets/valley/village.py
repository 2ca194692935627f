"""The village at the lake: houses with gables, a church, windows that are lit at night."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from skimage.draw import polygon

from lossconditioning.datasets.landscapes.noise import colors
from lossconditioning.datasets.valley.land import Land, height

WALL, ROOF, WINDOW = range(3)


class House(NamedTuple):
    """Where a house stands, its width, depth, height of its walls and of its roof, its colours, and whether its gable is in
    front.
    """

    x: float
    z: float
    wide: float
    deep: float
    tall: float
    roof: float
    walls: str
    tiles: str
    gable: bool


HOUSES = (
    House(1.25, 8.6, 0.62, 0.6, 0.36, 0.32, "f2e4cc", "a04430", True),
    House(2.05, 9.2, 0.78, 0.6, 0.34, 0.28, "e8c8a0", "8c3c2c", False),
    House(1.62, 10.6, 0.6, 0.6, 0.36, 0.3, "f4f0e4", "94483c", True),
    House(2.75, 8.3, 0.6, 0.7, 0.42, 0.34, "d8e0dc", "6c4440", True),
    House(2.55, 11.2, 0.8, 0.6, 0.36, 0.3, "f0d8b0", "a85038", False),
    House(1.1, 12.4, 0.6, 0.6, 0.34, 0.28, "ecdcc4", "8c4030", True),
    House(0.3, 14.6, 0.8, 0.7, 0.38, 0.32, "f0e8d8", "984838", False),
    House(-0.75, 15.2, 0.6, 0.7, 0.4, 0.34, "e4d0b0", "804038", True),
    House(3.3, 10.0, 0.66, 0.6, 0.36, 0.3, "f4e8d8", "9c4c34", True),
    House(-3.05, 10.6, 0.62, 0.6, 0.36, 0.32, "ecdcc8", "7c3c30", True),
    House(2.25, 7.2, 0.5, 0.6, 0.3, 0.26, "7c5840", "5c4030", True),
)
CHURCH = (
    House(1.98, 12.2, 0.62, 1.0, 0.6, 0.4, "faf6ec", "5c4c54", True),
    House(1.55, 12.0, 0.32, 0.32, 1.15, 0.75, "faf6ec", "4c5c64", True),
)


class Surfaces(NamedTuple):
    """What is seen of the houses, ``(M,)`` each: which pixel, what of (`WALL`, `ROOF`, `WINDOW`), its colour ``(M, 3)``, the
    way it faces, to the right, up, and towards the camera ``(M, 3)``, its distance, and which window it is.
    """

    flat: np.ndarray
    kind: np.ndarray
    color: np.ndarray
    facing: np.ndarray
    distance: np.ndarray
    window: np.ndarray


def near_houses(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Whether a tree there would stand in a house or hide it."""
    near = np.zeros(np.shape(x), bool)
    for house in (*HOUSES, *CHURCH):
        near |= (
            (np.abs(x - house.x * z / house.z) < 0.62 * house.wide)
            & (z > house.z - 3.2)
            & (z < house.z + house.deep + 0.1)
        )
    return near


def built(land: Land, depth: np.ndarray) -> Surfaces:
    """What is seen of the houses before the ground, whose distances are ``depth`` ``(W, W)``, far ones first."""
    painter = _Painter(land, depth)
    for house in sorted((*HOUSES, *CHURCH), key=lambda one: -one.z):
        painter.house(house)
    return Surfaces(*(np.concatenate(part) for part in zip(*painter.seen, strict=True)))


class _Painter:
    def __init__(self, land: Land, depth: np.ndarray):
        self.land, self.depth, self.seen, self.windows = land, depth, [], 0

    def face(
        self, corners: list, kind: int, color: np.ndarray, facing: tuple, distance: float, window: int = -1
    ) -> None:
        """A flat part of a house; its corners are to the right, up and away."""
        x, y, z = np.array(corners, np.float64).T
        side = self.land.pixels
        rows, columns = polygon(self.land.rows(y, z) - 0.5, self.land.columns(x, z) - 0.5, (side, side))
        flat = (rows * side + columns)[self.depth[rows, columns] > distance - 0.4]
        count, facing = len(flat), np.array(facing, np.float32) / np.linalg.norm(facing)
        whole = np.ones(count, np.float32)
        self.seen.append(
            (flat, whole * kind, whole[:, None] * color, whole[:, None] * facing, whole * distance, whole * window)
        )

    def house(self, it: House) -> None:
        ground = float(height(np.float32(it.x), np.float32(it.z)))
        left, right, near, far = it.x - it.wide / 2, it.x + it.wide / 2, it.z, it.z + it.deep
        low, eaves, top = ground - 0.15, ground + it.tall, ground + it.tall + it.roof
        (wall,), (tiles,) = colors(it.walls), colors(it.tiles)
        seen_right = self.land.scene.x > it.x  # which side wall faces the camera
        side = right if seen_right else left
        out = 1.0 if seen_right else -1.0
        sides = [(side, low, near), (side, eaves, near), (side, eaves, far), (side, low, far)]
        self.face(sides, WALL, 0.9 * wall, (out, 0, 0.2), it.z)
        front = [(left, low, near), (left, eaves, near), (right, eaves, near), (right, low, near)]
        if it.gable:
            for edge, outward in ((left, -1.0), (right, 1.0)):
                over = edge + 0.06 * outward
                slope = [
                    (over, eaves - 0.05, near - 0.05),
                    (it.x, top, near - 0.05),
                    (it.x, top, far),
                    (over, eaves - 0.05, far),
                ]
                self.face(slope, ROOF, tiles, (outward * it.roof, it.wide / 2, 0.1), it.z)
            front.insert(2, (it.x, top - 0.04, near))
            self.face(front, WALL, wall, (0, 0, 1), it.z)
        else:
            self.face(front, WALL, wall, (0, 0, 1), it.z)
            slope = [(left - 0.05, eaves - 0.06, near - 0.06), (left - 0.05, top, near + it.deep / 2)]
            slope += [(2 * it.x - x, y, z) for x, y, z in reversed(slope)]
            self.face(slope, ROOF, tiles, (0, it.deep / 2, it.roof), it.z)
        self.lights(it, ground)

    def lights(self, it: House, ground: float) -> None:
        """Windows of the front, in rows, and one in a gable."""
        across = max(1, round(it.wide / 0.24))
        places = [(it.x + it.wide * ((n + 0.5) / across - 0.5), ground + 0.5 * it.tall) for n in range(across)]
        if it.gable:
            places.append((it.x, ground + it.tall + 0.2 * it.roof))
        if it.tall > 1:
            places = [(it.x, ground + share * it.tall) for share in (0.5, 0.86)]
        for x, y in places:
            corners = [(x + 0.055 * right, y + 0.075 * up, it.z) for right, up in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
            self.face(corners, WINDOW, colors("3c4450")[0], (0, 0, 1), it.z, self.windows)
            self.windows += 1
