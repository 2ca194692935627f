"""Pictures that a reader brings: every kind is opened as it should look, everything else is refused in words."""

import io
import struct
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from lossconditioning import ReaderError
from lossconditioning.display import Picture, Upload, open_picture, pictures

WIDTH, HEIGHT = 24, 16
X, Y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
RGB = np.stack([X, Y, 0.3 + 0.4 * X * (1 - Y)], axis=-1)  # no two corners alike
COLOUR = Image.fromarray((255 * RGB).round().astype(np.uint8))
FLAGS = Image.fromarray(np.where(RGB > 0.5, 255, 0).astype(np.uint8))  # few colours, for palettes
SHADE = 0.1 + 0.7 * X * Y
MASK = Image.fromarray(np.where(X > 0.6, 255, 0).astype(np.uint8))
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}
FORMATS = (*LOSSLESS, "GIF", "JPEG")


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **{**LOSSLESS.get(kind, {}), **options})
    return buffer.getvalue()


def tensor(image: Image.Image) -> torch.Tensor:
    """An RGB picture as `open_picture` should give it."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1) / 255


def assert_shows(data, expected, tolerance=0.002):
    seen = open_picture(data)
    assert (seen.dtype, seen.shape) == (torch.float32, expected.shape)
    assert seen.is_contiguous()
    assert float((seen - expected).abs().max()) <= tolerance


def on_white(image: Image.Image, mask: Image.Image) -> Image.Image:
    return Image.composite(image, Image.new("RGB", image.size, "white"), mask)


# What is opened -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_keep_every_pixel(kind):
    assert_shows(encoded(COLOUR, kind), tensor(COLOUR), tolerance=1e-6)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_a_jpeg(options):
    assert_shows(encoded(COLOUR, "JPEG", quality=98, **options), tensor(COLOUR), tolerance=0.08)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiffs(compression):
    assert_shows(encoded(COLOUR, "TIFF", compression=compression), tensor(COLOUR), tolerance=1e-6)


def cmyk() -> Image.Image:
    """Inks, with black of their own."""
    inks = (1 - RGB) * 0.6
    return Image.fromarray((255 * np.dstack([inks, 0.3 * Y])).round().astype(np.uint8), "CMYK")


def seen_through_inks() -> torch.Tensor:
    values = torch.from_numpy(np.array(cmyk())).permute(2, 0, 1) / 255
    return (1 - values[:3]) * (1 - values[3:])


def ycck() -> bytes:
    """The same inks as Adobe's YCCK: ink as luma and chroma, and a marker that says so."""
    values = np.array(cmyk())
    luma = np.array(Image.fromarray(values[..., :3]).convert("YCbCr"))
    stored = Image.fromarray(np.dstack([255 - luma, values[..., 3]]), "CMYK")  # Pillow inverts when it writes
    data = bytearray(encoded(stored, "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = 2  # the colour transform: none → YCCK
    return bytes(data)


@pytest.mark.parametrize("data", [encoded(cmyk(), "JPEG", quality=100), ycck(), encoded(cmyk(), "TIFF")])
def test_inks_look_as_printed(data):
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    assert_shows(data, seen_through_inks(), tolerance=0.03)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_palettes(kind):
    palette = FLAGS.quantize(16)
    data = encoded(palette, kind)
    assert Image.open(io.BytesIO(data)).mode == "P"
    assert_shows(data, tensor(FLAGS))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_a_transparent_colour_lies_on_white(kind):
    palette = FLAGS.quantize(16)
    chosen = palette.getpixel((WIDTH - 1, 0))
    kept = Image.fromarray(np.where(np.array(palette) == chosen, 0, 255).astype(np.uint8))
    assert_shows(encoded(palette, kind, transparency=chosen), tensor(on_white(FLAGS, kept)))


def test_a_palette_with_half_transparent_colours_lies_on_white():
    palette = FLAGS.quantize(16)
    data = encoded(palette, "PNG", transparency=bytes([128] * len(palette.getcolors())))
    assert_shows(data, tensor(FLAGS) * 128 / 255 + 127 / 255, tolerance=0.005)


def test_an_rgb_picture_with_a_transparent_colour_lies_on_white():
    black = Image.fromarray(np.where(np.array(FLAGS).sum(-1) == 0, 0, 255).astype(np.uint8))
    assert_shows(encoded(FLAGS, "PNG", transparency=(0, 0, 0)), tensor(on_white(FLAGS, black)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_lies_on_white(kind):
    clear = COLOUR.copy()
    clear.putalpha(MASK)
    assert_shows(encoded(clear, kind), tensor(on_white(COLOUR, MASK)))


def grey(dtype, white) -> Image.Image:
    return Image.fromarray((SHADE * white).round().astype(dtype) if white > 1 else SHADE.astype(dtype))


def shade(bits) -> torch.Tensor:
    return torch.from_numpy(SHADE).float().mul(bits).round().div(bits).expand(3, -1, -1)


@pytest.mark.parametrize("kind", FORMATS)
def test_eight_bits_of_grey(kind):
    assert_shows(encoded(grey(np.uint8, 255), kind), shade(255), tolerance=0.03 if kind == "JPEG" else 0.005)


def test_grey_with_alpha():
    picture = Image.merge("LA", [grey(np.uint8, 255), MASK])
    assert_shows(encoded(picture, "PNG"), torch.where(torch.from_numpy(np.array(MASK)) > 0, shade(255), 1.0))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_one_bit(kind):
    assert_shows(encoded(MASK.convert("1"), kind), tensor(MASK))


@pytest.mark.parametrize("dark", [1, 0.001])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_keep_their_depth_and_their_white(kind, dark):
    values = (dark * SHADE * 65535).round()
    data = encoded(Image.fromarray(values.astype(np.uint16)), kind)
    assert_shows(data, torch.from_numpy(values / 65535).float().expand(3, -1, -1), tolerance=1e-6)


def test_big_endian_sixteen_bits():
    header = struct.pack(">2sHIH", b"MM", 42, 8, 9)
    tags = [(256, WIDTH), (257, HEIGHT), (258, 16), (259, 1), (262, 1), (273, 122), (277, 1), (278, HEIGHT), (279, 768)]
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    values = (SHADE * 65535).round()
    data = header + entries + bytes(4) + values.astype(">u2").tobytes()
    assert_shows(data, torch.from_numpy(values / 65535).float().expand(3, -1, -1), tolerance=1e-6)


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.float32, 1), (np.float32, 255), (np.float32, 65535), (np.int32, 255), (np.int32, 65535)]
)
def test_grey_numbers_find_their_white(dtype, white):
    expected = SHADE if white == 1 else (SHADE * white).round() / white
    assert_shows(encoded(grey(dtype, white), "TIFF"), torch.from_numpy(expected).float().expand(3, -1, -1), 1e-6)


ORIENTED = {
    2: ImageOps.mirror,
    3: lambda image: image.rotate(180),
    4: ImageOps.flip,
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.rotate(90, expand=True),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.rotate(-90, expand=True),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_photographs_are_turned_upright(kind, orientation):
    """A camera held sideways stores the scene turned, and notes how."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_shows(encoded(ORIENTED[orientation](COLOUR), kind, exif=exif), tensor(COLOUR), tolerance=0.2)


def test_damaged_exif_does_not_cost_the_picture():
    assert_shows(encoded(COLOUR, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense"), tensor(COLOUR))


@pytest.mark.parametrize("kind", FORMATS)
def test_one_pixel(kind):
    assert_shows(encoded(Image.new("RGB", (1, 1), (255, 0, 0)), kind), torch.tensor([1.0, 0, 0]).view(3, 1, 1), 0.02)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_taken(kind):
    more = [ImageOps.invert(FLAGS), FLAGS]
    data = encoded(FLAGS, kind, save_all=True, append_images=more)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert_shows(data, tensor(FLAGS))


@pytest.mark.parametrize("kind", FORMATS)
def test_large_pictures_are_reduced_without_aliasing(kind):
    stripes = np.zeros((300, 600, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = open_picture(encoded(Image.fromarray(stripes), kind), max_side=100)
    assert small.shape == (3, 50, 100)
    assert float((small[..., 5:-5] - 0.5).abs().max()) < 0.05
    assert open_picture(encoded(Image.fromarray(stripes), kind), max_side=600).shape == (3, 300, 600)


def test_reduced_sixteen_bits_and_alpha():
    assert open_picture(encoded(Image.fromarray(np.full((40, 80), 65535, np.uint16)), "PNG"), max_side=8).min() == 1
    clear = Image.new("RGBA", (80, 40), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (40, 0, 80, 40))
    red = open_picture(encoded(clear, "PNG"), max_side=20)
    assert float(red[0].min()) > 0.98  # no black creeps in from under what is transparent


def test_a_long_thin_picture_keeps_one_row():
    assert open_picture(encoded(Image.new("L", (5000, 2)), "PNG"), max_side=100).shape == (3, 1, 100)


def test_every_source(tmp_path):
    data = encoded(COLOUR, "PNG")
    (tmp_path / "ein Bild.png").write_bytes(data)
    upload = {"name": "a.png", "type": "image/png", "size": len(data), "content": memoryview(data)}
    sources = (data, bytearray(data), memoryview(data), tmp_path / "ein Bild.png", str(tmp_path / "ein Bild.png"))
    for source in (*sources, (upload,), [upload], upload):
        assert_shows(source, tensor(COLOUR))


# What is refused ----------------------------------------------------------------------------------------------------------


def uploaded(data: bytes, name: str = "mine.png") -> tuple[dict]:
    return ({"name": name, "type": "", "size": len(data), "content": memoryview(data)},)


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


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *rest: bytes) -> bytes:
    """A PNG by hand, black, one bit a pixel."""
    packer, row = zlib.compressobj(1), bytes(1 + (width + 7) // 8)
    pixels = b"".join([*(packer.compress(row * 100) for _ in range(height // 100)), packer.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *rest, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])


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
    started = time.monotonic()
    said = []
    memory = added_memory(lambda: said.append(refusal(uploaded(data))))
    assert "too large" in said[0]
    assert "64,000,000" in said[0]
    assert time.monotonic() - started < 1
    assert memory < 20 * 2**20


def test_a_whole_bomb_is_not_decoded():
    data = png_of(20_000, 20_000)
    assert len(data) < 1_000_000
    started = time.monotonic()
    memory = added_memory(lambda: refusal(uploaded(data)))
    assert time.monotonic() - started < 1
    assert memory < 20 * 2**20


def test_a_bomb_beside_the_pixels_is_refused():
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    started = time.monotonic()
    memory = added_memory(lambda: refusal(png_of(100, 100, text)))
    assert time.monotonic() - started < 1
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


def test_a_lab_picture_is_shown():
    assert_shows(
        encoded(Image.new("LAB", (4, 4), (128, 128, 128)), "TIFF"), torch.full((3, 4, 4), 0.47), tolerance=0.02
    )


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


# The control --------------------------------------------------------------------------------------------------------------


def plain(value: float, height: int = 4, width: int = 4) -> torch.Tensor:
    return torch.full((3, height, width), value)


@pytest.fixture
def upload() -> Upload:
    return Upload({"night": plain(0.1), "day": plain(0.9)}, size=8)


@pytest.fixture
def control(upload):
    return upload.widget("picture")


def bring(control, data: bytes, name: str = "mine.png") -> None:
    """What ipywidgets does when a file arrives."""
    control._button.set_state({"value": [{**uploaded(data, name)[0], "last_modified": 0}]})


def test_it_starts_with_the_first_picture(control, upload):
    assert control.value is upload.value
    assert (control.value.name, control.value.pixels.shape) == ("night", (3, 8, 8))
    assert control._choice.description == "picture"


def test_choosing(control):
    control._choice.value = control._choice.options[1][1]
    assert control.value.name == "day"


def test_uploading_once_is_one_change_and_can_be_chosen_again(control, upload):
    seen = []
    control.observe(lambda change: seen.append(change.new.name), names="value")
    bring(control, encoded(COLOUR, "PNG"), "cat.png")
    assert seen == ["cat.png"]
    assert control._button.value == ()
    control._choice.value = upload.pictures["day"]
    control._choice.value = control._choice.options[-1][1]
    assert seen == ["cat.png", "day", "cat.png"]
    assert [label for label, _ in control._choice.options] == ["night", "day", "cat.png (yours)"]
    bring(control, encoded(COLOUR, "BMP"), "cat.bmp")  # the same pixels
    assert len(control._choice.options) == 3
    assert len(seen) == 3


def test_what_fails_is_said_and_changes_nothing(control):
    bring(control, encoded(COLOUR, "PNG"), "cat.png")
    before = control.value
    for _ in range(2):
        bring(control, b"<b>no</b>", "<i>.png")
        assert control.value is before
        assert control._choice.value is before
        assert "&#x27;&lt;i&gt;.png&#x27; is text" in control._message.value
        assert "The picture before it stays." in control._message.value
        assert control._button.value == ()
    bring(control, encoded(COLOUR, "BMP"), "cat.bmp")
    assert control._message.value == ""


def test_a_choice_takes_the_message_away(control, upload):
    bring(control, b"")
    assert "empty" in control._message.value
    control._choice.value = upload.pictures["day"]
    assert control._message.value == ""


def test_pictures_are_cut_to_their_middle_and_scaled():
    wide = torch.cat([plain(0.0, 10, 15), plain(1.0, 10, 10), plain(0.0, 10, 15)], dim=2)
    for picture in (wide, wide.transpose(1, 2)):
        for size in (5, 10, 20):
            made = Upload({"wide": picture}, size=size).value.pixels
            assert made.shape == (3, size, size)
            assert float(made.min()) == pytest.approx(1.0)
    assert Upload({"wide": wide}).value.pixels.shape == (3, 10, 40)


def test_a_picture_is_told_by_its_pixels(upload):
    same, other = Picture("a", plain(0.1)), Picture("b", plain(0.1))
    assert same == other
    assert hash(same) == hash(other)
    assert upload.key(same) == upload.key(other)
    assert same != Picture("a", plain(0.2))
    assert Picture("a", torch.zeros(3, 2, 6)) != Picture("a", torch.zeros(3, 6, 2))
    assert hash(upload) is not None


def test_by_program(upload):
    assert upload.check("picture", "day") is upload.pictures["day"]
    made = upload.check("picture", plain(0.5, 20, 30))
    assert (made.name, made.pixels.shape) == ("picture", (3, 8, 8))
    assert upload.check("picture", Picture("mine", plain(0.5, 20, 30))).name == "mine"
    assert [picture.name for picture in upload.positions(5)] == ["night", "day"]
    assert [picture.name for picture in upload.positions(1)] == ["night"]
    assert upload.note("picture", made) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("dya", "no picture to choose 'dya'. Did you mean 'day'"),
        (torch.zeros(4, 4), r"got \(4, 4\)"),
        (torch.zeros(1, 3, 4, 4), "got"),
        (torch.zeros(3, 0, 4), "got"),
        (np.zeros((3, 4, 4)), "got a ndarray"),
        (None, "got a NoneType"),
        (255 * torch.ones(3, 4, 4), "Divide 8-bit values by 255"),
        (torch.full((3, 4, 4), torch.nan), "got nan"),
    ],
)
def test_values_by_program_are_checked(upload, value, said):
    with pytest.raises(ReaderError, match=said):
        upload.check("picture", value)


@pytest.mark.parametrize("given", [{}, None, [plain(0.1)], {"night": 3}])
def test_it_needs_a_picture_to_begin_with(given):
    with pytest.raises(ReaderError, match="tensor"):
        Upload(given)


@pytest.mark.parametrize("size", [0, -3, 2.5, "8"])
def test_the_size_is_a_whole_number(size):
    with pytest.raises(ReaderError, match="size"):
        Upload({"night": plain(0.1)}, size=size)
