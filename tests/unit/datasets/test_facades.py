"""Facades: a file becomes a plan and a photograph; fetched from loopback, read in parts, refused where they are no pairs."""

import importlib
import io
import tarfile

import numpy as np
import pytest
import torch
from loopback import fetched
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, facades

MODULE = importlib.import_module("lossconditioning.datasets.facades")


def file_of(photograph, plan, height=16, kind="PNG"):
    """A file with a photograph of one shade at the left and a plan of another at the right."""
    both = np.full((height, 2 * height, 3), photograph, np.uint8)
    both[:, height:] = plan
    buffer = io.BytesIO()
    Image.fromarray(both).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def home(tmp_path):
    for part, first, count in (("train", 0, 3), ("test", 100, 2)):
        folder = tmp_path / "cmp_facades" / part
        folder.mkdir(parents=True)
        for number in range(first, first + count):
            (folder / f"{number}.png").write_bytes(file_of(number, number + 50))
    return tmp_path


def shades(pictures):
    return pictures[:, 0, 0, 0].tolist()


def test_the_plan_is_the_layout_and_the_photograph_the_picture(home):
    found = facades("train", home, size=16)
    assert shades(found.layouts) == [50, 51, 52]
    assert shades(found.pictures) == [0, 1, 2]
    for part in (found.layouts, found.pictures):
        assert (part.dtype, part.shape) == (torch.uint8, (3, 3, 16, 16))
    assert (found.factors.dtype, found.factors.shape) == (torch.int64, (3, 0))
    assert (found.names, found.values) == ((), ())
    assert found.source == "cmp_facades/train, 3 pairs"


def test_a_part_may_be_cut_short_and_made_smaller(home):
    found = facades("test", home, size=8, count=1)
    assert (shades(found.layouts), shades(found.pictures)) == ([150], [100])
    assert found.pictures.shape == (1, 3, 8, 8)
    assert (found.pictures == 100).all()  # nothing of the plan gets into it


def test_the_folder_is_that_of_the_environment_if_none_is_named(home, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(home))
    assert len(facades("test")) == 2


def test_what_is_not_there_says_how_to_fetch_it_and_what_needs_no_file(tmp_path, home):
    said = (
        r"There is no .*cmp_facades.*`lossconditioning data fetch cmp_facades`.*datasets\.valley and datasets\.outlines"
    )
    with pytest.raises(ReaderError, match=said):
        facades(folder=tmp_path / "nowhere")
    with pytest.raises(ReaderError, match=said):
        facades("val", home)
    (home / "cmp_facades" / "val").mkdir()
    with pytest.raises(ReaderError, match="There is no picture in"):
        facades("val", home)


def test_a_file_that_is_no_pair_is_named(home):
    Image.new("RGB", (20, 16)).save(home / "cmp_facades" / "train" / "99.png")
    with pytest.raises(ReaderError, match=r"99\.png is 20×16 pixels; a pair is twice as wide as high"):
        facades("train", home)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"split": "tets"}, "no split 'tets'. Did you mean 'test'"),
        ({"size": 0}, "size must be a whole number of at least 1; got 0"),
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
    ],
)
def test_what_can_not_be_read_is_said(wrong, said, home):
    with pytest.raises(ReaderError, match=said):
        facades(folder=home, **wrong)


# Fetching -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authors(loopback, monkeypatch):
    """Where the archive comes from."""
    with tarfile.open(loopback.folder / "facades.tar.gz", "w:gz") as archive:
        for number, part in enumerate(MODULE.PARTS):
            data = file_of(10 * number, 200, kind="JPEG")
            entry = tarfile.TarInfo(f"facades/{part}/1.jpg")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    monkeypatch.setattr(MODULE, "ADDRESS", f"{loopback.address}/facades.tar.gz")
    return loopback


def test_the_archive_is_fetched_once_and_read(authors, tmp_path, capsys):
    fetched("cmp_facades")
    assert f"cmp_facades is in {tmp_path / 'cache' / 'cmp_facades'}." in capsys.readouterr().out
    for number, part in enumerate(MODULE.PARTS):
        found = facades(part, size=16)
        assert shades(found.pictures) == [pytest.approx(10 * number, abs=2)]
        assert shades(found.layouts) == [pytest.approx(200, abs=2)]
    asked = authors.asked
    fetched("cmp_facades")
    assert authors.asked == asked


def test_the_registry_knows_them():
    entry = DATASETS["cmp_facades"]
    assert all((entry.summary, entry.size, entry.licence, entry.source))
    assert (entry.load, entry.fetch) == (facades, MODULE.fetch)
    assert MODULE.ADDRESS.startswith("https://efrosgans.eecs.berkeley.edu/pix2pix/")
