"""Photographs out of folders, BSDS500 and Kodak among them: read, fetched from loopback, looked up, or stood in for."""

import contextlib
import importlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from loopback import fetched
from PIL import Image
from small_codecs import corner

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, bsds500, dataset, kodak, lookup, photographs
from lossconditioning.datasets.folders import _transparent, picture_paths, read_picture, read_pictures
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.datasets.unpack import unpack
from lossconditioning.systems.compression.data import (
    held_out_photographs,
    measured_on,
    training_photographs,
)

# The package's attributes of these names are the functions that read them.
BSDS500, KODAK = (importlib.import_module(f"lossconditioning.datasets.{name}") for name in ("bsds500", "kodak"))


def png(picture: torch.Tensor) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, "PNG")
    return file.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


ONE, OTHER = corner(20, 30), corner(31, 17, "china")


# Pictures -------------------------------------------------------------------------------------------------------------


def test_all_pictures_below_a_folder_are_read_by_name(tmp_path):
    put(tmp_path / "b.png", png(ONE))
    put(tmp_path / "sub" / "a.v2.PNG", png(OTHER))
    put(tmp_path / "notes.txt", b"no picture")
    put(tmp_path / "b.png.pin.json", b"{}")
    (tmp_path / "folder.png").mkdir()
    assert picture_paths(tmp_path) == [tmp_path / "b.png", tmp_path / "sub" / "a.v2.PNG"]
    found = read_pictures(tmp_path)
    assert list(found) == ["b", "sub/a.v2"]
    for name, picture in (("b", ONE), ("sub/a.v2", OTHER)):
        assert (found[name].dtype, torch.equal(found[name], picture)) == (torch.uint8, True)


def test_a_folder_without_pictures_is_refused(tmp_path):
    put(tmp_path / "notes.txt", b"no picture")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ReaderError, match=rf"There is no picture in {folder} \(looked for .png, .jpg"):
            read_pictures(folder)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "1", "CMYK"])
def test_a_picture_of_any_mode_is_read_as_rgb(mode, tmp_path):
    image = Image.fromarray(ONE.permute(1, 2, 0).numpy()).convert(mode)
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    image.save(path)
    assert np.array_equal(read_picture(path).permute(1, 2, 0), np.array(image.convert("RGB")))


def test_a_photograph_on_its_side_is_turned_upright(tmp_path):
    image, exif = Image.fromarray(ONE.permute(1, 2, 0).numpy()), Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    image.save(tmp_path / "side.png", exif=exif)
    assert torch.equal(read_picture(tmp_path / "side.png"), ONE.rot90(-1, (1, 2)))


def test_a_picture_of_16_bits_keeps_its_greys(tmp_path):
    Image.fromarray(np.linspace(0, 65535, 12).astype(np.uint16).reshape(3, 4)).save(tmp_path / "deep.png")
    grey = read_picture(tmp_path / "deep.png")[0].flatten().int()
    assert (grey - torch.linspace(0, 255, 12)).abs().max() <= 1


@pytest.mark.parametrize("data", [b"", b"text", png(ONE)[:300], png(ONE)[:10]], ids=["empty", "text", "cut", "stub"])
def test_what_is_no_picture_is_refused_by_name(data, tmp_path):
    put(tmp_path / "bad.png", data)
    with pytest.raises(ReaderError, match=r"bad.png can not be read as a picture .* Give a PNG, JPEG"):
        read_picture(tmp_path / "bad.png")
    with pytest.raises(ReaderError, match=r"bad.png can not be read"):
        read_pictures(tmp_path)


def test_a_picture_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ReaderError, match=r"There is no picture .*nothing\.png"):
        read_picture(tmp_path / "nothing.png")


# Archives -------------------------------------------------------------------------------------------------------------


def packed(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_one_folder_of_an_archive_is_put_in_place_and_replaces_what_was_there(tmp_path):
    archive = packed(tmp_path / "a.tgz", {"x/data/one": b"1", "x/data/sub/two": b"2", "x/other": b"3"})
    put(tmp_path / "here" / "old", b"old")
    put(tmp_path / ".here.partial" / "left", b"by a killed process")
    assert unpack(archive, "x/data", tmp_path / "here") == tmp_path / "here"
    found = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p != archive}
    assert found == {"here/one": b"1", "here/sub/two": b"2"}


@pytest.mark.parametrize("kind", ["other", "text", "cut", "no tar"])
def test_another_archive_is_refused_and_nothing_is_left(kind, tmp_path):
    archive = packed(tmp_path / "a.tgz", {"y/one": np.random.default_rng(0).bytes(9999)})
    if kind != "other":
        data = {"text": b"<html>", "cut": archive.read_bytes()[:4000], "no tar": bytes(2000)}[kind]
        archive.write_bytes(data)
    with pytest.raises(ReaderError, match=r"a.tgz (could not be unpacked|is not the archive it should be)"):
        unpack(archive, "x/data", tmp_path / "here")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


def test_an_archive_writes_nowhere_else(tmp_path):
    archive = packed(tmp_path / "inside" / "a.tgz", {"../../evil": b"x", f"{tmp_path}/evil": b"x", "x/one": b"1"})
    with contextlib.suppress(ReaderError):
        unpack(archive, "x", tmp_path / "inside" / "here")
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} <= {
        "inside/a.tgz",
        "inside/here/one",
    }


# BSDS500 and Kodak ----------------------------------------------------------------------------------------------------


@pytest.fixture
def home(loopback, monkeypatch):
    """Where both data sets come from."""
    inner = "BSR/BSDS500/data/images"
    files = {f"{inner}/{part}/{n}.jpg": png(ONE) for part in ("train", "val", "test") for n in (1, 2)}
    packed(loopback.folder / "BSR_bsds500.tgz", {**files, f"{inner}/train/Thumbs.db": b"x", "BSR/readme": b"x"})
    for name in ("kodim01.png", "kodim02.png"):
        put(loopback.folder / "kodak" / name, png(OTHER))
    monkeypatch.setattr(BSDS500, "ADDRESS", f"{loopback.address}/BSR_bsds500.tgz")
    monkeypatch.setattr(KODAK, "ADDRESS", f"{loopback.address}/kodak/")
    monkeypatch.setattr(KODAK, "FILES", ("kodim01.png", "kodim02.png"))
    return loopback


def test_bsds500_is_fetched_once_and_read_by_parts(home, tmp_path, capsys):
    fetched("bsds500")
    assert f"bsds500 is in {tmp_path / 'cache' / 'bsds500'}." in capsys.readouterr().out
    assert list(bsds500()) == ["train/1", "train/2", "val/1", "val/2"]
    assert list(bsds500(("test",))) == ["test/1", "test/2"]
    assert torch.equal(bsds500()["val/2"], ONE)
    asked = home.asked
    left = put(
        tmp_path / "cache" / ".bsds500.partial" / "BSR" / "left",
        b"by a process killed at the end",
    )
    fetched("bsds500")
    assert home.asked == asked
    assert not left.exists()
    cache = tmp_path / "cache"
    assert {path.name for path in cache.iterdir()} == {"bsds500", "BSR_bsds500.tgz", "BSR_bsds500.tgz.pin.json"}


def test_pictures_that_a_reader_put_there_are_left_alone(home, tmp_path):
    own = put(tmp_path / "cache" / "bsds500" / "train" / "mine.png", png(OTHER))
    assert list(bsds500()) == ["train/mine"]
    with contextlib.suppress(ReaderError):
        BSDS500.fetch(tmp_path / "cache")
    assert own.exists()


def test_kodak_is_fetched_and_only_what_is_missing_again(home, tmp_path, capsys):
    fetched("kodak")
    assert f"kodak is in {tmp_path / 'cache' / 'kodak'}." in capsys.readouterr().out
    assert list(kodak()) == ["kodim01", "kodim02"]
    assert torch.equal(kodak()["kodim01"], OTHER)
    asked = home.asked
    (tmp_path / "cache" / "kodak" / "kodim02.png").unlink()
    fetched("kodak")
    assert home.asked == asked + 1


@pytest.mark.parametrize("name", ["bsds500", "kodak"])
def test_a_fetch_that_fails_is_one_line_that_says_how_to_supply_the_file(name, home, capsys, tmp_path):
    for path in (home.folder / "BSR_bsds500.tgz", home.folder / "kodak" / "kodim01.png"):
        path.unlink()
    fetched(name, status=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert "404" in line
    assert f"save that file as {tmp_path / 'cache'}" in line


@pytest.mark.parametrize(("name", "read"), [("bsds500", bsds500), ("kodak", kodak)])
def test_what_is_not_there_says_how_to_fetch_it(name, read, tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    for folder in (None, tmp_path / "nowhere"):
        with pytest.raises(ReaderError, match=rf"There is no .*{name}.* `lossconditioning data fetch {name}`"):
            read(folder=folder)


def test_the_registry_knows_them(capsys):
    for name, load in (("bsds500", bsds500), ("kodak", kodak), ("photographs", photographs)):
        entry = dataset(name)
        assert (entry, entry.load) == (DATASETS[name], load)
        assert (entry.fetch is None) == (name == "photographs")
        assert all((entry.summary, entry.size, entry.licence, entry.source))
    fetched("photographs")
    assert "photographs is installed with them: nothing to download." in capsys.readouterr().out


# Where compression looks ----------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with both, and the environment variable that names it."""
    put(tmp_path / "data" / "bsds500" / "train" / "t.png", png(ONE))
    put(tmp_path / "data" / "bsds500" / "val" / "v.png", png(OTHER))
    put(tmp_path / "data" / "bsds500" / "test" / "held_out.png", png(OTHER))
    put(tmp_path / "data" / "kodak" / "k.png", png(OTHER))
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "data"))
    lookup._read.cache_clear()
    return tmp_path / "data"


@pytest.mark.parametrize("named", [True, False])
def test_the_data_folder_has_both_sets(named, data, capsys):
    folder = data if named else None
    training, held_out = training_photographs(folder), held_out_photographs(folder)
    assert list(training.pictures) == ["train/t", "val/v"]
    assert (list(held_out.pictures), held_out.source) == (["k"], "kodak, 1 photographs")
    assert training.source == "bsds500, 2 photographs"
    assert measured_on(folder).pictures == held_out.pictures
    assert capsys.readouterr().err == ""


def test_any_folder_of_photographs_will_do(data, tmp_path, capsys):
    put(tmp_path / "mine" / "holiday" / "beach.png", png(ONE))
    for look_up in (training_photographs, held_out_photographs):
        found = look_up(tmp_path / "mine")
        assert (list(found.pictures), found.source) == (["holiday/beach"], "mine, 1 photographs")
    assert measured_on(tmp_path / "mine").source == STAND_IN  # not on what it may be trained on
    assert capsys.readouterr().err == ""
    with pytest.raises(ReaderError, match=r"There is no picture in .*nowhere"):
        held_out_photographs(tmp_path / "nowhere")


def test_where_there_is_nothing_the_stand_in_is_said_aloud(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    put(tmp_path / "other.png", png(ONE))  # of the reader's data folder only bsds500 and kodak count
    for look_up, name in ((training_photographs, "bsds500"), (held_out_photographs, "kodak")):
        found = look_up()
        said = f"There is no {name} in {tmp_path.resolve()}; used instead: {STAND_IN}.\n"
        assert (found.source, capsys.readouterr().err) == (STAND_IN, said)
        assert list(found.pictures) == list(photographs())
    assert torch.equal(measured_on(few=True).pictures["coffee"], photographs()["coffee"][:, :192, :192])
    assert list(measured_on().pictures) == list(photographs())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"])
@pytest.mark.parametrize("chosen", [False, True])
def test_transparency_is_known_without_a_newer_pillow(mode, chosen):
    """Pillow itself answers since 10.1."""
    picture = Image.new(mode, (2, 2))
    if chosen:
        picture.info["transparency"] = 0
    if mode == "P":
        picture.putpalette([0, 0, 0, 128], "RGBA")
    assert _transparent(picture) == picture.has_transparency_data
