"""The file format: what a compressed picture needs to say about itself, and what is checked before it is believed.

All numbers little-endian:

    4 bytes   magic, "LCIC"                8 bytes   digest of the model's weights and tables
    1 byte    version of the format        2 + 2     width and height, in pixels
    4 bytes   weight λ, float32            4 bytes   length of the payload
    4 bytes   checksum of the hyper-latents, 4 of the latents (CRC-32 of size, λ and symbols, int16)
    …         payload: both, entropy-coded
    4 bytes   checksum of everything before (CRC-32)
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossconditioning.errors import ReaderError

MAGIC, VERSION = b"LCIC", 1
_HEADER = struct.Struct("<4sB8sHHfIII")
_CHECKSUM = struct.Struct("<I")
OVERHEAD = _HEADER.size + _CHECKSUM.size
"""Bytes of a file that are not payload."""
MAX_SIDE = 0xFFFF
MAX_PIXELS = 1 << 24
"""Larger pictures (16.8 megapixels) are refused, unless a reader raises the limit: a file of a few kilobytes that gets all its
checksums right still costs the time and memory of the picture it claims to be."""


class FileError(ReaderError):
    """A compressed picture that is damaged, or that is not one."""


@dataclass(frozen=True)
class Container:
    """A file's contents.

    Attributes:
        model: 8 bytes that stand for the model that made it.
        width, height: in pixels.
        lam: λ, the weight that it was compressed under.
        z_checksum, y_checksum: of the symbols, see `checksum`.
        payload: the entropy-coded symbols.
    """

    model: bytes
    width: int
    height: int
    lam: float
    z_checksum: int
    y_checksum: int
    payload: bytes

    def pack(self) -> bytes:
        """The file."""
        fields = (self.model, self.width, self.height, self.lam, len(self.payload), self.z_checksum, self.y_checksum)
        body = _HEADER.pack(MAGIC, VERSION, *fields) + self.payload
        return body + _CHECKSUM.pack(zlib.crc32(body))

    @classmethod
    def unpack(cls, data: bytes, max_pixels: int = MAX_PIXELS) -> Container:
        """Read a file, checking everything that can be checked without a model.

        Raises:
            FileError: if it is no such file, truncated, edited, or too large a picture.
        """
        if not isinstance(data, (bytes, bytearray)):
            raise ReaderError(f"A file's contents are bytes, as path.read_bytes() gives; got {data!r:.60}.")
        data = bytes(data)
        if data[: len(MAGIC)] != MAGIC:
            raise FileError("This is not a picture that lossconditioning compressed: it does not begin with LCIC.")
        if len(data) < OVERHEAD:
            raise FileError(f"The file is cut off: {len(data)} bytes, fewer than the {OVERHEAD} of an empty one.")
        _, version, model, width, height, lam, length, z_checksum, y_checksum = _HEADER.unpack_from(data)
        if version != VERSION:
            raise FileError(f"The file has format version {version}; this program reads version {VERSION}. Update it.")
        if len(data) != length + OVERHEAD:
            raise FileError(
                f"The file has {len(data):,} bytes, its header says {length + OVERHEAD:,}: it was cut off or edited. Get it "
                "again."
            )
        if zlib.crc32(data[: -_CHECKSUM.size]) != _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0]:
            raise FileError("The file is damaged: its checksum does not fit. Get it again.")
        if not width or not height or length % 4 or not math.isfinite(lam) or lam <= 0:
            raise FileError(f"The header makes no sense: {width}×{height} pixels, λ = {lam}, {length} bytes.")
        if width * height > max_pixels:
            raise FileError(
                f"The picture has {width}×{height} pixels, more than the limit of {max_pixels:,}. If you trust the file, "
                "raise max_pixels (on the command line: --max-pixels)."
            )
        return cls(model, width, height, lam, z_checksum, y_checksum, data[_HEADER.size : -_CHECKSUM.size])


def checksum(symbols: NDArray[np.int32], width: int, height: int, lam: float) -> int:
    """CRC-32 of symbols, and of what the header says they are: encoder and decoder compare what they saw."""
    return zlib.crc32(symbols.astype("<i2").tobytes(), zlib.crc32(struct.pack("<HHf", width, height, lam)))


def warn_of_size(height: int, width: int, stacklevel: int = 1) -> None:
    """Say so if a picture is larger than is read without a reader's raising the limit; ``stacklevel`` as in `warnings.warn`."""
    pixels = height * width
    if pixels > MAX_PIXELS:
        warnings.warn(
            f"A picture of {width}×{height} pixels has more than the {MAX_PIXELS:,} that are decompressed without asking. To "
            f"have it back: decompress(data, max_pixels={pixels}), on the command line --max-pixels {pixels}.",
            stacklevel=stacklevel + 1,
        )
