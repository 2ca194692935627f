"""Drawn faces: small cartoon portraits with seven named attributes, as many as are asked for.

The built-in data for experiments on faces, in place of CelebA, for which a reader needs 1.4 GB (see `datasets.celeba`). Every
attribute is true with probability 1/2, independently of the others, and everything else about a face (its form, colours,
expression, clothes, background) varies too; see `datasets.drawn_faces` for the painter. Nothing is downloaded; the pictures
come under this project's licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from lossconditioning.datasets.brushes import between, either
from lossconditioning.datasets.drawn_faces import LIPS, SIDE, WARM, WHITE, colors, draw
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.training.randomness import generator

ATTRIBUTES = ("blond_hair", "long_hair", "glasses", "smiling", "pale_skin", "beard", "hat")
"""Where one is false: dark hair, short hair, no glasses, a closed and rather sullen mouth, dark skin, no beard, no hat."""

_AT_ONCE = 16  # few enough for the processor's cache


@dataclass(frozen=True, eq=False)
class Faces:
    """Pictures of faces, and what is known about each.

    Attributes:
        images: uint8 ``(N, 3, H, W)``, RGB.
        attributes: bool ``(N, A)``.
        names: of the A attributes.
        source: what they are, in words.
    """

    images: Tensor
    attributes: Tensor
    names: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.images)

    def having(self, attribute: str) -> Tensor:
        """Which faces have an attribute: bool ``(N,)``; an unknown one is answered with the known ones."""
        return self.attributes[:, self.names.index(one_of("attribute", attribute, self.names))]

    def split(self, attribute: str) -> tuple[Faces, Faces]:
        """The faces without an attribute and those with it, each in their order here."""
        has = self.having(attribute)
        return self._those(~has, f"without {attribute}"), self._those(has, f"with {attribute}")

    def _those(self, chosen: Tensor, which: str) -> Faces:
        return Faces(self.images[chosen], self.attributes[chosen], self.names, f"{self.source}, {which}")


def faces(count: int = 1000, seed: int = 0, start: int = 0, **attributes: bool) -> Faces:
    """Drawn faces, 64×64.

    Face number i is a function of (seed, i) alone, however many are drawn with it. An attribute that is given changes that
    attribute and nothing else, so ``faces(8, glasses=False)`` and ``faces(8, glasses=True)`` are eight people twice.

    Args:
        count: how many.
        seed: another seed, other people.
        start: number of the first, to continue where an earlier call ended or to hold faces out.
        attributes: names of `ATTRIBUTES` → the value that all faces get; what is not given varies.

    Raises:
        ReaderError: if there is no such attribute, or a value is none that it can have.

    Example:
        >>> found = faces(100, smiling=True)
        >>> found.images.shape, found.attributes.shape
        (torch.Size([100, 3, 64, 64]), torch.Size([100, 7]))
    """
    positive_int("count", count)
    for name, value in (("seed", seed), ("start", start)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ReaderError(f"{name} must be a whole number of at least 0; got {value!r}.")
    for name, value in attributes.items():
        if not isinstance(value, bool) and one_of("attribute", name, ATTRIBUTES):
            raise ReaderError(f"{name} must be True or False, or not given for it to vary; got {value!r}.")
    fixed = {one_of("attribute", name, ATTRIBUTES): value for name, value in attributes.items()}

    images = torch.empty(count, 3, SIDE, SIDE, dtype=torch.uint8)
    held = torch.empty(count, len(ATTRIBUTES), dtype=torch.bool)
    for begin in range(0, count, _AT_ONCE):
        numbers = range(start + begin, start + min(begin + _AT_ONCE, count))
        face = portrait(np.stack([chances(seed, number) for number in numbers]), fixed)
        part = slice(begin, begin + len(numbers))
        images[part] = torch.from_numpy(draw(face))
        held[part] = torch.from_numpy(np.stack([getattr(face, name).ravel() for name in ATTRIBUTES], axis=1))
    said = "".join(f", {name}={value}" for name, value in fixed.items())
    return Faces(images, held, ATTRIBUTES, f"drawn faces {start:,} to {start + count - 1:,} of seed {seed}{said}")


def chances(seed: int, number: int) -> np.ndarray:
    """The numbers in [0, 1) that decide what a face is like, float32 ``(attributes + traits,)``."""
    return torch.rand(len(ATTRIBUTES) + len(TRAITS), generator=generator(seed, number)).numpy()


# What varies --------------------------------------------------------------------------------------------------------------

TRAITS = {
    # The head: its place and turn (tangent of half the angle), and its form; lengths are in pixels.
    "head_x": (-1.5, 1.5),
    "head_y": (-0.6, 1.4),
    "tilt": (-0.05, 0.05),
    "head_width": (13.8, 16.0),
    "head_height": (16.8, 18.4),
    "jaw": (0.10, 0.26),
    "skin_shade": (0, 1),
    "blush": (0.12, 0.42),
    "freckles": (-0.5, 0.5),
    # What is in it.
    "eye_spacing": (6.1, 7.3),
    "eye_size": (0.94, 1.12),
    "eye_color": (0, 1),
    "gaze_x": (-0.6, 0.6),
    "gaze_y": (-0.3, 0.4),
    "brow_height": (-6.2, -4.9),
    "brow_slope": (-0.12, 0.16),
    "brow_weight": (0.75, 1.2),
    "nose_length": (5.6, 7.0),
    "mouth_width": (0.88, 1.12),
    "expression": (0, 1),
    # What is on it.
    "hair_shade": (0, 1),
    "hair_volume": (2.0, 4.0),
    "hair_part": (-7, 7),
    "fringe": (0, 1),
    "curl": (0, 1),
    "hair_length": (19, 26),
    "beard_length": (0.6, 2.6),
    "frame_color": (0, 1),
    "frame_size": (0.95, 1.1),
    "frame_corner": (0.45, 1),
    "hat_color": (0, 1),
    "hat_height": (4.0, 6.5),
    "pompom": (-2.5, 3.6),
    # What is below and behind it.
    "body_x": (-1.5, 1.5),
    "shoulders": (22, 27),
    "clothes_color": (0, 1),
    "collar": (3.5, 8.5),
    "stripes": (-1, 1),
    "background": (0, 1),
    "slant": (-0.5, 0.5),
    "glow_x": (-14, 14),
    "glow_y": (-16, 8),
    "bubble_x": (-30, -8),
    "bubble_y": (-28, 10),
    "bubble_size": (4, 13),
    "bubble2_x": (10, 30),
    "bubble2_y": (-28, 14),
    "bubble2_size": (3, 11),
}
"""What varies from face to face beside its attributes → its least and greatest value."""


PALE_SKIN = colors("ffe6d6 fddcc4 f8d0b0 f6c8a8")
DARK_SKIN = colors("b27c52 98643f 845236 70442c")
BLOND_HAIR = colors("faeab4 f3d582 e9bf5c d9a548")
DARK_HAIR = colors("54302a 3e2624 2c2226 221e2c")
EYES = colors("3a78b8 4aa0b0 3f8f62 6f9a3e a0702e 6e4326 4a2e22")
FRAMES = colors("20202e b02848 2468a8 20202e c8862a 7a3a1c 2a8a80 20202e")
CLOTHES = colors("e4572e f2a541 3fa796 2d7dd2 6a4c93 d1495b f4f1e8 2f4858 7cb518 ef798a")
HATS = colors("c8324a 2c5aa0 e8963c 2f8f7a 7a4aa8 f0ece2 34384e d8608c")
SKIES = (
    colors("fde2c8 d4ecf7 e6dbf8 c9ead9 f9d5dd fbeec4 a9d3ee f7d9b8 cfd6f2 b5e2df"),
    colors("f5a99a 8fc1e6 b79ae0 7cc3a5 ea94ae f3c08a 6b8fd0 cf8fb0 8d95d6 6fb2c4"),
)
"""Colours of the upper left and of the lower right, in pairs."""


def portrait(drawn: np.ndarray, fixed: dict[str, bool]) -> SimpleNamespace:
    """What faces are like, for `drawn_faces.draw`, from numbers in [0, 1), float32 ``(B, attributes + traits)``."""
    chance = dict(zip((*ATTRIBUTES, *TRAITS), drawn.T[..., None, None], strict=True))
    face = SimpleNamespace()
    for name in ATTRIBUTES:
        setattr(face, name, np.full_like(chance[name], fixed[name], bool) if name in fixed else chance[name] < 0.5)
    for name, (low, high) in TRAITS.items():
        setattr(face, name, low + (high - low) * chance[name])
    pale, blond = face.pale_skin[..., 0], face.blond_hair[..., 0]
    _features(face)
    face.skin = either(pale, _along(PALE_SKIN, face.skin_shade), _along(DARK_SKIN, face.skin_shade))
    face.hair = either(blond, _along(BLOND_HAIR, face.hair_shade), _along(DARK_HAIR, face.hair_shade))
    face.skin_shadow = between(face.skin * 0.76, WARM, 0.12)
    face.hair_shadow = between(face.hair * 0.72, WARM, 0.14)
    face.hair_shine = between(face.hair, WHITE, either(blond, 0.5, 0.3))
    face.lips = between(face.skin * 0.9, LIPS, 0.52)
    face.iris = _along(EYES, face.eye_color)
    face.sky = [_along(palette, face.background) for palette in SKIES]
    face.cloth, face.knit, face.frame = (
        palette[(at[:, 0, 0] * len(palette)).astype(np.int64).clip(max=len(palette) - 1)]
        for palette, at in ((CLOTHES, face.clothes_color), (HATS, face.hat_color), (FRAMES, face.frame_color))
    )
    return face


def _features(face: SimpleNamespace) -> None:
    """How eyes, brows and mouth are held, in pixels and shares, by whether a face smiles and by its expression."""
    smiling, much = face.smiling, face.expression
    face.eye_open = either(smiling, 3.3, 3.6)
    face.upper_lid, face.lower_lid, face.lid_slope = np.zeros((3, *much.shape), dtype=np.float32)
    face.brow_lift = either(smiling, -0.5, 0.2)
    face.mouth_half = face.mouth_width * either(smiling, 5.6 + much, 3.7 - much * 0.5)
    face.mouth_bend = either(smiling, -0.055 - 0.015 * much, 0.03 + 0.045 * much)
    face.mouth_rise = either(smiling, 0.9, 0)
    face.mouth_gap = either(smiling, 3.6 + 1.6 * much, 0)
    face.mouth_teeth = either(smiling, 1.7, 0)


def _along(palette: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Colours ``(B, 3)`` from along a palette, at places ``(B, 1, 1)`` in [0, 1]."""
    at = where[:, 0] * np.float32(len(palette) - 1)
    low = np.minimum(at.astype(np.int64), len(palette) - 2)
    low, share = low[:, 0], at - low.astype(np.float32)
    return palette[low] + share * (palette[low + 1] - palette[low])
