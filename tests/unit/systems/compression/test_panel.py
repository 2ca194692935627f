"""The codec's panels and figures show what the codec does."""

import gc
import io
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from small_codecs import small_codec

from lossconditioning.codec import OVERHEAD
from lossconditioning.datasets import photographs
from lossconditioning.display import Picture, Upload
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems import compression
from lossconditioning.systems.compression.figures import bits_map, bits_maps, rate_distortion
from lossconditioning.systems.compression.measures import reference_curve
from lossconditioning.systems.compression.panel import SIZE, _Stage

PICTURES = {name: p.float() / 255 for name, p in list(photographs().items())[:2]}

CURVE = {"rate": torch.tensor([0.1, 9.0]), "psnr": torch.tensor([20.0, 40.0])}


@pytest.fixture(scope="module")
def codec():
    return small_codec(8, 16, gain=0.0)


@pytest.fixture(scope="module")
def panel(codec):
    return compression.play(codec, PICTURES)


def cut(name: str):
    """A picture as a panel cuts it."""
    return (255 * Upload(PICTURES, size=SIZE).pictures[name].pixels).round().byte()


def test_the_panel_follows_the_weight_and_the_photograph(panel):
    first = panel.set(lam=0.01, photograph="astronaut")
    assert Image.open(io.BytesIO(first)).size[0] > 900
    assert panel.set(lam=0.1) != first
    assert panel.set(lam=0.01) == first
    assert panel.set(photograph="chelsea") != first
    panel.set(photograph="astronaut")


@pytest.mark.parametrize("lam", [0.0012, 0.03, 0.26])
def test_the_panels_numbers_are_those_of_a_real_file(lam, panel, codec):
    panel.set(lam=lam, photograph="astronaut")
    picture = cut("astronaut")
    data = codec.compress(picture, panel.values["lam"])
    assert panel.readouts["bytes"] == f"{len(data):,}"
    assert panel.readouts["bits per pixel"] == pytest.approx(8 * len(data) / (SIZE[0] * SIZE[1]))
    assert panel.readouts["PSNR in dB"] == pytest.approx(quality(picture, codec.decompress(data))["psnr"])


def test_the_panel_says_where_the_codec_was_not_trained(panel):
    panel.set(lam=0.4)
    assert "outside the trained range" in panel._text.value
    panel.set(lam=0.26)
    assert "outside" not in panel._text.value


def test_a_file_is_as_large_as_the_other_panel_is_asked_for(codec):
    panel = compression.play_size(codec, PICTURES)
    sizes = [len(codec.compress(cut("astronaut"), lam)) for lam in compression.LAM_RANGE]
    for share in (0.2, 0.5, 0.9):
        wanted = round(sizes[0] + share * (sizes[1] - sizes[0]))
        panel.set(target=wanted)
        size = int(panel.readouts["bytes"].replace(",", ""))
        assert 0.96 * panel.values["target"] <= size <= panel.values["target"]


@pytest.mark.parametrize(
    ("make", "size"), [(compression.play, (64, 64)), (compression.play_size, (100, 170))], ids=["lam", "size"]
)
def test_a_panel_shows_pictures_of_any_shape(make, size, codec):
    panel = make(codec, PICTURES, size)
    rate = 8 * int(panel.readouts["bytes"].replace(",", "")) / (size[0] * size[1])
    assert panel.readouts["bits per pixel"] == pytest.approx(rate)


def test_the_map_of_bits_adds_up_to_the_file(codec):
    symbols = codec.symbols(cut("chelsea"), 0.05)
    bits = bits_map(codec, symbols, *SIZE)
    assert bits.shape == (SIZE[0] // 16, SIZE[1] // 16)
    data = codec.pack(symbols, *SIZE, 0.05)
    assert bits_map(codec, symbols, 100, 191).shape == (7, 12)  # what lies beyond is padding
    assert bits.sum() * 256 == pytest.approx(8 * (len(data) - OVERHEAD), rel=0.03)


def test_figures_show_every_curve_and_every_map(codec):
    picture = cut("chelsea")
    made = bits_maps(codec, picture, [0.01, 0.1])
    assert sum(len(axis.images) for axis in made.axes) >= 3
    curve = reference_curve("jpeg", {"chelsea": picture})
    made = rate_distortion({"JPEG": ("baseline", curve)}, "a cat")
    for axis, key in zip(made.axes, ("psnr", "ms_ssim"), strict=True):
        np.testing.assert_allclose(axis.lines[0].get_xdata(), curve["rate"])
        np.testing.assert_allclose(axis.lines[0].get_ydata(), curve[key])


def test_of_many_uploads_few_are_kept(codec, monkeypatch):
    monkeypatch.setattr("lossconditioning.systems.compression.panel._GRID", list(compression.LAM_RANGE))
    monkeypatch.setattr("lossconditioning.systems.compression.panel.reference_curve", lambda *_, **__: CURVE)
    stage, seen = _Stage(codec, (16, 32)), []
    for number in range(24):
        picture = Picture("mine", torch.full((3, 16, 32), number / 24))
        assert stage.learn(picture) is stage.learn(picture)
        seen.append(weakref.ref(picture))
    del picture
    gc.collect()
    alive = [number for number, picture in enumerate(seen) if picture() is not None]
    assert alive == list(range(24 - len(alive), 24))
    assert len(alive) <= 16
