"""The built-in pointillist paintings, and a reader's folder of paintings."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from lossconditioning.datasets import dataset, paintings, pointillism, scenes
from lossconditioning.datasets.paintings import painting
from lossconditioning.datasets.pointillism import MANNERS, PAINTINGS, paint
from lossconditioning.datasets.scenes import SCENES, scene
from lossconditioning.errors import ReaderError


def pixels(name, size=256):
    """``(size, size, 3)`` in [0, 1]."""
    return paint(name, size).permute(1, 2, 0).numpy() / 255


def low(image, sigma=8):
    return gaussian_filter(image, (sigma, sigma, 0))


def grain(image):
    """What is finer than a dab: its root mean square, per colour."""
    return (image - low(image, 3)).std()


def test_registered():
    assert (dataset("paintings").load, dataset("paintings").fetch) == (paintings, None)


def test_there_are_fourteen():
    assert len(set(PAINTINGS)) == 14
    assert set(SCENES) == set(MANNERS)
    assert list(paintings()) == list(PAINTINGS)


@pytest.mark.parametrize("name", PAINTINGS)
def test_what_ships_is_what_the_painter_paints(name):
    ours, painted = painting(name), paint(name)
    assert ours.shape == painted.shape == (3, 256, 256)
    # Another machine may round a colour the other way, or, rarely, lay a dab elsewhere.
    assert ((ours.int() - painted.int()).abs() > 2).float().mean() < 0.01


def test_other_sizes_are_painted_on_the_spot():
    assert torch.equal(painting("night_city", 64), paint("night_city", 64))
    with pytest.raises(ReaderError, match="Did you mean 'night_city'"):
        painting("night_citty")


@pytest.mark.parametrize("name", PAINTINGS)
def test_shape_and_range(name):
    painting = paint(name)
    assert painting.shape == (3, 256, 256)
    assert painting.dtype == torch.uint8
    assert painting.is_contiguous()
    assert int(painting.max()) - int(painting.min()) > 120


def test_same_pixels_every_time(monkeypatch):
    before = paint("poppy_field", 64)
    for module, name in ((scenes, "_scene"), (pointillism, "_plan"), (pointillism, "_paint")):
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)  # without cache
    assert torch.equal(before, paint("poppy_field", 64))


def test_same_pixels_in_another_process():
    code = (
        "import hashlib; from lossconditioning.datasets.pointillism import paint; "
        "print(hashlib.sha256(paint('lavender_hills').numpy().tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(paint("lavender_hills").numpy().tobytes()).hexdigest()


def test_what_a_reader_does_with_a_painting_stays_theirs():
    paint("night_city", 64).zero_()
    assert paint("night_city", 64).any()


def test_styles_differ():
    """In the spread of colours (mean and covariance), whatever is depicted where."""
    looks = {}
    for name in PAINTINGS:
        flat = pixels(name).reshape(-1, 3)
        looks[name] = np.concatenate(
            [flat.mean(axis=0), np.sqrt(np.linalg.svd(np.cov(flat.T))[1]), [3 * grain(pixels(name))]]
        )
    for one, other in itertools.combinations(PAINTINGS, 2):
        assert np.abs(looks[one] - looks[other]).sum() > 0.12, (one, other)


@pytest.mark.parametrize("name", PAINTINGS)
def test_dabs_mix_to_the_scene(name):
    """Seen from afar, the painting is the scene; from near, its colours are others."""
    painted, wanted = pixels(name), scene(name)
    assert np.abs(low(painted) - low(wanted)).mean() < 0.025
    assert np.abs(painted - wanted).mean() > 1.5 * np.abs(low(painted) - low(wanted)).mean() + 0.015


@pytest.mark.parametrize("name", PAINTINGS)
def test_dabs_show(name):
    """Where the scene is smooth, the painting is not."""
    wanted = scene(name)
    busy = gaussian_filter(np.square(wanted - low(wanted, 3)).sum(axis=-1), 6)
    calm = busy < np.quantile(busy, 0.3)
    painted = pixels(name)
    assert (painted - low(painted, 3))[calm].var() > 5 * (wanted - low(wanted, 3))[calm].var()


@pytest.mark.parametrize("name", PAINTINGS[:4])
def test_a_larger_one_is_the_same_composition(name):
    small, large = pixels(name, 128), pixels(name, 384)
    shrunk = large.reshape(128, 3, 128, 3, 3).mean(axis=(1, 3))
    assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.98


def test_a_larger_one_is_finer_resolved():
    large = pixels("poppy_field", 512)
    doubled = pixels("poppy_field").repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(np.diff(large, axis=0)).max() > 0.2
    assert np.abs(large - doubled).mean() > 0.01


@pytest.mark.parametrize("name", PAINTINGS)
def test_no_dab_reaches_past_the_cells_next_to_its_own(name):
    for layer in pointillism._plan(name)[1]:
        cells = len(layer.height)
        middle = (np.stack(np.mgrid[:cells, :cells], axis=-1) + 0.5) / cells
        off = np.abs(layer.center - middle).max(axis=-1)
        assert ((off + layer.radii.max(axis=-1)) * cells <= 1.5).all()


def test_unknown_painting():
    with pytest.raises(ReaderError, match="Did you mean 'poppy_field'"):
        paint("popy_field")


@pytest.mark.parametrize("size", [0, 31, 1025, -256, 64.0, "256", True, None])
def test_wrong_size(size, tmp_path):
    for attempt in (
        lambda: paint("poppy_field", size),
        lambda: paintings(size=size),
        lambda: paintings(tmp_path, size),
    ):
        with pytest.raises(ReaderError, match="size of a painting"):
            attempt()


def save(path, width, height, color=(200, 30, 90)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), color).save(path)


def test_a_folder(tmp_path):
    save(tmp_path / "tall.png", 40, 97)
    save(tmp_path / "seurat" / "wide.jpg", 200, 100)
    save(tmp_path / "seurat" / "square.png", 64, 64)
    (tmp_path / "notes.txt").write_text("not a picture")
    found = paintings(tmp_path, 64)
    assert {name: tuple(picture.shape) for name, picture in found.items()} == {
        "seurat/square": (3, 64, 64),
        "seurat/wide": (3, 64, 128),
        "tall": (3, 155, 64),
    }
    assert all(picture.dtype == torch.uint8 for picture in found.values())
    assert found["tall"][:, 80, 30].tolist() == [200, 30, 90]
    assert list(paintings(str(tmp_path), 32)) == list(found)


def test_a_folder_is_scaled_without_aliasing(tmp_path):
    stripes = np.zeros((512, 512, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    scaled = paintings(tmp_path, 64)["stripes"].float()
    assert (scaled[:, 4:-4, 4:-4] - 127.5).abs().max() < 3


def test_a_picture_of_the_right_size_stays_as_it_is(tmp_path):
    Image.fromarray(paint("poppy_field", 64).permute(1, 2, 0).numpy()).save(tmp_path / "poppies.png")
    assert torch.equal(paintings(tmp_path, 64)["poppies"], paint("poppy_field", 64))


def test_folders_that_do_not_do(tmp_path):
    with pytest.raises(ReaderError, match="There is no picture in"):
        paintings(tmp_path)
    with pytest.raises(ReaderError, match="There is no folder"):
        paintings(tmp_path / "nowhere")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(ReaderError, match="can not be read as a picture"):
        paintings(tmp_path)
