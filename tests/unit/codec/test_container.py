"""The file format: what stands where, and that nothing but an intact file of a sane picture is believed."""

import math
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_codecs import corner, small_codec

from lossconditioning.codec import Symbols, container
from lossconditioning.codec.container import MAX_PIXELS, OVERHEAD, Container, FileError, checksum
from lossconditioning.errors import ReaderError
from lossconditioning.systems import compression

FILE = Container(
    model=b"ABCDEFGH", width=640, height=480, lam=0.25, z_checksum=7, y_checksum=0xFFFFFFFF, payload=b"\1\2\3\4" * 5
)
DATA = FILE.pack()


def mended(data: bytes) -> bytes:
    """A file with its last four bytes made right again, as somebody would who edits it on purpose."""
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4]))


def test_the_header_is_what_the_documentation_says():
    magic, version, model, width, height, lam, length, z, y = struct.unpack_from("<4sB8sHHfIII", DATA)
    assert (magic, version, model) == (b"LCIC", 1, b"ABCDEFGH")
    assert (width, height, lam, length, z, y) == (640, 480, 0.25, 20, 7, 0xFFFFFFFF)
    assert DATA[33:-4] == FILE.payload
    assert struct.unpack("<I", DATA[-4:])[0] == zlib.crc32(DATA[:-4])
    assert OVERHEAD == 37 == len(DATA) - 20


def test_a_file_is_read_as_it_was_written():
    assert Container.unpack(DATA) == FILE
    empty = replace(FILE, payload=b"")
    assert len(empty.pack()) == OVERHEAD
    assert Container.unpack(empty.pack()) == empty


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        Container,
        model=st.binary(min_size=8, max_size=8),
        width=st.integers(1, 65535),
        height=st.integers(1, 65535),
        lam=st.floats(2**-100, 2**100, width=32),
        z_checksum=st.integers(0, 2**32 - 1),
        y_checksum=st.integers(0, 2**32 - 1),
        payload=st.lists(st.binary(min_size=4, max_size=4)).map(b"".join),
    )
)
def test_any_file_is_read_as_it_was_written(file):
    assert Container.unpack(file.pack(), max_pixels=2**32) == file


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_other_bytes_are_no_file(data, magic):
    with pytest.raises(FileError):
        Container.unpack(b"LCIC" + data if magic else data)


def test_a_mistake_in_a_file_is_a_readers():
    assert issubclass(FileError, ReaderError)


# Damage ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"L", b"\x89PNG\r\n\x1a\n" + bytes(60), b"lcic" + DATA[4:], DATA[1:], DATA[::-1]]
)
def test_what_does_not_begin_as_a_file_is_none(data):
    with pytest.raises(FileError, match="not a picture that lossconditioning compressed"):
        Container.unpack(data)


def test_a_file_cut_off_anywhere_is_refused():
    for length in range(len(DATA)):
        with pytest.raises(FileError, match="cut off" if length >= 4 else "LCIC"):
            Container.unpack(DATA[:length])


def test_a_file_with_something_behind_it_is_refused():
    for extra in (b"\0", b"\n", DATA):
        with pytest.raises(FileError, match=f"{len(DATA + extra):,} bytes, its header says {len(DATA):,}"):
            Container.unpack(DATA + extra)


def test_every_single_flipped_bit_is_noticed():
    for position in range(8 * len(DATA)):
        flipped = bytearray(DATA)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(FileError):
            Container.unpack(bytes(flipped))


def test_a_file_of_another_version_says_which():
    for version in (0, 2, 255):
        with pytest.raises(FileError, match=f"format version {version}; this program reads version 1"):
            Container.unpack(mended(DATA[:4] + bytes([version]) + DATA[5:]))


# Sense ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [math.nan, math.inf, -math.inf, 0.0, -0.0, -0.01])
def test_a_weight_that_is_none_makes_no_sense(lam):
    with pytest.raises(FileError, match="makes no sense"):
        Container.unpack(replace(FILE, lam=lam).pack())


@pytest.mark.parametrize("sides", [{"width": 0}, {"height": 0}, {"width": 0, "height": 0}])
def test_a_picture_without_pixels_makes_no_sense(sides):
    with pytest.raises(FileError, match="makes no sense"):
        Container.unpack(replace(FILE, **sides).pack())


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_payload_is_whole_words(length):
    with pytest.raises(FileError, match=f"makes no sense.*{length} bytes"):
        Container.unpack(replace(FILE, payload=bytes(length)).pack())


def test_too_large_a_picture_is_refused_unless_the_limit_is_raised():
    largest = replace(FILE, width=4096, height=4096)
    assert MAX_PIXELS == 4096 * 4096
    assert Container.unpack(largest.pack()) == largest
    for file in (replace(FILE, width=4096, height=4097), replace(FILE, width=65535, height=65535)):
        with pytest.raises(FileError, match=rf"{file.width}×{file.height} pixels.*16,777,216.*max_pixels"):
            Container.unpack(file.pack())
        assert Container.unpack(file.pack(), max_pixels=file.width * file.height) == file
    with pytest.raises(FileError, match="more than the limit of 100"):
        Container.unpack(DATA, max_pixels=100)


# With a codec ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codec():
    return small_codec()


@pytest.fixture(scope="module")
def data(codec):
    return codec.compress(corner(40, 50), 0.05)


def test_a_header_says_what_was_compressed(codec, data):
    file = Container.unpack(data)
    assert (file.width, file.height, file.lam) == (50, 40, np.float32(0.05))
    assert file.model == codec.model_id
    symbols = codec.symbols(corner(40, 50), 0.05)
    assert file.z_checksum == checksum(symbols.z, 50, 40, file.lam)
    assert file.y_checksum == checksum(symbols.y, 50, 40, file.lam)


def test_a_file_of_another_model_is_refused(codec, data):
    other = small_codec(seed=1)
    assert len(codec.model_id) == 8
    with pytest.raises(FileError, match=rf"made with model {codec.model_id.hex()}, this is {other.model_id.hex()}"):
        other.decompress(data)


def test_a_models_name_is_that_of_its_numbers(codec):
    assert small_codec().model_id == codec.model_id
    others = [small_codec(n=9), small_codec(step=False), small_codec(conditional=False)]
    assert len({codec.model_id, *(other.model_id for other in others)}) == 4
    with_other_tables = small_codec()
    with_other_tables.model.prior_z.median.add_(0.25)
    assert with_other_tables.model_id != codec.model_id


@pytest.mark.parametrize("lam", [1e-30, 0.9 * 0.00012, 1.1 * 2.6, 3e38])
def test_a_weight_no_codec_takes_makes_no_sense(codec, data, lam):
    with pytest.raises(FileError, match="makes no sense: λ"):
        codec.decompress(replace(Container.unpack(data), lam=lam).pack())


@pytest.mark.parametrize("name", ["z_checksum", "y_checksum"])
def test_symbols_that_are_not_the_encoders_show_nothing(codec, data, name):
    file = Container.unpack(data)
    with pytest.raises(FileError, match=r"other symbols than were encoded.*Nothing is shown"):
        codec.decompress(replace(file, **{name: getattr(file, name) ^ 1}).pack())


def test_the_limit_on_pixels_is_the_codecs_too(codec, data):
    assert codec.decompress(data, max_pixels=2000).shape == (3, 40, 50)
    with pytest.raises(FileError, match="max_pixels"):
        codec.decompress(data, max_pixels=1999)


@pytest.mark.parametrize("name", [None, compression.DEFAULT])
@pytest.mark.parametrize("side", [64, 128, 640, 2048])
def test_no_payload_is_shorter_than_the_size_allows_and_the_cheapest_is_hardly_longer(name, side, codec):
    coder = (codec if name is None else compression.open_codec(name))._coder
    rows = side // 64
    z = np.stack([np.full((rows, rows), t.first + t.counts[:-1].argmax(), dtype=np.int32) for t in coder.z_tables])
    y = np.zeros((8, 4 * rows, 4 * rows), dtype=np.int32)
    payload, least = coder.write(Symbols(z, y, np.full(y.shape, 0.01))), coder.least_bytes(rows, rows)
    assert least <= len(payload) <= 1.01 * least + 24


def test_a_size_that_the_payload_has_no_room_for_is_refused_before_anything_is_read(codec, data, monkeypatch):
    """A valid file whose header is edited, and its checksum mended: nothing is decoded, and nothing set aside for it."""
    monkeypatch.setattr(type(codec._coder), "read", None)
    file = replace(Container.unpack(data), width=4096, height=4096)
    with pytest.raises(
        FileError, match=rf"4096×4096 pixels, .* {len(file.payload)} bytes is too short: the file was edited"
    ):
        codec.decompress(file.pack())


def test_compressing_warns_of_a_picture_that_is_decompressed_only_if_asked_for(codec, monkeypatch):
    monkeypatch.setattr(container, "MAX_PIXELS", 1999)
    with pytest.warns(
        UserWarning, match=r"50×40 pixels has more than the 1,999 .* decompress\(data, max_pixels=2000\)"
    ) as found:
        data = codec.compress(corner(40, 50), 0.05)
    assert [warning.filename for warning in found] == [__file__]
    assert codec.decompress(data, max_pixels=2000).shape == (3, 40, 50)


# Checksums ------------------------------------------------------------------------------------------------------------


def test_checksums_tell_symbols_and_their_order_apart():
    rows = [[0, 0], [0, 1], [1, 0], [-1, 0], [255, 0], [256, 0], [32767, 0], [-32767, 0], [-32768, 0]]
    assert len({checksum(np.array(row, dtype=np.int32), 9, 8, 0.5) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "header", [(8, 9, 0.5), (10, 8, 0.5), (9, 8, float(np.nextafter(np.float32(0.5), np.float32(1))))]
)
def test_checksums_tell_apart_what_the_header_says_of_the_symbols(header):
    symbols = np.array([1, -2], dtype=np.int32)
    assert checksum(symbols, *header) != checksum(symbols, 9, 8, 0.5)


NEXT = float(np.nextafter(np.float32(0.05), np.float32(1)))


@pytest.mark.parametrize("change", [{"width": 49}, {"height": 41}, {"lam": NEXT}])
def test_a_header_that_was_edited_and_its_checksum_mended_shows_nothing(codec, data, change):
    with pytest.raises(FileError, match="Nothing is shown"):
        codec.decompress(replace(Container.unpack(data), **change).pack())
