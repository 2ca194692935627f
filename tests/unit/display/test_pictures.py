"""Pictures that a reader brings: every kind is opened as it should look."""

import io
import struct

import numpy as np
import pytest
import torch
from picture_files import (
    COLOUR,
    FLAGS,
    FORMATS,
    HEIGHT,
    LOSSLESS,
    MASK,
    RGB,
    SHADE,
    WIDTH,
    Y,
    encoded,
)
from PIL import Image, ImageOps

from lossconditioning.display import open_picture

pytestmark = pytest.mark.filterwarnings("error")


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


def test_a_lab_picture_is_shown():
    assert_shows(
        encoded(Image.new("LAB", (4, 4), (128, 128, 128)), "TIFF"), torch.full((3, 4, 4), 0.47), tolerance=0.02
    )
