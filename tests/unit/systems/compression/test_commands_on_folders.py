"""`lossconditioning compress` and `decompress` on folders: all of their files, whatever becomes of one."""

from pathlib import Path

import torch

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
