"""Files that a reader uploads in a notebook: what is no picture is answered at the button, what is unusual is simply taken."""

import numpy as np
import pytest
from picture_files import encoded, png_of
from PIL import Image

BOMB = png_of(20_000, 20_000)
SCENE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))


TURNED = Image.Exif()
TURNED[0x0112] = 6  # the camera was held sideways


# A file's name: its bytes, and what is said at the button: what it is, what is expected, what to do.
REFUSED = {
    "empty.png": (b"", "empty (0 bytes)", "JPEG, PNG"),
    "notes.txt": (b"to do: nothing", "is text, not a picture", "Convert it"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document", "Convert it"),
    "all.zip": (b"PK\x03\x04" + bytes(30), "a zip archive", "Convert it"),
    "page.jpg": (b"<!doctype html><title>404</title>", "a web page (HTML)", "Convert it"),
    "logo.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", "Convert it"),
    "a & b.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC or AVIF photograph", "Convert it"),
    "half.jpg": (encoded(SCENE, "JPEG")[:1000], "a JPEG file of 40 × 30 pixels", "truncated", "download it again"),
    "half.png": (encoded(SCENE, "PNG")[:2000], "a PNG file of 40 × 30 pixels", "truncated", "download it again"),
    "start.png": (encoded(SCENE, "PNG")[:12], "starts like a PNG", "truncated", "Download it again"),
    "bomb.png": (BOMB, "too large", "more than 178,956,970 pixels", "at most 64,000,000", "Reduce it"),
    "depth.tif": (encoded(Image.new("F", (4, 4), -7.5), "TIFF"), "from -7.5", "expected 0", "Scale them"),
}
UNUSUAL = {
    "one.png": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
    "inks.jpg": encoded(SCENE.convert("CMYK"), "JPEG"),
    "palette.gif": encoded(SCENE.quantize(16), "GIF"),
    "deep.png": encoded(Image.new("I;16", (9, 9), 40_000), "PNG"),
    "clear.webp": encoded(SCENE.convert("RGBA"), "WEBP"),
    "fax.tif": encoded(SCENE.convert("1"), "TIFF"),
    "turned.jpg": encoded(SCENE, "JPEG", exif=TURNED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_picture_is_answered_at_the_button(name, kernel):
    data, *words = REFUSED[name]
    shown = kernel.upload("brought._button", [(name, data)])
    said = kernel.value("brought._message.value")
    assert not shown.error
    assert shown.text == {"stdout": "", "stderr": ""}
    assert {"value": said} in shown.updates  # it reached the front end
    for word in (name.replace("&", "&amp;"), *words, "The picture before it stays."):
        assert word in said
    assert kernel.value("brought.value.name, brought._button.value") == "night ()"


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_pictures_are_simply_taken(name, kernel):
    shown = kernel.upload("brought._button", [(name, UNUSUAL[name])])
    assert not shown.error
    assert shown.text == {"stdout": "", "stderr": ""}
    taken = kernel.value("brought.value.name, tuple(brought.value.pixels.shape), brought._message.value")
    assert taken == f"{name} (3, 4, 4) "
    assert kernel.value("album.set() == as_png(brought.value) != as_png(given.value)") == "True"
    assert not kernel.run("album.set(picture='night')").error


def test_the_kernel_stays_small_when_a_bomb_arrives(kernel):
    peak = "int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"
    if kernel.run("open('/proc/self/clear_refs', 'w').write('5')").error:
        pytest.skip("this system does not tell a process its peak memory")
    before = int(kernel.value(peak))
    kernel.upload("brought._button", [("bomb.png", BOMB)])
    assert int(kernel.value(peak)) - before < 20 * 1024  # KiB
