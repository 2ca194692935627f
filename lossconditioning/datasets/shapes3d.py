"""The 3-D Shapes world: a coloured object in a coloured room, 480,000 pictures of six factors.

Burgess and Kim's data set (2018) shows every combination of floor hue (10), wall hue (10), object hue (10), scale (8),
shape (4) and orientation (15), as 64×64 RGB. Here the world is rendered on demand: rays are cast analytically against the
room and the object. Shading is linear in the surfaces' colours, so the 480 different geometries are cast once
each and every picture is a blend of its geometry's light maps: thousands a second, on CPU or GPU, the same every time.

The renderings resemble the original; they are not its pictures. A reader who has ``3dshapes.h5`` (Apache licence 2.0, 5 GB
unpacked, from the data set's home github.com/google-deepmind/3d-shapes) gets those instead with ``source="original"``.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.paths import data_cache

FACTORS = {"floor_hue": 10, "wall_hue": 10, "object_hue": 10, "scale": 8, "shape": 4, "orientation": 15}
"""Factor → number of values, in the order of the original's labels; the last one varies fastest."""

SHAPES = ("cube", "cylinder", "sphere", "capsule")
SCALES = torch.linspace(0.75, 1.25, 8)
ORIENTATIONS = torch.linspace(-30, 30, 15)
"""Of the camera around the object, in degrees."""

SIDE = 64
FILE = "3dshapes.h5"


def index_of(factors: Tensor) -> Tensor:
    """Factor values ``(..., 6)``, integers in the order of `FACTORS`, to picture numbers ``(...,)`` in [0, 480000)."""
    sizes = torch.tensor(list(FACTORS.values()), device=factors.device)
    if factors.shape[-1:] != (6,) or bool(((factors < 0) | (factors >= sizes)).any()):
        raise ReaderError(
            f"A picture has six factors {tuple(FACTORS)}, each from 0 to one less than {tuple(FACTORS.values())}; got "
            f"{factors.tolist() if factors.numel() <= 6 else tuple(factors.shape)}."
        )
    index = torch.zeros(factors.shape[:-1], dtype=torch.long, device=factors.device)
    for size, value in zip(FACTORS.values(), factors.unbind(-1), strict=True):
        index = index * size + value
    return index


def factors_of(index: Tensor) -> Tensor:
    """The inverse of `index_of`: picture numbers ``(...,)`` to factor values ``(..., 6)``."""
    if bool(((index < 0) | (index >= math.prod(FACTORS.values()))).any()):
        raise ReaderError(f"Pictures are numbered from 0 to {math.prod(FACTORS.values()) - 1:,}.")
    values = []
    for size in reversed(FACTORS.values()):
        values.append(index % size)
        index = index.div(size, rounding_mode="floor")
    return torch.stack(values[::-1], dim=-1)


class Shapes3D:
    """All 480,000 pictures, by number.

    Args:
        device: where pictures are made.
        supersampling: rays per pixel in each direction. 3 shows no jagged edges.

    Example:
        >>> world = Shapes3D()
        >>> world[torch.tensor([0, 479_999])].shape        # uint8
        torch.Size([2, 3, 64, 64])
    """

    source = "rendered 3-D Shapes"

    def __init__(self, device: torch.device | str = "cpu", supersampling: int = 3):
        self.device, self.supersampling = torch.device(device), supersampling
        geometries = FACTORS["scale"] * FACTORS["shape"] * FACTORS["orientation"]
        # Light maps of (floor, wall, object, highlight), made when first asked for.
        self._maps = torch.zeros(geometries, 4, SIDE * SIDE, device=self.device)
        self._made = torch.zeros(geometries, dtype=torch.bool, device=self.device)
        self._rooms: dict[int, _Room] = {}
        self._hues = torch.tensor([colorsys.hsv_to_rgb(i / 10, 1, 1) for i in range(10)], device=self.device)

    def __len__(self) -> int:
        return math.prod(FACTORS.values())

    def __getitem__(self, index: Tensor | Sequence[int]) -> Tensor:
        """Pictures by number: ``(B,)`` integers to ``(B, 3, 64, 64)`` uint8."""
        index = torch.as_tensor(index, device=self.device)
        factors = factors_of(index.flatten())
        geometry = index.flatten() % len(self._made)  # the last three factors
        self._make(geometry)
        white = torch.ones(len(geometry), 1, 3, device=self.device)
        colors = torch.cat([self._hues[factors[:, :3]], white], dim=1)  # (B, 4, 3)
        pictures = torch.bmm(colors.transpose(1, 2), self._maps[geometry])  # (B, 3, 4096)
        return pictures.clamp_(0, 1).mul_(255).round_().byte().view(*index.shape, 3, SIDE, SIDE)

    def _make(self, geometry: Tensor) -> None:
        # One at a time: a geometry's rays fit the processor's cache.
        for number in geometry[~self._made[geometry]].unique().tolist():
            size, shape, orientation = factors_of(torch.tensor(number))[3:].tolist()
            if orientation not in self._rooms:
                azimuth = math.radians(float(ORIENTATIONS[orientation]))
                self._rooms[orientation] = _room(azimuth, self.supersampling, self.device)
            self._maps[number] = _light_maps(self._rooms[orientation], float(SCALES[size]), _CASTS[shape])
            self._made[number] = True


class OriginalShapes3D:
    """The original pictures from ``3dshapes.h5``, by number, read from disk as they are asked for."""

    def __init__(self, path: Path, device: torch.device | str = "cpu"):
        import h5py

        try:
            self._pictures = h5py.File(path, "r")["images"]
        except FileNotFoundError:
            raise ReaderError(
                f"There is no {path}. Put the original there (from github.com/google-deepmind/3d-shapes), or use "
                'source="rendered", which needs no file.'
            ) from None
        except Exception as error:  # h5py has a kind of its own for most faults: OSError, KeyError, RuntimeError, …
            raise ReaderError(f"{path} is damaged or is not the 3dshapes.h5 of the original ({error}).") from None
        if not isinstance(self._pictures, h5py.Dataset):
            raise ReaderError(f"{path} holds no array named images; expected one, uint8 (480000, 64, 64, 3).")
        if self._pictures.shape[1:] != (SIDE, SIDE, 3) or self._pictures.dtype != "uint8":
            raise ReaderError(
                f"{path} holds images of shape {self._pictures.shape}, {self._pictures.dtype}; expected uint8 "
                "(480000, 64, 64, 3)."
            )
        self.device, self.source = torch.device(device), f"original {path.name}"

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: Tensor | Sequence[int]) -> Tensor:
        """Pictures by number: ``(B,)`` integers to ``(B, 3, 64, 64)`` uint8."""
        index = torch.as_tensor(index)
        # h5py wants increasing numbers without repetition.
        ordered, back = index.flatten().unique(return_inverse=True)
        pictures = torch.from_numpy(self._pictures[ordered.cpu().numpy()])[back]
        return pictures.permute(0, 3, 1, 2).reshape(*index.shape, 3, SIDE, SIDE).to(self.device)


def shapes3d(
    source: str = "rendered", folder: Path | None = None, device: torch.device | str = "cpu"
) -> Shapes3D | OriginalShapes3D:
    """The 3-D Shapes world: 480,000 pictures, uint8 ``(3, 64, 64)``, by number.

    Args:
        source: "rendered" (computed, no file needed) or "original" (``3dshapes.h5`` in ``folder``).
        folder: where the original lies; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
    """
    if one_of("source", source, ("rendered", "original")) == "rendered":
        return Shapes3D(device)
    return OriginalShapes3D((folder or data_cache()) / FILE, device)


# Rendering ----------------------------------------------------------------------------------------------------------------
# World coordinates: the object stands at the origin on the floor z = 0, in a square room with walls at ±ROOM.

ROOM = 3.6
CAMERA_DISTANCE, CAMERA_HEIGHT, LOOK_AT_HEIGHT = 6.6, 3.3, 0.95
FIELD_OF_VIEW = math.radians(38)
LIGHT = (0.42, -0.30, 0.86)
"""Direction towards the light; it stays with the room, so the two walls differ and the corner shows."""


class _Hit(NamedTuple):
    """Where rays meet a surface: distance ``(R,)``, inf for a miss, and outward normal ``(R, 3)``, anything for a miss."""

    distance: Tensor
    normal: Tensor


class _Room(NamedTuple):
    """What does not depend on the object: the empty room, seen from one side."""

    camera: Tensor  # (3,)
    rays: Tensor  # (R, 3), unit vectors, row by row from the top left
    light: Tensor  # (3,), unit vector
    depth: Tensor  # (R,) distance to the floor or a wall
    maps: Tensor  # (4, R) light of floor, wall, object and highlight, without object
    near: Tensor  # which rays may meet an object
    ground: Tensor  # which rays end where on the floor an object's shadow may fall


def _room(azimuth: float, supersampling: int, device: torch.device) -> _Room:
    """The empty room seen from an azimuth in radians; R = (64 · supersampling)² rays."""
    camera, rays = _camera(azimuth, supersampling, device)
    light = torch.nn.functional.normalize(torch.tensor(LIGHT, device=device), dim=0)
    floor = -camera[2] / rays[:, 2]
    floor = torch.where(floor > 0, floor, torch.inf)
    # Walls from inside: rays end where they leave the room, so that a camera outside looks through the near walls.
    wall, axis = ((ROOM * rays[:, :2].sign() - camera[:2]) / rays[:, :2]).min(dim=1)
    inward = -rays[:, :2].sign().gather(1, axis.unsqueeze(1)).squeeze(1)
    on_floor = floor <= wall
    maps = torch.zeros(4, len(rays), device=device)
    maps[0] = _diffuse(light[2]) * on_floor
    maps[1] = _diffuse(inward * light[axis]) * ~on_floor
    depth = torch.minimum(floor, wall)
    shade = on_floor & _meets_bound(camera + rays * depth.unsqueeze(1), light.expand_as(rays))
    near = _meets_bound(camera.expand_as(rays), rays)
    return _Room(camera, rays, light, depth, maps, near.nonzero().squeeze(1), shade.nonzero().squeeze(1))


BOUND = (1.2, 1.76)
"""A ball around every object at every scale: height of its centre, radius."""


def _meets_bound(origins: Tensor, rays: Tensor) -> Tensor:
    """Which lines pass through the ball around all objects; ``(R, 3)`` each → ``(R,)``."""
    offset = origins - rays.new_tensor([0, 0, BOUND[0]])
    return torch.linalg.cross(offset, rays).square().sum(1) < BOUND[1] ** 2


def _camera(azimuth: float, supersampling: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The camera's place ``(3,)`` and a unit vector per ray ``(R, 3)``."""
    around = azimuth - 3 * math.pi / 4  # at orientation 0 it looks straight into the room's far corner
    place = [CAMERA_DISTANCE * math.cos(around), CAMERA_DISTANCE * math.sin(around), CAMERA_HEIGHT]
    camera = torch.tensor(place, device=device)
    forward = torch.nn.functional.normalize(camera.new_tensor([0, 0, LOOK_AT_HEIGHT]) - camera, dim=0)
    right = torch.nn.functional.normalize(torch.stack([forward[1], -forward[0], forward.new_zeros(())]), dim=0)
    up = torch.linalg.cross(right, forward)
    count = SIDE * supersampling
    across = ((torch.arange(count, device=device) + 0.5) / count * 2 - 1) * math.tan(FIELD_OF_VIEW / 2)
    rows, columns = torch.meshgrid(-across, across, indexing="ij")
    rays = forward + columns.reshape(-1, 1) * right + rows.reshape(-1, 1) * up
    return camera, torch.nn.functional.normalize(rays, dim=1)


def _light_maps(room: _Room, scale: float, cast: Callable[[Tensor, Tensor, float], _Hit]) -> Tensor:
    """How much light of each surface reaches each pixel.

    Returns:
        ``(4, 64·64)``: diffuse light of floor, wall and object, to be multiplied by their colours, and highlight.
    """
    maps = room.maps.clone()
    ground = room.camera + room.rays[room.ground] * room.depth[room.ground].unsqueeze(1)
    shadow = cast(ground, room.light.expand_as(ground), scale).distance.isfinite()
    maps[0, room.ground] *= torch.where(shadow, 0.55, 1.0)

    thing = cast(room.camera, room.rays[room.near], scale)
    seen = thing.distance < room.depth[room.near]
    normal, on_object = thing.normal[seen], room.near[seen]
    halfway = torch.nn.functional.normalize(room.light - room.rays[on_object], dim=1)
    maps[:2, on_object] = 0.0
    maps[2, on_object] = _diffuse(normal @ room.light)
    maps[3, on_object] = 0.45 * (normal * halfway).sum(1).clamp(min=0).pow(40)

    each = round(len(room.rays) ** 0.5) // SIDE
    return maps.view(4, SIDE, each, SIDE, each).mean(dim=(2, 4)).flatten(1)


def _diffuse(facing: Tensor) -> Tensor:
    """Light on a matt surface, by the cosine of the angle between its normal and the light."""
    return 0.42 + 0.58 * facing.clamp(min=0)


# Objects stand upright on the floor over the origin. Each is cast from one origin ``(3,)`` or from one per ray ``(R, 3)``.
_NEAR = 1e-4  # a shadow ray does not meet the surface it starts from


def _sphere(origin: Tensor, rays: Tensor, scale: float, radius: float = 0.95) -> _Hit:
    return _ball(origin, rays, radius * scale, radius * scale)


def _capsule(origin: Tensor, rays: Tensor, scale: float, radius: float = 0.6, height: float = 2.0) -> _Hit:
    low, high = radius * scale, (height - radius) * scale
    ends = _nearer(_ball(origin, rays, low, low), _ball(origin, rays, low, high))
    return _nearer(ends, _tube(origin, rays, low, low, high))


def _cylinder(origin: Tensor, rays: Tensor, scale: float, radius: float = 0.78, height: float = 1.6) -> _Hit:
    radius, top = radius * scale, height * scale
    distance = (top - origin[..., 2]) / rays[:, 2]
    across = (origin[..., :2] + rays[:, :2] * distance.unsqueeze(1)).square().sum(1)
    distance = torch.where((distance > _NEAR) & (across < radius**2), distance, torch.inf)
    lid = _Hit(distance, rays.new_tensor([0, 0, 1]).expand_as(rays))
    return _nearer(_tube(origin, rays, radius, 0.0, top), lid)


def _cube(origin: Tensor, rays: Tensor, scale: float, side: float = 1.45) -> _Hit:
    half = side / 2 * scale
    rays = torch.where(rays.abs() < 1e-9, 1e-9, rays)
    middle = (rays.new_tensor([0, 0, half]) - origin) / rays
    near = middle - half / rays.abs()  # (R, 3): where the ray enters the slab of each axis
    distance, axis = near.max(dim=1)
    leaves = (middle + half / rays.abs()).min(dim=1).values
    normal = -rays.sign() * torch.nn.functional.one_hot(axis, 3)
    return _Hit(torch.where((distance < leaves) & (distance > _NEAR), distance, torch.inf), normal)


def _ball(origin: Tensor, rays: Tensor, radius: float, height: float) -> _Hit:
    """A ball with its centre at ``height``."""
    offset = origin - rays.new_tensor([0, 0, height])
    b = (rays * offset).sum(1)
    root = b.square() - offset.square().sum(-1) + radius**2
    distance = -b - root.clamp(min=0).sqrt()
    distance = torch.where((root > 0) & (distance > _NEAR), distance, torch.inf)
    return _Hit(distance, (offset + rays * _finite(distance)) / radius)


def _tube(origin: Tensor, rays: Tensor, radius: float, low: float, high: float) -> _Hit:
    """The upright mantle of a cylinder between two heights, without lids."""
    a = rays[:, :2].square().sum(1).clamp(min=1e-9)
    b = (rays[:, :2] * origin[..., :2]).sum(1)
    root = b.square() - a * (origin[..., :2].square().sum(-1) - radius**2)
    distance = (-b - root.clamp(min=0).sqrt()) / a
    z = origin[..., 2] + distance * rays[:, 2]
    distance = torch.where((root > 0) & (distance > _NEAR) & (z > low) & (z < high), distance, torch.inf)
    across = (origin[..., :2] + rays[:, :2] * _finite(distance)) / radius
    return _Hit(distance, torch.nn.functional.pad(across, (0, 1)))


def _nearer(first: _Hit, second: _Hit) -> _Hit:
    closer = (first.distance <= second.distance).unsqueeze(1)
    return _Hit(torch.minimum(first.distance, second.distance), torch.where(closer, first.normal, second.normal))


def _finite(distance: Tensor) -> Tensor:
    """Distances ``(R, 1)`` to multiply by: 0 for misses, which nobody looks at."""
    return torch.where(distance.isfinite(), distance, 0.0).unsqueeze(1)


_CASTS = (_cube, _cylinder, _sphere, _capsule)  # in the order of SHAPES
