"""Unpaired domains: CycleGAN's archives and folders of a reader's own, fetched from loopback, read, divided, stood in for."""

import importlib
import io
import zipfile

import numpy as np
import pytest
import torch
from loopback import fetched
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, unpaired
from lossconditioning.datasets.unpack import unpack

MODULE = importlib.import_module("lossconditioning.datasets.unpaired")


def png(shade, width=20, height=16):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 2 * shade % 256, 128)).save(buffer, "PNG")
    return buffer.getvalue()


def filled(folder, count, first=0):
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(png(first + number))


def shades(pictures):
    return pictures[:, 0, 0, 0].tolist()


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "data" / "monet2photo"
    for part, first, count in (("trainA", 0, 3), ("trainB", 50, 4), ("testA", 100, 2), ("testB", 150, 1)):
        filled(root / part, count, first)
    return tmp_path / "data"


# Reading ------------------------------------------------------------------------------------------------------------------


def test_an_archive_is_read_by_its_four_folders(archive):
    found = unpaired("monet2photo", archive, side=16)
    assert [shades(part) for part in found[:4]] == [[0, 1, 2], [50, 51, 52, 53], [100, 101], [150]]
    assert all(part.shape[1:] == (3, 16, 16) and part.dtype == torch.uint8 for part in found[:4])
    assert found.source == "monet2photo, 3 + 4 + 2 + 1 pictures"
    assert [len(part) for part in unpaired("monet2photo", archive, side=16, count=2)[:4]] == [2, 2, 2, 1]


def test_the_folder_is_that_of_the_environment_if_none_is_named(archive, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(archive))
    assert len(unpaired(side=16).train_b) == 4


def test_two_folders_of_a_readers_own_are_divided(tmp_path):
    filled(tmp_path / "photo2monet" / "monet", 20, 0)
    filled(tmp_path / "photo2monet" / "photo", 11, 100)
    filled(tmp_path / "photo2monet" / "thumbnails", 1)
    found = unpaired("photo2monet", tmp_path, side=8)
    assert shades(found.test_a) == [109]  # every tenth
    assert shades(found.test_b) == [9, 19]
    assert (len(found.train_a), len(found.train_b)) == (10, 18)
    assert not set(shades(found.train_b)) & set(shades(found.test_b))


def test_two_folders_of_any_names_are_taken_in_their_order(tmp_path):
    filled(tmp_path / "mine" / "cats", 10, 0)
    filled(tmp_path / "mine" / "dogs", 10, 100)
    found = unpaired("mine", tmp_path, side=8)
    assert (shades(found.test_a), shades(found.test_b)) == ([9], [109])


def test_pictures_of_any_size_become_squares_of_their_middle(tmp_path):
    across = np.tile(np.arange(90, dtype=np.uint8)[None, :, None], (30, 1, 3))
    for domain in "AB":
        for part in ("train", "test"):
            (tmp_path / "mine" / f"{part}{domain}").mkdir(parents=True)
            Image.fromarray(across).save(tmp_path / "mine" / f"{part}{domain}" / "wide.png")
    whole = unpaired("mine", tmp_path, side=30).train_a[0]
    assert torch.equal(whole[0, 0], torch.arange(30, 60, dtype=torch.uint8))
    small, large = (unpaired("mine", tmp_path, side=side).train_a[0].float() for side in (10, 60))
    assert (small.shape, large.shape) == ((3, 10, 10), (3, 60, 60))
    for scaled in (small, large):
        assert scaled.mean() == pytest.approx(44.5, abs=1)
        assert (scaled[0, 0].diff() >= 0).all()


# Messages -----------------------------------------------------------------------------------------------------------------


def test_what_is_not_there_says_how_to_fetch_it(tmp_path):
    said = r"There is no .*monet2photo; two domains expected.*`lossconditioning data fetch monet2photo`.*landscapes"
    with pytest.raises(ReaderError, match=said):
        unpaired("monet2photo", tmp_path, source="real")
    with pytest.raises(ReaderError, match=r"There is no .*mine; two domains expected.*Put pictures there") as caught:
        unpaired("mine", tmp_path)
    assert "data fetch" not in str(caught.value)


def test_folders_that_are_no_two_domains_are_refused(tmp_path):
    for name in ("a", "b", "c"):
        filled(tmp_path / "mine" / name, 1)
    with pytest.raises(ReaderError, match="mine has 3 folders with pictures; two domains expected"):
        unpaired("mine", tmp_path)


def test_an_empty_part_is_named(archive):
    for path in (archive / "monet2photo" / "testB").iterdir():
        path.unlink()
    with pytest.raises(ReaderError, match="There is no picture for testB in"):
        unpaired("monet2photo", archive, side=16)


def test_a_domain_too_small_to_hold_some_out_is_named(tmp_path):
    filled(tmp_path / "a2b" / "a", 9)
    filled(tmp_path / "a2b" / "b", 12)
    with pytest.raises(ReaderError, match="There is no picture for testA in"):
        unpaired("a2b", tmp_path)


@pytest.mark.parametrize("wrong", [{"side": 0}, {"count": 0}, {"side": 2.5}, {"count": True}], ids=str)
def test_numbers_are_whole(wrong, archive):
    with pytest.raises(ReaderError, match="must be a whole number of at least 1"):
        unpaired("monet2photo", archive, **wrong)


# The stand-in -------------------------------------------------------------------------------------------------------------


def test_landscapes_stand_in_and_it_is_said_once_where_it_was_not_asked_for(tmp_path, capsys):
    found = unpaired("summer2winter_yosemite", tmp_path, side=16, count=4)
    said = capsys.readouterr().err
    assert "landscapes of this project in summer and winter, 4 + 4 + 1 + 1 pictures" in said
    assert said.startswith(f"There is no {tmp_path / 'summer2winter_yosemite'}; used instead: ")
    assert [part.shape for part in found[:4]] == [(n, 3, 16, 16) for n in (4, 4, 1, 1)]
    assert found.train_b.float().mean() > found.train_a.float().mean() + 20  # snow
    again = unpaired("summer2winter_yosemite", tmp_path, side=16, count=4, source="stand_in")
    assert torch.equal(again.train_a, found.train_a)
    assert capsys.readouterr().err == ""


def test_real_pictures_come_before_the_stand_in(archive, capsys):
    assert unpaired("monet2photo", archive, side=16).source.startswith("monet2photo")
    assert capsys.readouterr().err == ""
    with pytest.raises(ReaderError, match="no archive 'mine'"):
        unpaired("mine", archive, source="stand_in")
    with pytest.raises(ReaderError, match=r"no source 'reel'. Did you mean 'real'"):
        unpaired("monet2photo", archive, source="reel")


# Fetching -----------------------------------------------------------------------------------------------------------------


def zipped(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def home(loopback, monkeypatch):
    """Where the archives come from."""
    files = {
        f"vangogh2photo/{part}{domain}/{n}.png": png(10 * n)
        for part in ("train", "test")
        for domain in "AB"
        for n in (1, 2)
    }
    zipped(loopback.folder / "vangogh2photo.zip", files)
    monkeypatch.setattr(MODULE, "ADDRESS", f"{loopback.address}/")
    return loopback


def test_an_archive_is_fetched_once_and_read(home, tmp_path, capsys):
    fetched("vangogh2photo")
    assert f"vangogh2photo is in {tmp_path / 'cache' / 'vangogh2photo'}." in capsys.readouterr().out
    assert [shades(part) for part in unpaired("vangogh2photo", side=16)[:4]] == [[10, 20]] * 4
    asked = home.asked
    fetched("vangogh2photo")
    assert home.asked == asked


def test_an_archive_that_is_not_there_says_how_to_supply_it(home, tmp_path, capsys):
    fetched("monet2photo", status=2)
    assert f"save that file as {tmp_path / 'cache' / 'monet2photo.zip'}" in capsys.readouterr().err
    assert not (tmp_path / "cache" / "monet2photo").exists()


def test_addresses_are_the_authors_own_and_safe():
    assert MODULE.ADDRESS.startswith("https://efrosgans.eecs.berkeley.edu/cyclegan/")


@pytest.mark.parametrize("name", MODULE.NAMES)
def test_the_registry_knows_them(name, tmp_path):
    entry = DATASETS[name]
    assert all((entry.summary, entry.size, entry.licence, entry.source, entry.fetch))
    assert entry.load(folder=tmp_path, side=16, count=1).source.startswith("landscapes of this project")


def test_a_zip_is_unpacked_whole_or_not_at_all_and_nowhere_else(tmp_path):
    archive = zipped(
        tmp_path / "a.zip", {"x/one": b"1", "x/sub/two": b"2", "other": b"3", "../../evil": b"4", "/evil": b"5"}
    )
    (tmp_path / "deep").mkdir()
    unpack(archive, "x", tmp_path / "deep" / "here")
    found = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p != archive}
    assert found == {"deep/here/one": b"1", "deep/here/sub/two": b"2"}
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("kind", ["other", "cut", "damaged"])
def test_another_zip_is_refused_and_nothing_is_left(kind, tmp_path):
    archive = zipped(tmp_path / "a.zip", {"y/one": np.random.default_rng(0).bytes(9999)})
    if kind != "other":
        data = archive.read_bytes()
        archive.write_bytes(data[:4000] if kind == "cut" else data[:500] + b"damaged" + data[507:])
    with pytest.raises(ReaderError, match=r"a.zip is not the archive it should be"):
        unpack(archive, "y" if kind == "damaged" else "x", tmp_path / "here")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
