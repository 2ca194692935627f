"""`lossconditioning compress` and `decompress` on folders: all of their files, whatever becomes of one."""

import io
import struct
from pathlib import Path

import pytest
import torch
from PIL import Image

from lossconditioning.codec import files
from lossconditioning.datasets.folders import read_picture


def test_a_folder_goes_to_a_folder_of_files_and_back(call, codec, pictures, contents):
    status, out, err = call("compress in out --weight 0.02")
    assert status == 0
    assert "4/4" in err  # the progress bar
    assert len(out.splitlines()) == 4
    stems = {str(Path(name).with_suffix("")): read_picture(Path("in") / name) for name in pictures}
    files_written = contents(Path("out"))
    assert set(files_written) == {f"{stem}.lcic" for stem in stems}
    status, out, err = call("decompress out back")
    assert (status, len(out.splitlines()), "4/4" in err) == (0, 4, True)
    assert set(contents(Path("back"))) == {f"{stem}.png" for stem in stems}
    for stem, picture in stems.items():
        assert files_written[f"{stem}.lcic"] == codec.compress(picture, 0.02)
        shown = read_picture(Path(f"back/{stem}.png"))
        assert torch.equal(shown, codec.decompress(files_written[f"{stem}.lcic"]))


def test_a_broken_picture_does_not_stop_the_others(call, contents):
    Path("in/broken.png").write_bytes(Path("in/a.png").read_bytes()[:200])
    Path("in/sub/text.jpg").write_text("no picture either")
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines())) == (1, 4)
    failures = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in failures] == ["in/broken.png", "in/sub/text.jpg"]
    assert set(contents(Path("out"))) == {"a.lcic", "sub/b.lcic", "sub/deeper/c.d.lcic", "z.lcic"}


def test_a_damaged_file_does_not_stop_the_others(call, contents):
    call("compress in out --weight 0.02")
    good = Path("out/a.lcic").read_bytes()
    Path("out/cut.lcic").write_bytes(good[:-1])
    Path("out/empty.lcic").write_bytes(b"")
    Path("out/sub/edited.lcic").write_bytes(good[:60] + bytes([good[60] ^ 1]) + good[61:])
    status, out, err = call("decompress out back")
    assert (status, len(out.splitlines())) == (1, 4)
    failures = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in failures] == [
        "out/cut.lcic",
        "out/empty.lcic",
        "out/sub/edited.lcic",
    ]
    assert set(contents(Path("back"))) == {"a.png", "sub/b.png", "sub/deeper/c.d.png", "z.png"}


def test_what_can_not_be_written_does_not_stop_the_others(call, contents):
    Path("out/a.lcic").mkdir(parents=True)
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines())) == (1, 3)
    assert "error: in/a.png: " in err
    assert set(contents(Path("out"))) == {"sub/b.lcic", "sub/deeper/c.d.lcic", "z.lcic"}


def test_a_folder_that_is_named_like_a_file_is_none(call, contents):
    call("compress in out --weight 0.02")
    Path("out/b.lcic").mkdir()
    assert (call("decompress out back")[0], len(contents(Path("back")))) == (0, 4)


def test_a_folder_may_be_compressed_into_itself(call, contents):
    before = contents(Path("in"))
    assert call("compress in in --weight 0.02")[0] == 0
    after = contents(Path("in"))
    assert len(after) == len(before) + 4
    assert {name: after[name] for name in before} == before


def test_a_photograph_with_an_odd_exif_number_is_compressed_like_the_others(call, codec, contents):
    """Orientation 6, and a resolution of -1/0, which Pillow does not write back."""
    entries = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) + struct.pack("<HHII", 0x11A, 10, 1, 38)
    odd = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<Iii", 0, -1, 0)
    Image.radial_gradient("L").convert("RGB").resize((50, 40)).save("in/odd.jpg", exif=odd)
    assert call("compress in out --weight 0.02")[0] == 0
    assert len(contents(Path("out"))) == 5
    assert codec.decompress(Path("out/odd.lcic").read_bytes()).shape == (3, 50, 40)


@pytest.mark.parametrize("error", [TypeError, struct.error, RuntimeError, MemoryError, ZeroDivisionError])
def test_whatever_one_file_raises_the_others_are_done(error, call, monkeypatch, contents):
    def fails_once(path):
        if path.name == "a.png":
            raise error("odd")
        return read_picture(path)

    monkeypatch.setattr(files, "read_picture", fails_once)
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines()), len(contents(Path("out")))) == (1, 3, 3)
    assert f"error: in/a.png: {error.__name__}: odd" in err


def test_files_that_are_there_already_are_named_and_the_others_done(call, contents):
    Path("out/sub").mkdir(parents=True)
    Path("out/sub/b.lcic").write_bytes(b"mine")
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines()), Path("out/sub/b.lcic").read_bytes()) == (1, 3, b"mine")
    assert "error: in/sub/b.webp: out/sub/b.lcic is there already" in err
    status, out, _ = call("compress in out --weight 0.02 --overwrite")
    assert (status, len(out.splitlines())) == (0, 4)


def test_files_with_a_suffix_in_capitals_are_found_and_those_with_a_dot_are_not(call, contents):
    call("compress in out --weight 0.02")
    Path("out/a.lcic").rename("out/a.LCIC")
    Path("out/._z.lcic").write_bytes(b"\0\5\26\7")
    assert call("decompress out back")[0] == 0
    assert set(contents(Path("back"))) == {"a.png", "sub/b.png", "sub/deeper/c.d.png", "z.png"}


def test_many_files_begin_at_once(tmp_path, monkeypatch):
    """Before the first of them no target is compared with all others: paths compare as often as a sort needs."""
    compared = 0
    equal = Path.__eq__

    def counting(one, other):
        nonlocal compared
        compared += 1
        return equal(one, other)

    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    for number in range(500):
        (tmp_path / f"{number}.png").write_bytes(buffer.getvalue())
    monkeypatch.setattr(type(tmp_path), "__eq__", counting)
    done, failed = files.each(tmp_path, tmp_path / "out", files.SUFFIX, lambda one, to: "")
    assert (len(done), failed) == (500, [])
    assert compared < 50 * 500
