"""Picture files for tests, made here: small colour pictures in every format, and files that are no pictures to open."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 24, 16
X, Y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
RGB = np.stack([X, Y, 0.3 + 0.4 * X * (1 - Y)], axis=-1)  # no two corners alike
COLOUR = Image.fromarray((255 * RGB).round().astype(np.uint8))
FLAGS = Image.fromarray(np.where(RGB > 0.5, 255, 0).astype(np.uint8))  # few colours, for palettes
SHADE = 0.1 + 0.7 * X * Y
MASK = Image.fromarray(np.where(X > 0.6, 255, 0).astype(np.uint8))
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}
FORMATS = (*LOSSLESS, "GIF", "JPEG")


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **{**LOSSLESS.get(kind, {}), **options})
    return buffer.getvalue()


def uploaded(data: bytes, name: str = "mine.png") -> tuple[dict]:
    return ({"name": name, "type": "", "size": len(data), "content": memoryview(data)},)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *rest: bytes) -> bytes:
    """A PNG by hand, black, one bit a pixel."""
    packer, row = zlib.compressobj(1), bytes(1 + (width + 7) // 8)
    pixels = b"".join([*(packer.compress(row * 100) for _ in range(height // 100)), packer.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *rest, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])
