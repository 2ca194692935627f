"""The painter of the drawn faces: from what a face is like to its picture, many at once.

A face is laid down in layers, back to front. Each layer is a signed distance from the edge of a shape, in pixels; how much of
a pixel it covers follows from that, so outlines are smooth without drawing at a larger size. Only the window that a layer may
reach is touched.

Pixels are computed by + − × ÷, square root, minimum and maximum alone, which IEEE 754 rounds in one way only: a face is the
same to the last bit whatever it is drawn together with.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from lossconditioning.datasets.brushes import between, bump, either, ellipse, inside, shaded, stroke, unit, wave

SIDE = 64


def colors(codes: str) -> np.ndarray:
    """Hexadecimal colours to ``(P, 3)`` in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], dtype=np.float32) / 255


WHITE, _DIM, _INK, WARM, _MOUTH, _TONGUE, LIPS, _ROSE = colors(
    "ffffff b8c4dc 2a1c24 3c1030 7c1f2c e2636c c8485a f0606a"
)[:, None]


def draw(face: SimpleNamespace) -> np.ndarray:
    """Draw faces.

    Args:
        face: what they are like, as `datasets.faces` makes it up: attributes and traits ``(B, 1, 1)``, colours ``(B, 3)``.

    Returns:
        uint8 ``(B, 3, 64, 64)``.
    """
    canvas = _Canvas(face)
    features = (_eyes, _lids, _brows, _nose, _mouth)
    for layer in (_background, _hair_behind, _body, _head, _beard, *features, _hair, _glasses, _hat):
        layer(canvas, face)
    return np.floor(canvas.image * 255 + 0.5).astype(np.uint8)


# Canvas -----------------------------------------------------------------------------------------------------------------


class _Canvas:
    """Pictures in the making, ``(B, 3, 64, 64)``, and where each pixel is, from the middle of the picture or of the head."""

    def __init__(self, face: SimpleNamespace):
        self.face, self.image = face, np.empty((len(face.skin), 3, SIDE, SIDE), dtype=np.float32)
        self.middle = np.arange(SIDE, dtype=np.float32) + (0.5 - SIDE / 2)
        square = face.tilt * face.tilt
        self.cos, self.sin = (1 - square) / (1 + square), 2 * face.tilt / (1 + square)

    def place(self, top: int, bottom: int, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
        """x to the right ``(1, 1, w)`` and y downward ``(1, h, 1)`` of a window's pixels, from the picture's middle."""
        self.window = (slice(None), slice(top, bottom), slice(left, right))
        return self.middle[None, None, left:right], self.middle[None, top:bottom, None]

    def on_head(self, top: int, bottom: int, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
        """The same from the middle of the head, shifted and tilted with it: ``(B, h, w)`` each."""
        x, y = self.place(top, bottom, left, right)
        x, y = x - self.face.head_x, y - self.face.head_y
        return self.cos * x + self.sin * y, self.cos * y - self.sin * x

    def lay(self, color: np.ndarray, mask: np.ndarray) -> None:
        """Lay a colour, ``(1 or B, 3)`` or one ``(B, h, w)`` per channel, over the window that was asked for last."""
        rows = (slice(None), *self.window[1:])
        for channel in range(3):
            below = self.image[:, channel][rows]
            above = color[channel] if isinstance(color, list) else color[:, channel, None, None]
            below += mask * (above - below)


def _egg(x: np.ndarray, y: np.ndarray, face: SimpleNamespace, grown: float = 0.0) -> np.ndarray:
    """Distance from the outline of the head, narrower towards the chin."""
    low = unit(y / face.head_height)
    return ellipse(x, y, face.head_width * (1 - face.jaw * low * low) + grown, face.head_height + grown)


# Layers, back to front ----------------------------------------------------------------------------------------------------


def _background(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.place(0, 64, 0, 64)
    share = unit((x * face.slant + y) / 72 + 0.5)
    for channel, color in enumerate(shaded(face.sky[0], face.sky[1], share)):
        canvas.image[:, channel] = color
    glow = 0.45 * bump(((x - face.glow_x) ** 2 + (y - face.glow_y) ** 2) / 34**2)
    for name in ("bubble", "bubble2"):
        bx, by, size = (getattr(face, f"{name}_{part}") for part in ("x", "y", "size"))
        glow += 0.16 * inside(np.sqrt((x - bx) ** 2 + (y - by) ** 2) - size, 2)
    canvas.lay(WHITE, unit(glow))


def _hair_outline(x: np.ndarray, y: np.ndarray, face: SimpleNamespace) -> np.ndarray:
    """Distance from the outline of the hair, which has no lower end here."""
    volume, long = face.hair_volume, face.long_hair
    ripple = face.curl * (wave(x * 0.1 + 0.25) + wave(y * 0.085))
    cap = ellipse(x, np.minimum(y + 3, 0), face.head_width + volume * 0.7, face.head_height + volume - 3)
    spread = either(long, 0.16, -0.3) * np.maximum(y, 0)
    sides = np.abs(x) - (face.head_width + volume * 0.7) - spread
    return either(y < -3, cap, sides) - ripple


def _hair_behind(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(6, 64, 7, 57)
    end = either(face.long_hair, face.hair_length - x * x * 0.012, 2.5)
    face.hair_edge = _hair_outline(x, y, face)  # `_hair` needs it again, in the same window
    canvas.lay(face.hair_shadow, inside(np.maximum(face.hair_edge, y - end), 1.4))


def _body(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.place(42, 64, 0, 64)
    x = x - face.body_x
    neck = np.maximum(np.abs(x) - 5.6 - np.minimum(np.maximum(y - 17, 0), 6), 8 - y)
    chin = _egg(x + face.body_x - face.head_x, y - face.head_y - 3, face)
    canvas.lay(shaded(face.skin, face.skin_shadow, 0.25 + 0.75 * inside(chin, 3)), inside(neck))
    shoulder = ellipse(x, y - 37, face.shoulders, 17.5)
    opening = ellipse(x, y - 18, 7.6, face.collar)
    light = unit((x * 0.6 + y) / 40)
    band = wave(y * 0.21 + x * x * 0.0012)
    light = light + unit(face.stripes * 4 - 1) * 0.6 * unit(band * 2 + 0.5)
    shadow = between(face.cloth * 0.7, WARM, 0.15)
    canvas.lay(shaded(face.cloth, shadow, unit(light)), inside(np.maximum(shoulder, -opening)))
    trim = inside(np.abs(opening - 1) - 0.9) * inside(shoulder)
    canvas.lay(between(face.cloth, WHITE, 0.35), trim * 0.85)


def _head(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(12, 54, 10, 54)
    ear = ellipse(np.abs(x) - face.head_width - 0.4, y - 2.2, 2.8, 4)
    canvas.lay(shaded(face.skin, face.skin_shadow, inside(ear + 2, 2) * 0.7), inside(ear))
    edge = _egg(x, y, face)
    shade = unit((x * 0.55 + y * 0.75) / 26) + inside(-edge - 1, 6) * 0.3
    shade = shade + 0.55 * inside(y - _hairline(x, face) - 1.6, 2.6)
    canvas.lay(shaded(face.skin, face.skin_shadow, unit(shade)), inside(edge))
    across, down = np.abs(x) - face.eye_spacing - 1.8, y - either(face.smiling, 6.2, 7)
    cheek = bump((across * across + down * down * 1.6) / 22)
    canvas.lay(_ROSE, cheek * face.blush * either(face.smiling, 1.2, 0.8))


def _beard(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(30, 57, 12, 52)
    wide = np.abs(x)
    out = unit((wide - 4) / (face.head_width - 6))
    cheek_line = 8.6 - 7 * out * out * out
    jaw = _egg(x, y - 0.3 * face.beard_length, face, face.beard_length * 0.8)
    texture = 0.13 * wave(x * 0.26 + x * y * 0.008)
    shade = unit((y - 9) * 0.05 + 0.35 + texture + inside(-jaw - 1, 4) * 0.3)
    canvas.lay(shaded(face.hair, face.hair_shadow, shade), face.beard * inside(np.maximum(jaw, cheek_line - y), 1.3))


def _eyes(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(24, 43, 15, 49)
    y = y - 1.2
    across = x - np.copysign(face.eye_spacing, x)
    outward = np.abs(x) - face.eye_spacing
    wide, high = 3.4 * face.eye_size, face.eye_open * face.eye_size
    edge = ellipse(outward, y, wide, high)
    canvas.lay(face.skin_shadow, inside(edge - 0.9, 1.8) * 0.55)
    white = inside(edge)
    canvas.lay(shaded(WHITE, _DIM, unit(-y * 0.3)), white)
    across, down = across - face.gaze_x, y - face.gaze_y - 0.2
    away = np.sqrt(across * across + down * down)
    size = 2.75 * face.eye_size
    iris = shaded(face.iris * 0.6, between(face.iris, WHITE, 0.25), unit(down * 0.3 + 0.4))
    canvas.lay(iris, white * inside(away - size))
    canvas.lay(_INK, white * inside(away - size * 0.52))
    across, down = across + 0.9, down + 1
    canvas.lay(WHITE, inside(np.sqrt(across * across + down * down) - 0.85))
    lid = inside(np.abs(edge + 0.1) - 0.62) * unit(0.2 - y * 0.6)
    lash = stroke(outward - wide + 0.2, y + 1 + (outward - wide) * 0.7, 1.8, 0.7)
    canvas.lay(_INK, np.maximum(lid, lash) * 0.92)


def _lids(canvas: _Canvas, face: SimpleNamespace) -> None:
    """Skin over the eyes from above and from below, by shares of their height. An eye that is shut from below is an arch."""
    if not (face.upper_lid.any() or face.lower_lid.any()):
        return
    x, y = canvas.on_head(24, 43, 15, 49)
    y = y - 1.2
    outward = np.abs(x) - face.eye_spacing
    high = face.eye_open * face.eye_size
    edge = ellipse(outward, y, 3.4 * face.eye_size, high)
    # A lid that covers nothing must leave no edge either, so that a face is the same whatever it is drawn together with.
    raised, lowered = unit(face.lower_lid * 8), unit(face.upper_lid * 8)
    below = y - high * (1 - 2 * face.lower_lid) - outward * outward * 0.12
    canvas.lay(face.skin, inside(edge - 1.5) * inside(-below) * raised)
    shut = unit(face.lower_lid * 4 - 2)
    canvas.lay(_INK, inside(np.abs(edge + 0.4) - 0.9) * inside(y + 0.3) * shut)
    above = y + high * (1 - 2 * face.upper_lid) + outward * face.lid_slope
    canvas.lay(between(face.skin, face.skin_shadow, 0.5), inside(edge - 0.8) * inside(above) * lowered)
    canvas.lay(_INK, inside(edge - 0.5) * inside(np.abs(above) - 0.75) * lowered)


def _brows(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(18, 37, 14, 50)
    outward = np.abs(x) - face.eye_spacing - 0.3
    arch = face.brow_height + face.brow_lift + outward * outward * 0.045 + outward * face.brow_slope
    canvas.lay(between(face.hair_shadow, WARM, 0.3), stroke(outward, y - arch, 4.6, face.brow_weight))


def _nose(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(29, 47, 17, 47)
    y = y - face.nose_length
    side = bump((x - 0.9) ** 2 * 0.3 + (y + 2) ** 2 * 0.06)
    canvas.lay(face.skin_shadow, side * 0.45)
    canvas.lay(WHITE, bump((x + 0.7) ** 2 * 0.5 + (y + 0.6) ** 2 * 0.3) * 0.35)
    under = stroke(x, y - 0.9 + x * x * 0.12, 2.6, 0.62)
    canvas.lay(between(face.skin_shadow, LIPS * 0.6, 0.45), under * 0.9)
    dots = bump((wave(x * 0.31 + y * 0.11) - 1) ** 2 + (wave(y * 0.37 - x * 0.09) - 1) ** 2)
    cheeks = bump((np.abs(x) - 6) ** 2 * 0.06 + (y + 1) ** 2 * 0.12)
    canvas.lay(between(face.skin_shadow, LIPS, 0.3), dots * cheeks * unit(face.freckles * 2))


def _mouth(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(38, 53, 20, 44)
    y = y - 11.2
    half, parted = face.mouth_half, face.mouth_gap > 0
    y = y + face.mouth_rise - face.mouth_bend * x * x
    hill = 1 - (x / half) ** 2
    # Closed: two lips along a line. Open: what shows between them.
    canvas.lay(face.lips, ~parted * inside(np.abs(y - 0.35) - 1.7 * hill))
    gap = np.maximum(-y, y - face.mouth_gap * hill)
    canvas.lay(face.lips, parted * inside(gap - 0.7))
    opened = parted * inside(gap)
    canvas.lay(_MOUTH, opened)
    canvas.lay(_TONGUE, opened * inside(ellipse(x, y - 5, 3.2, 2.2)))
    canvas.lay(WHITE, opened * inside(y - face.mouth_teeth))
    canvas.lay(between(face.lips, _MOUTH, 0.75), ~parted * stroke(x, y, half + 0.5, 0.6))
    canvas.lay(between(face.lips, _MOUTH, 0.5), parted * stroke(x, y + 0.2, half + 1, 0.5))


def _hairline(x: np.ndarray, face: SimpleNamespace) -> np.ndarray:
    """Down to where hair covers the forehead: parted, or a fringe, or what a hat leaves of either."""
    away = x - face.hair_part
    parted = -13 + away * away * either(away * face.hair_part < 0, 0.028, 0.06)
    straight = -8.2 + 0.8 * wave(x * 0.16 + face.hair_part) + x * x * 0.012
    line = parted + unit(face.fringe * 5 - 2) * (straight - parted)
    return either(face.hat, np.maximum(line, -7.6 + x * x * 0.01), np.minimum(line, 2))


def _hair(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(6, 64, 7, 57)
    outline, wide = face.hair_edge, np.abs(x)
    cap = np.maximum(outline, y - np.minimum(_hairline(x, face), either(face.long_hair, 30, 1)))
    # Long hair comes forward at both sides: along the cheeks, then inward over the shoulders.
    inner = face.head_width * 0.9 - 3.2 * unit((y - 9) * 0.08)
    curtain = np.maximum(inner - wide, y - face.hair_length + (wide - 15) ** 2 * 0.08)
    curtain = np.maximum(np.maximum(curtain, outline), -y - 10)
    mask = np.maximum(inside(cap), face.long_hair * inside(curtain))
    away = x - face.hair_part
    strands = wave(either(y < 0, y - away * away * 0.045, x + y * 0.1) * 0.24)
    edge = inside(-outline - 1.2, 3.5)
    shade = 0.28 + 0.2 * strands + 0.35 * edge + unit(y * 0.025) * 0.4
    canvas.lay(shaded(face.hair, face.hair_shadow, unit(shade)), mask)
    ring = (x / face.head_width) ** 2 + ((y + 2) / face.head_height) ** 2 - 0.72
    shine = bump(ring * ring * 14) * unit(0.75 - x * 0.04) * unit(-y * 0.2 - 0.6)
    canvas.lay(face.hair_shine, mask * shine * (0.75 + 0.25 * strands))


def _glasses(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(23, 45, 11, 53)
    y = y - 1.4
    wide, high = 5.4 * face.frame_size, 4.9 * face.frame_size
    round_ = face.frame_corner * high
    outward = np.abs(x) - np.maximum(face.eye_spacing, wide + 1)
    p, q = np.abs(outward) - wide + round_, np.abs(y) - high + round_
    corner = np.sqrt(np.maximum(p, 0) ** 2 + np.maximum(q, 0) ** 2)
    edge = corner + np.minimum(np.maximum(p, q), 0) - round_
    lens = inside(edge) * face.glasses
    glare = inside(np.abs(outward * np.copysign(1.0, x) + y + 2) - 1, 1.5)
    canvas.lay(WHITE, lens * (0.15 + 0.3 * glare))
    bridge = np.maximum(np.abs(y + 1 - x * x * 0.15) - 0.75, outward + wide)
    arm = np.maximum(np.abs(y + 1) - 0.7, np.maximum(wide - outward, np.abs(x) - face.head_width - 0.6))
    rim = np.minimum(np.abs(edge) - 0.8, np.minimum(bridge, arm))
    gloss = unit(-0.2 - y * 0.2) * 0.45
    canvas.lay(shaded(face.frame, between(face.frame, WHITE, 0.75), gloss), face.glasses * inside(rim))


def _hat(canvas: _Canvas, face: SimpleNamespace) -> None:
    x, y = canvas.on_head(0, 29, 8, 56)
    top = face.head_height + face.hat_height
    ball = np.sqrt(x * x + (y + top + 1) ** 2) - face.pompom
    fluff = wave(x * 0.4 + y * 0.2) * 0.2 + 0.25
    pale, dark = between(face.knit, WHITE, 0.45), between(face.knit * 0.66, WARM, 0.2)
    canvas.lay(shaded(pale, face.knit, unit(fluff + (y + top) * 0.12)), face.hat * inside(ball))
    wide = face.head_width + face.hair_volume * 0.7 + 0.6
    bow = x * x * 0.009
    dome = np.maximum(ellipse(x, y + 10, wide, top - 10), y + 12)
    knit = 0.3 + x * 0.016 + 0.16 * wave(x * 0.26) + unit((y + 18) * 0.1) * 0.4
    canvas.lay(shaded(face.knit, dark, unit(knit)), face.hat * inside(dome))
    p, q = np.abs(x) - wide - 0.7 + 2, np.abs(y + 12.4 - bow) - 3.1 + 2
    brim = np.sqrt(np.maximum(p, 0) ** 2 + np.maximum(q, 0) ** 2) + np.minimum(np.maximum(p, q), 0) - 2
    ribs = 0.3 + 0.3 * wave(x * 0.25) + x * 0.012
    canvas.lay(shaded(pale, face.knit, unit(ribs + (y + 12) * 0.12)), face.hat * inside(brim))
