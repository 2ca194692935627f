"""Files that are no pictures, or not whole, or too large, are refused in words, quickly and in little memory."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import COLOUR, FORMATS, SHADE, chunk, encoded, png_of, uploaded
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.display import open_picture, pictures

pytestmark = pytest.mark.filterwarnings("error")


def refusal(source, **options) -> str:
    with pytest.raises(ReaderError) as caught:
        open_picture(source, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def zip_file() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cat.png", encoded(COLOUR, "PNG"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty (0 bytes)"),
        (b"just a note", "text"),
        ("ein Brief mit Umlauten: ä".encode() * 100, "text"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "text"),
        (zip_file(), "zip archive"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page (HTML)"),
        (b"\n <HTML><title>Sign in</title>", "web page (HTML)"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'<?xml version="1.0"?>\n<svg/>', "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (bytes(range(256)), "not known"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not known"),
        (b"P5 2 2 255\n\0\1\2\3", "not known"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_what_is_no_picture_is_named(data, found, capfd):
    said = refusal(uploaded(data))
    assert said.startswith("'mine.png' is ")
    assert found in said
    assert "a JPEG, PNG, WebP, GIF, BMP or TIFF file" in said
    assert said.rstrip().endswith((" again.", "choose another."))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_anywhere_is_said_or_nothing_is_missing(kind, capfd):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    whole = encoded(noise, kind)
    expected = open_picture(whole)
    said = {}
    for end in {*range(1, 60, 7), *range(60, len(whole), len(whole) // 40), *range(len(whole) - 9, len(whole))}:
        try:
            seen = open_picture(whole[:end])
        except ReaderError as error:
            said[end] = str(error)
        else:  # what follows the pixels
            assert end >= len(whole) - 20
            assert torch.equal(seen, expected)
    assert len(said) > 40
    assert {end for end, words in said.items() if "truncated" not in words} <= set(range(16))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_raise_nothing_else(kind, capfd):
    whole, chance = encoded(COLOUR, kind), np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(whole)
        for place in chance.integers(0, len(whole), 3):
            damaged[place] = chance.integers(256)
        try:
            seen = open_picture(bytes(damaged), max_pixels=10_000)
        except ReaderError:
            continue
        assert seen.isfinite().all()
        assert 0 <= seen.min() <= seen.max() <= 1
    assert capfd.readouterr() == ("", "")


def header_of(kind: str, side: int) -> bytes:
    """A file whose header tells of side × side pixels, and that holds a few."""
    data = bytearray(encoded(Image.new("RGB", (8, 8)), kind))
    places = {"PNG": (16, ">II"), "BMP": (18, "<II"), "GIF": (6, "<HH")}
    if kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, side, side)
    elif kind == "TIFF":
        for tag in (256, 257):
            struct.pack_into("<HII", data, data.index(struct.pack("<H", tag), 8), tag, 4, 1)
            struct.pack_into("<HHII", data, data.index(struct.pack("<HH", tag, 4), 8), tag, 4, 1, side)
    else:
        struct.pack_into(places[kind][1], data, places[kind][0], side, side)
    if kind == "PNG":
        struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def peak_memory() -> int:
    """The most resident memory in bytes since the last `reset`, as Linux counts it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def added_memory(call) -> int:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # starts the peak anew
    except OSError:
        pytest.skip("this system does not tell a process its peak memory")
    before = peak_memory()
    call()
    return peak_memory() - before


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_decompression_bombs_are_refused_by_their_header(kind):
    data = header_of(kind, 20_000)
    said = []
    memory = added_memory(lambda: said.append(refusal(uploaded(data))))
    assert "too large" in said[0]
    assert "64,000,000" in said[0]
    assert memory < 20 * 2**20


def test_a_whole_bomb_is_not_decoded():
    data = png_of(20_000, 20_000)
    assert len(data) < 1_000_000
    memory = added_memory(lambda: refusal(uploaded(data)))
    assert memory < 20 * 2**20


def test_a_bomb_beside_the_pixels_is_refused():
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    memory = added_memory(lambda: refusal(png_of(100, 100, text)))
    assert memory < 20 * 2**20


def test_too_many_pixels_are_counted():
    assert "16 × 24" in refusal(encoded(COLOUR.rotate(90, expand=True), "PNG"), max_pixels=383)
    assert open_picture(encoded(COLOUR, "PNG"), max_pixels=384).shape == (3, 16, 24)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_no_pixels_at_all(kind):
    assert "no pixels" in refusal(uploaded(header_of(kind, 0)))


@pytest.mark.parametrize("odd", [-0.5, 1e6, np.nan, np.inf])
def test_numbers_without_a_white_are_refused(odd):
    said = refusal(encoded(Image.fromarray(np.where(SHADE > 0.5, odd, SHADE).astype(np.float32)), "TIFF"))
    assert "holds numbers from" in said
    assert "Scale them" in said


def test_a_picture_of_five_channels_is_refused():
    data = bytearray(encoded(COLOUR, "TIFF"))
    place = data.index(struct.pack("<HHI", 277, 3, 1)) + 8  # samples per pixel
    struct.pack_into("<H", data, place, 5)
    assert "rare kind" in refusal(bytes(data))


def test_colours_that_can_not_be_read_are_refused(monkeypatch):
    def fail(image, mode):
        raise ValueError("no such conversion")

    data = encoded(COLOUR.convert("L"), "PNG")
    monkeypatch.setattr(Image.Image, "convert", fail)
    assert "(L) can not be read (no such conversion). Save it as a PNG." in refusal(data)


def test_files_that_are_not_there_or_no_files(tmp_path, monkeypatch):
    assert "There is no file" in refusal(tmp_path / "no.png")
    assert "is a folder" in refusal(tmp_path)
    assert "not an ordinary file" in refusal("/dev/null")
    assert "There is no file" in refusal("https://example.org/cat.png")
    assert "There is no file" in refusal("nul\0byte.png")
    assert "can not be read" in refusal("x" * 5000)
    assert len(refusal("x" * 5000)) < 400
    assert "can not be read" in refusal("~nobody-of-that-name/cat.png")
    (tmp_path / "locked.png").write_bytes(b"x")
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    assert "Permission denied" in refusal(tmp_path / "locked.png")


def test_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 2**20)
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(5 * 2**20)
    monkeypatch.setattr(Path, "read_bytes", None)
    for source in (tmp_path / "large.png", uploaded(bytes(5 * 2**20)), bytes(5 * 2**20)):
        assert "5 MiB, expected at most 1" in refusal(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ((), "No files were uploaded"),
        (uploaded(b"a") + uploaded(b"b"), "2 files were uploaded"),
        (None, "got a NoneType"),
        (3, "got a int"),
        (torch.zeros(3, 4, 4), "got a Tensor"),
        ([1, 2], "got a list"),
        ({"name": "a.png"}, "got a dict"),
    ],
)
def test_other_things(source, said):
    assert said in refusal(source)


@pytest.mark.parametrize("limit", ["max_pixels", "max_side"])
def test_limits_are_whole_numbers(limit):
    assert limit in refusal(encoded(COLOUR, "PNG"), **{limit: 0})
