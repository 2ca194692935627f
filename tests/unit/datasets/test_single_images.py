"""Real pictures for single-picture GANs: looked up, put in order, brought to one size."""

import numpy as np
import pytest
import torch
from picture_files import COLOUR
from PIL import Image

from lossconditioning.cli import main
from lossconditioning.datasets import dataset, places
from lossconditioning.datasets.single_images import FOLDERS, fetch, originals
from lossconditioning.errors import ReaderError


def put(folder, files):
    """Pictures by name, in the data folder's single_image."""
    for name, picture in files.items():
        path = folder / "single_image" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return folder


def grey(shade, width=40, height=24):
    return Image.new("RGB", (width, height), (shade, shade, shade))


@pytest.fixture
def home(tmp_path):
    return put(tmp_path, {f"places50_real/{number}.png": grey(20 * number) for number in (0, 1, 2, 10, 11)})


def test_registered():
    assert (dataset("single_image").load, dataset("single_image").fetch) == (places, fetch)


def test_pictures_are_in_the_order_of_their_numbers(home):
    found = places(folder=home, size=32)
    assert (found.shape, found.dtype) == ((5, 3, 24, 32), torch.uint8)
    assert found[:, 0, 0, 0].tolist() == [0, 20, 40, 200, 220]
    assert list(originals(folder=home)) == ["0", "1", "2", "10", "11"]


def test_samples_stand_in_the_order_of_the_real_ones(home):
    put(home, {f"lsun50_generated_SinGAN/{number}_0.png": grey(number) for number in (0, 2, 10)})
    assert places("lsun50_singan", home, 32)[:, 0, 0, 0].tolist() == [0, 2, 10]


def test_pictures_of_all_shapes_come_to_one_size_and_originals_stay_as_they_are(home):
    put(home, {"Generation/tall.png": grey(7, 30, 90), "Generation/zebra.jpg": COLOUR})
    assert places("generation", home, 58).shape == (2, 3, 44, 58)
    assert {name: picture.shape[1:] for name, picture in originals("generation", home).items()} == {
        "tall": (90, 30),
        "zebra": (16, 24),
    }


def test_pictures_are_scaled_without_aliasing(tmp_path):
    stripes = np.zeros((480, 640, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    put(tmp_path, {"lsun50_real/0.png": Image.fromarray(stripes)})
    scaled = places("lsun50", tmp_path, 64).float()
    assert (scaled[..., 4:-4, 4:-4] - 127.5).abs().max() < 3


def test_they_are_looked_up_in_the_data_folder(home, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(home))
    assert len(places()) == 5


def test_what_is_not_there_is_said_with_where_it_is_had(home, monkeypatch, capsys):
    with pytest.raises(ReaderError, match=r"lsun50_real. Its pictures are in .*tamarott/SinGAN.*scenery needs no file"):
        places("lsun50", home)
    assert fetch(home) == home / "single_image"
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(home / "nowhere"))
    with pytest.raises(SystemExit) as ended:
        main(["data", "fetch", "single_image"])
    assert ended.value.code == 2
    assert "github.com/tamarott/SinGAN" in capsys.readouterr().err


def test_arguments_that_do_not_do(home):
    with pytest.raises(ReaderError, match=r"There is no set of pictures 'places5'. Did you mean 'places50'"):
        places("places5", home)
    for size in (0, -4, 2.5, True):
        with pytest.raises(ReaderError, match="size must be a whole number"):
            places(folder=home, size=size)
    assert FOLDERS["places50"] == "places50_real"
