"""Folders and pictures as people have them: what systems leave in folders, links, and photographs with odd EXIF numbers."""

import contextlib
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.datasets.folders import picture_paths, read_picture, read_pictures
from lossconditioning.display import open_picture

BESIDE = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(120)  # what macOS writes beside a file on a foreign disk


def painted(path: Path, colour="red", **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path, **options)
    return path


# What is looked through ---------------------------------------------------------------------------------------------------


def test_what_systems_leave_beside_pictures_is_not_read(tmp_path):
    painted(tmp_path / "a.jpg")
    painted(tmp_path / "sub" / "b.PNG")
    for left in (
        ".hidden.png",
        ".ipynb_checkpoints/a-checkpoint.jpg",
        ".thumbnails/large/a.png",
        "__MACOSX/a.jpg",
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "sub/.Trash-1000/files/c.png",
        "sub/$RECYCLE.BIN/c.png",
    ):
        painted(tmp_path / left)
    for left in ("._a.jpg", "sub/._b.PNG", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / left).write_bytes(BESIDE)
    assert list(read_pictures(tmp_path)) == ["a", "sub/b"]


def test_a_folder_that_is_named_is_read_whatever_its_name(tmp_path):
    painted(tmp_path / ".photographs" / "a.png")
    assert list(read_pictures(tmp_path / ".photographs")) == ["a"]


def test_where_all_pictures_are_left_out_the_message_says_so(tmp_path):
    painted(tmp_path / ".a.png")
    with pytest.raises(ReaderError, match=r"no picture in .*names that begin with a dot are left out"):
        read_pictures(tmp_path)


def test_linked_folders_and_files_are_followed(tmp_path):
    painted(tmp_path / "real" / "deep" / "a.png")
    painted(tmp_path / "elsewhere.png")
    (tmp_path / "set").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "set" / "class")
    os.symlink(tmp_path / "elsewhere.png", tmp_path / "set" / "b.png")
    os.symlink(tmp_path / "nothing.png", tmp_path / "set" / "broken.png")
    os.symlink(tmp_path / "set", tmp_path / "named")
    assert list(read_pictures(tmp_path / "set")) == ["b", "class/deep/a"]
    assert list(read_pictures(tmp_path / "named")) == ["b", "class/deep/a"]


def test_links_in_a_circle_end_and_a_folder_has_its_own_name(tmp_path):
    painted(tmp_path / "other" / "inner" / "c.png")
    painted(tmp_path / "set" / "real" / "a.png")
    links = {"a_link": "set/real", "real/up": "set", "real/above": "", "itself": "set/itself", "all": "other"}
    for name, leads_to in links.items():
        os.symlink(tmp_path / leads_to, tmp_path / "set" / name)
    os.symlink(
        tmp_path / "other" / "inner", tmp_path / "set" / "again"
    )  # also seen by `all`, which is looked through first
    os.symlink(tmp_path / "set", tmp_path / "other" / "back")
    found = [str(path.relative_to(tmp_path / "set")) for path in picture_paths(tmp_path / "set")]
    assert found in (["again/c.png", "real/a.png"], ["all/inner/c.png", "real/a.png"])


def test_a_folder_that_can_not_be_looked_into_is_named(tmp_path, monkeypatch):
    painted(tmp_path / "a.png")
    painted(tmp_path / "locked" / "b.png")
    look = os.scandir

    def locked(folder):
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return look(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(ReaderError, match=r"locked can not be looked into \(Permission denied\)"):
        picture_paths(tmp_path)


# Odd pictures -------------------------------------------------------------------------------------------------------------


def exif(tag: int, kind: int, count: int, value: bytes, extra: bytes = b"") -> bytes:
    """EXIF with an orientation, turned by 90 degrees, and one more entry."""
    entries = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) + struct.pack("<HHI", tag, kind, count) + value
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0) + extra


AFTER = struct.pack("<I", 38)
ODD = {
    "a resolution of -1/0": exif(0x11A, 10, 1, AFTER, struct.pack("<ii", -1, 0)),
    "a resolution of 0/0": exif(0x11A, 5, 1, AFTER, struct.pack("<II", 0, 0)),
    "a resolution as text": exif(0x11A, 2, 4, b"72\0\0"),
    "a unit of -2": exif(0x128, 8, 1, struct.pack("<hh", -2, 0)),
    "a date as a number": exif(0x132, 4, 1, struct.pack("<I", 1 << 31)),
    "a place outside of the file": exif(0x8825, 4, 1, struct.pack("<I", 0xFFFFFFF0)),
    "a latitude of n/0": exif(
        0x8825, 4, 1, AFTER, struct.pack("<HHHIII", 1, 2, 5, 1, 56, 0) + struct.pack("<II", 9, 0)
    ),
    "an unknown kind": exif(0x11A, 99, 1, bytes(4)),
    "more values than bytes": exif(0x11A, 5, 1 << 20, AFTER),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.filterwarnings("ignore:(?i).*(exif|metadata|tag)")
def test_a_sound_photograph_with_an_odd_exif_number_is_read_and_turned(name, suffix, tmp_path):
    path = tmp_path / f"odd{suffix}"
    Image.radial_gradient("L").convert("RGB").resize((50, 40)).save(path, exif=ODD[name])
    turned = read_picture(path)
    assert tuple(turned.shape) == tuple(open_picture(path).shape)
    assert tuple(turned.shape) in ((3, 50, 40), (3, 40, 50))  # as far as Pillow finds the orientation
    if suffix == ".jpg" and name != "more values than bytes":
        assert tuple(turned.shape) == (3, 50, 40)


def test_a_picture_in_the_wrong_suffix_is_read_for_what_it_is(tmp_path):
    path = painted(tmp_path / "a.png")
    for suffix in (".jpg", ".TIF", ".webp"):
        shutil.copy(path, tmp_path / f"b{suffix}")
        assert torch.equal(read_picture(tmp_path / f"b{suffix}"), read_picture(path))


def test_photographs_of_several_pictures_show_the_first(tmp_path):
    """Telephones write MPO, a JPEG with another behind it."""
    for name, options in {"a.jpg": {"format": "MPO"}, "b.webp": {"lossless": True}, "c.tif": {}}.items():
        one, other = (Image.new("RGB", (8, 6), colour) for colour in ("red", "blue"))
        one.save(tmp_path / name, save_all=True, append_images=[other], **options)
    for picture in read_pictures(tmp_path).values():
        assert picture.shape == (3, 6, 8)
        assert picture[0].min() > 250
        assert picture[2].max() < 5


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".bmp", ".ppm"])
def test_a_picture_cut_off_anywhere_is_refused_or_whole(suffix, tmp_path):
    """Whatever the decoder raises."""
    path = tmp_path / f"whole{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    data, whole = path.read_bytes(), read_picture(path)
    for length in range(0, len(data), max(1, len(data) // 40)):
        path.write_bytes(data[:length])
        with contextlib.suppress(ReaderError):
            assert torch.equal(read_picture(path), whole)


def test_a_decoder_that_raises_something_of_its_own_is_a_readers_error(tmp_path, monkeypatch):
    path = painted(tmp_path / "a.png")
    for raised, said in ((TypeError("odd"), "odd"), (struct.error("short"), "short"), (MemoryError(), "MemoryError")):

        def fail(image, raised=raised):
            raise raised

        monkeypatch.setattr(Image.Image, "load", fail)
        with pytest.raises(ReaderError, match=rf"a\.png can not be read as a picture \({said}\)"):
            read_picture(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_and_a_folder_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ReaderError, match=r"a\.png is a pipe or a device, not a picture file"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(ReaderError, match="is a folder, not a picture file"):
        read_picture(tmp_path)
    assert picture_paths(tmp_path) == []
