"""Damaged and hostile files: each ends in one clear error, soon and without much memory, or in exactly the right picture.

The files are tried in a process of their own, so that its memory is theirs alone, and a crash or a hang is seen from outside.
"""

import random
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from dataclasses import replace

import constriction
import numpy as np
import psutil
import pytest
import torch
from small_codecs import corner, elsewhere, small_codec

from lossconditioning.codec import OVERHEAD, STRIDE, Codec, Container, FileError
from lossconditioning.codec.container import checksum
from lossconditioning.errors import WeightWarning
from lossconditioning.systems import compression

resource = pytest.importorskip("resource")

SECONDS, MEGABYTES = 1.0, 100
HOSTILE_SECONDS, HOSTILE_MEGABYTES = 0.2, 30
_HEADER = struct.Struct("<4sB8sHHfIII")
# Fields of the header that are not checked by comparison with a constant, and what somebody might put there.
_SIDES = (0, 1, 63, 64, 65, 128, 129, 1023, 8000, 8192, 65535)
FIELDS = {
    1: (0, 2, 255),
    2: (bytes(8), b"\xff" * 8),
    3: _SIDES,
    4: _SIDES,
    5: (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e-45, 1.2e-4, 1.2e-3, 0.05, 0.26, 2.6, 3.4e38),
    6: (0, 1, 4, 1 << 31, (1 << 32) - 1),
    7: (0, (1 << 32) - 1),
    8: (0, (1 << 32) - 1),
}
CHECKS = (
    "does not begin with LCIC",
    "The file is cut off",
    "format version",
    "its header says",
    "its checksum does not fit",
    "The header makes no sense",
    "more than the limit",
    "made with model",
    "is too short",
    "payload is not one",
    "decodes to other symbols",
)
"""What messages say, from the outermost check to the innermost."""
SAMPLES = [
    ((1, 1), 0.05),
    ((64, 128), 0.26),
    ((128, 64), 0.02),
    ((63, 65), 0.01),
    ((150, 100), 0.0012),
    ((90, 64), 0.26),
]


# Mutations ------------------------------------------------------------------------------------------------------------


def flip_bits(draw: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(draw.randint(1, 8)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def change_bytes(draw: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(draw.randint(1, 8)):
        data[draw.randrange(len(data))] = draw.choice((0, 255, draw.randrange(256)))


def cut_off(draw: random.Random, data: bytearray, other: bytes) -> None:
    del data[draw.randrange(len(data)) :]


def cut_out(draw: random.Random, data: bytearray, other: bytes) -> None:
    start = draw.randrange(len(data))
    del data[start : start + draw.choice((1, 4, 8, draw.randint(1, 64)))]


def insert(draw: random.Random, data: bytearray, other: bytes) -> None:
    place, length = draw.randint(0, len(data)), draw.choice((1, 4, 8, draw.randint(1, 64)))
    data[place:place] = draw.choice((bytes(length), b"\xff" * length, draw.randbytes(length)))


def splice(draw: random.Random, data: bytearray, other: bytes) -> None:
    data[draw.choice((33, draw.randrange(len(data)))) :] = other[draw.choice((33, draw.randrange(len(other)))) :]


def edit_header(draw: random.Random, data: bytearray, other: bytes) -> None:
    if len(data) >= _HEADER.size:
        fields = list(_HEADER.unpack_from(data))
        for _ in range(draw.randint(1, 2)):
            number = draw.choice(list(FIELDS))
            fields[number] = draw.choice(FIELDS[number])
        _HEADER.pack_into(data, 0, *fields)


def replace_payload(draw: random.Random, data: bytearray, other: bytes) -> None:
    words = 4 * draw.randint(0, 100)
    data[33:-4] = draw.choice((bytes(words), b"\xff" * words, draw.randbytes(words)))


KINDS = [flip_bits, change_bytes, cut_off, cut_out, insert, splice, edit_header, replace_payload]


def mend(data: bytearray, length: bool) -> None:
    """Make the last checksum right, and the payload's length if wanted, so that what lies deeper is reached."""
    if len(data) >= OVERHEAD:
        if length:
            struct.pack_into("<I", data, 21, len(data) - OVERHEAD)
        struct.pack_into("<I", data, len(data) - 4, zlib.crc32(data[:-4]))


def mutant(number: int, files: list[bytes]) -> tuple[bytes, bool]:
    """A file that was changed, a function of the number alone; and whether its checksum was mended."""
    draw = random.Random(number)
    data, mended = bytearray(draw.choice(files)), draw.random() < 0.6
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if data:
            draw.choice(KINDS)(draw, data, draw.choice(files))
    if mended:
        mend(data, length=draw.random() < 0.9)
    return bytes(data), mended


# The other process ----------------------------------------------------------------------------------------------------


def samples(codec: Codec) -> tuple[list[bytes], dict[tuple, torch.Tensor]]:
    """Valid files, and the pictures in them by what their headers say."""
    files, known = [], {}
    for size, lam in SAMPLES:
        symbols = codec.symbols(corner(*size), lam)
        files.append(codec.pack(symbols, *size, lam))
        known[said(Container.unpack(files[-1]))] = codec.picture(symbols, *size, lam)
    return files, known


def said(file: Container) -> tuple:
    return file.width, file.height, file.lam, file.z_checksum, file.y_checksum


class Watch:
    """Decodes files, and notes how each ended, the slowest, and by how much memory grew at the most."""

    def __init__(self, codec: Codec):
        self.codec, self.endings, self.wrong, self.slowest = codec, Counter(), [], 0.0
        codec.decompress(samples(codec)[0][1])  # builds the tables, and wakes up PyTorch
        self.before = psutil.Process().memory_info().rss

    def decode(self, name: object, data: bytes) -> torch.Tensor | None:
        began, picture, ending = time.process_time(), None, "a picture"
        try:
            picture = self.codec.decompress(data)
        except FileError as error:
            ending = next((check for check in CHECKS if check in str(error)), str(error))
        except BaseException as error:  # a panic of the entropy coder is no Exception
            ending = type(error).__name__
            self.wrong.append(f"{name}: {ending} {error}")
        self.endings[ending] += 1
        self.slowest = max(self.slowest, time.process_time() - began)
        return picture

    def report(self) -> dict:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        grown = (peak - self.before) / 1e6
        return {"endings": self.endings, "wrong": self.wrong, "slowest": self.slowest, "megabytes": grown}


def hostile(codec: Codec) -> dict[str, bytes]:
    """Small files that claim to be large pictures; what can be made right without encoding one is right."""
    real = Container.unpack(codec.pack(codec.symbols(corner(64, 64), 0.05), 64, 64, 0.05))
    blank = replace(real, width=4096, height=4096)  # as many pixels as are read without asking
    payloads = {"nothing": b"", "zeros": bytes(4), "ones": b"\xff" * 400, "noise": random.Random(0).randbytes(4000)}
    files = {name: replace(blank, payload=payload) for name, payload in payloads.items()}
    files |= {f"{side} pixels": replace(real, width=side, height=side) for side in (512, 1024, 2048, 4096)}
    files |= {f"a row of {side}": replace(real, width=side, height=1) for side in (4096, 65535)}
    return {name: with_right_sums(codec, file).pack() for name, file in files.items()}


def with_right_sums(codec: Codec, file: Container) -> Container:
    """A file whose checksum is that of the hyper-latents which its payload gives, whatever they are."""
    rows, columns = (-(-side // STRIDE) for side in (file.height, file.width))
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(file.payload, "<u4").astype(np.uint32))
    try:
        z = np.stack([table.read(decoder, rows * columns) for table in codec._coder.z_tables])
    except AssertionError:  # no encoder made this payload
        return file
    return replace(file, z_checksum=checksum(z, file.width, file.height, file.lam))


def opened(name: str | None) -> Codec:
    """A shipped model's codec, or a small one."""
    return small_codec() if name is None else compression.open_codec(name)


def try_hostile(name: str | None) -> dict:
    codec = opened(name)
    files, watch = hostile(codec), Watch(codec)
    for file, data in files.items():
        watch.decode(file, data)
    return watch.report()


def try_mutants(name: str | None, numbers: range) -> dict:
    warnings.simplefilter("ignore", WeightWarning)
    codec = opened(name)
    files, known = samples(codec)
    watch = Watch(codec)
    for number in numbers:
        data, mended = mutant(number, files)
        picture = watch.decode(number, data)
        if picture is None:
            continue
        expected = known.get(said(Container.unpack(data)))
        if not mended and data not in files:
            watch.wrong.append(f"{number}: not noticed")
        elif expected is None or not torch.equal(picture, expected):
            watch.wrong.append(f"{number}: shows a picture that nobody encoded")
    return watch.report()


# What is asked of them ------------------------------------------------------------------------------------------------

SHIPPED = ("yoto_wider_batch16", "yoto", *compression.FIXED_NAMES)


@pytest.mark.slow(10)
@pytest.mark.parametrize(
    ("names", "count"),
    [
        ((None,), 1000),
        pytest.param((None,), 10_000, marks=pytest.mark.thorough),
        pytest.param(SHIPPED, 10_000, marks=pytest.mark.thorough),
    ],
    ids=["1,000", "10,000", "10,000 of shipped models"],
)
def test_changed_files_end_in_an_error_or_in_the_right_picture(names, count):
    endings = Counter()
    for place, name in enumerate(names):
        report = elsewhere(try_mutants, name, range(place, count, len(names)))
        endings += report["endings"]
        assert report["wrong"] == []
        assert report["slowest"] < SECONDS
        assert report["megabytes"] < MEGABYTES
    assert set(endings) == {*CHECKS, "a picture"}
    assert min(endings.values()) >= count / 2000  # every check had something to do, the innermost too
    assert endings.total() == count


@pytest.mark.slow(10)
@pytest.mark.parametrize("name", [None, SHIPPED[0]])
def test_small_files_that_claim_large_pictures_cost_little(name):
    report = elsewhere(try_hostile, name)
    assert report["wrong"] == []
    assert set(report["endings"]) <= set(CHECKS[-3:])
    assert report["endings"]["is too short"] >= 5
    assert report["endings"].total() == 10
    assert report["slowest"] < HOSTILE_SECONDS
    assert report["megabytes"] < HOSTILE_MEGABYTES


def test_mutations_depend_on_their_number_and_some_are_mended():
    files = [Container(b"ABCDEFGH", 64, 64, 0.05, 1, 2, bytes(range(40))).pack()]
    mutants = [mutant(number, files) for number in range(500)]
    assert mutants[:50] == [mutant(number, files) for number in range(50)]
    assert len({data for data, _ in mutants}) > 450
    intact = [data for data, _ in mutants if len(data) >= OVERHEAD and zlib.crc32(data[:-4]) == _checksum_of(data)]
    assert 200 < len(intact) < 400


def _checksum_of(data: bytes) -> int:
    return struct.unpack("<I", data[-4:])[0]
