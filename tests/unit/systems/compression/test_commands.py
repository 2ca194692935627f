"""Files in, files out: `lossconditioning compress` and `decompress` on one file, and what a failure leaves."""

import errno
import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from lossconditioning.codec import decompress_file
from lossconditioning.datasets.folders import read_picture
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems import compression

pytestmark = pytest.mark.filterwarnings("ignore::lossconditioning.errors.WeightWarning")

# One file -------------------------------------------------------------------------------------------------------------


def test_a_picture_goes_to_a_file_and_back(call, codec, pictures, contents):
    status, out, err = call("compress in/a.png out/a.lcic --weight 0.02")
    assert (status, err) == (0, "")
    data, picture = Path("out/a.lcic").read_bytes(), pictures["a.png"]
    assert data == codec.compress(picture, 0.02)
    shown = codec.decompress(data)
    psnr = quality(picture, shown, similarity=False)["psnr"]
    rate = 8 * len(data) / (64 * 96)
    said = f"in/a.png → out/a.lcic: {len(data):,} bytes, {rate:.3f} bits per pixel, {psnr:.2f} dB, λ = 0.02\n"
    assert out == said
    status, out, err = call("decompress out/a.lcic out/a.png")
    assert (status, out, err) == (0, "out/a.lcic → out/a.png: 96×64 pixels\n", "")
    assert torch.equal(read_picture(Path("out/a.png")), shown)
    assert set(contents(Path("out"))) == {"a.lcic", "a.png"}


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp", ".tif", ".tiff", ".ppm", ".jpg", ".jpeg", ".webp"])
def test_a_picture_is_written_in_the_format_its_name_ends_with(call, codec, suffix):
    call("compress in/a.png a.lcic --weight 0.02")
    assert call(f"decompress a.lcic b{suffix}")[0] == 0
    with Image.open(f"b{suffix}") as opened:
        assert opened.format == {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
        lossy = opened.format in ("JPEG", "WEBP")
    difference = read_picture(Path(f"b{suffix}")).int() - codec.decompress(Path("a.lcic").read_bytes()).int()
    assert difference.abs().float().mean() <= (8 if lossy else 0)


def test_a_target_in_bytes_is_met(call):
    for target in (300, 321, 400):
        status, out, _ = call(f"compress in/a.png a.lcic --target-bytes {target} --overwrite")
        size = Path("a.lcic").stat().st_size
        assert (status, size <= target, size > 0.9 * target) == (0, True, True), target
        assert f"{size:,} bytes" in out


def test_a_target_in_decibels_is_met(call, codec, pictures):
    def psnr(data: bytes) -> float:
        return quality(pictures["a.png"], codec.decompress(data), similarity=False)["psnr"]

    reachable = psnr(codec.compress(pictures["a.png"], 2.6)) - 0.01
    assert call(f"compress in/a.png a.lcic --target-psnr {reachable}")[0] == 0
    assert psnr(Path("a.lcic").read_bytes()) >= reachable


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("compress in/a.png o.lcic", "Give one of a weight, a size in bytes and a PSNR in dB; got 0 of them"),
        ("compress in/a.png o.lcic --weight 0.1 --target-bytes 900", "got 2 of them"),
        ("compress in/a.png o.lcic --weight 0.1 --target-bytes 900 --target-psnr 30", "got 3 of them"),
        ("compress in/a.png o.lcic --weight 9", "between 0.00012 and 2.6"),
        ("compress in/a.png o.lcic --weight nan", "between 0.00012 and 2.6"),
        ("compress in/a.png o.lcic --weight small", "--weight"),
        (
            "compress in/a.png o.lcic --target-bytes 3",
            f"at least {compression.OVERHEAD} bytes, of header; got a target of 3",
        ),
        ("compress in/a.png o.lcic --target-bytes 50", "50 bytes are too few for this picture: the smallest file has"),
        ("compress in/a.png o.lcic --target-psnr 90", "90 dB can not be reached"),
        ("compress in/a.png o.lcic --weight 0.1 --model yotto", "yotto"),
        ("compress in/a.png", "Missing argument 'OUT'"),
        ("compress in/nothing.png o.lcic --weight 0.1", "There is no picture in/nothing.png"),
        ("compress in/notes.txt o.lcic --weight 0.1", "in/notes.txt can not be read as a picture"),
        ("compress none o.lcic --weight 0.1", "There is no picture none"),
        ("compress in/a.png in/a.png --weight 0.1", "ends with .lcic, so that no picture is overwritten; got a.png"),
        ("compress empty o --weight 0.1", "There is nothing to do in empty: no picture"),
        ("compress twins o --weight 0.1", "Several files of twins would become o/a.lcic. Rename one of them"),
        ("compress in/a.png in/notes.txt/o.lcic --weight 0.1", "in/notes.txt"),
        ("decompress in/a.png o.png", "not a picture that lossconditioning compressed"),
        ("decompress nothing.lcic o.png", "There is no file nothing.lcic"),
        ("decompress nothing.lcic o", "o does not end like a picture; use .png, or one of"),
        ("decompress nothing.lcic o.txt", "o.txt does not end like a picture"),
        ("decompress in o", "There is nothing to do in in: no .lcic file"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(command, said, call, pictures, contents, save):
    Path("empty").mkdir()
    save(pictures["a.png"], Path("twins/a.png"))
    save(pictures["a.png"], Path("twins/a.bmp"))
    before = contents(Path())
    status, out, err = call(command)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert contents(Path()) == before


@pytest.mark.parametrize("verb", ["compress", "decompress"])
def test_a_full_disk_leaves_what_was_there(verb, call, monkeypatch, contents):
    call("compress in/a.png a.lcic --weight 0.02")
    call("decompress a.lcic a.png")
    before = contents(Path())

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lossconditioning.training.checkpoints.os.fsync", full)
    line = {
        "compress": "compress in/z.bmp a.lcic --weight 0.02 --overwrite",
        "decompress": "decompress a.lcic a.png --overwrite",
    }[verb]
    status, out, err = call(line)
    assert (status, out) == (2, "")
    place = {"compress": "a.lcic", "decompress": "a.png"}[verb]
    assert err.startswith(f"error: {place} can not be written (No space left on device). ")
    assert "partial" not in err  # the file beside it that a reader never sees
    assert contents(Path()) == before


def test_a_picture_that_is_there_is_overwritten_only_if_told_so(call):
    call("compress in/a.png a.lcic --weight 0.02")
    assert call("decompress a.lcic again.png")[0] == 0
    first = Path("again.png").read_bytes()
    Path("again.png").write_bytes(b"mine")
    status, _, err = call("decompress a.lcic again.png")
    assert (status, Path("again.png").read_bytes()) == (2, b"mine")
    assert "again.png is there already" in err
    assert call("decompress a.lcic again.png --overwrite")[0] == 0
    assert Path("again.png").read_bytes() == first


def test_a_compressed_file_that_is_there_is_overwritten_only_if_told_so(call):
    Path("a.lcic").write_bytes(b"mine")
    status, out, err = call("compress in/a.png a.lcic --weight 0.02")
    assert (status, out, Path("a.lcic").read_bytes()) == (2, "", b"mine")
    assert "a.lcic is there already. Give another name or folder, or allow to overwrite (--overwrite)" in err
    assert call("compress in/a.png a.lcic --weight 0.02 --overwrite")[0] == 0
    assert Path("a.lcic").read_bytes().startswith(b"LCIC")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("compress pipe.png o.lcic --weight 0.02", "pipe.png is a pipe or a device, not a picture file"),
        ("compress in/a.png pipe.lcic --weight 0.02", "pipe.lcic is there already"),
        (
            "compress in/a.png pipe.lcic --weight 0.02 --overwrite",
            "pipe.lcic is a folder, a pipe or a device, not a file",
        ),
        ("decompress pipe.lcic o.png", "pipe.lcic is a pipe or a device, not a file"),
        ("decompress a.lcic pipe.png --overwrite", "pipe.png is a folder, a pipe or a device, not a file"),
    ],
)
def test_a_named_pipe_is_refused_and_stays_one(command, said, call):
    call("compress in/a.png a.lcic --weight 0.02")
    for name in ("pipe.png", "pipe.lcic"):
        os.mkfifo(name)
    status, out, err = call(command)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert Path("pipe.png").is_fifo()
    assert Path("pipe.lcic").is_fifo()


@pytest.mark.parametrize(("suffix", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_a_picture_wider_than_its_format_allows_is_a_readers_error(suffix, side, tmp_path):
    (tmp_path / "wide.lcic").write_bytes(b"")
    picture = torch.zeros(3, 1, side, dtype=torch.uint8)
    with pytest.raises(ReaderError, match=rf"does not take a picture of {side}×1 pixels .* Use \.png, which takes any"):
        decompress_file(tmp_path / "wide.lcic", tmp_path / f"wide{suffix}", lambda _: picture)
    assert [path.name for path in tmp_path.iterdir()] == ["wide.lcic"]
    decompress_file(tmp_path / "wide.lcic", tmp_path / "wide.png", lambda _: picture)
    assert read_picture(tmp_path / "wide.png").shape == picture.shape


@pytest.mark.parametrize("goal", ["--weight 0.02", "--target-bytes 400"])
def test_a_picture_that_is_decompressed_only_if_asked_for_is_said_to_be_so(goal, call, monkeypatch):
    monkeypatch.setattr("lossconditioning.codec.container.MAX_PIXELS", 64 * 96 - 1)
    status, _, err = call(f"compress in/a.png a.lcic {goal}")
    (line,) = err.splitlines()
    assert status == 0
    assert line.startswith(
        "warning: A picture of 96×64 pixels has more than the 6,143 that are decompressed without asking"
    )
    assert "max_pixels=6144" in line
    assert line.endswith("--max-pixels 6144.")
    assert call("decompress a.lcic a.png --max-pixels 6143")[0] == 2
    assert call("decompress a.lcic a.png --max-pixels 6144")[0] == 0


def test_the_limit_on_pixels_can_be_lowered_and_raised(call):
    call("compress in/a.png a.lcic --weight 0.02")
    status, _, err = call("decompress a.lcic small.png --max-pixels 100")
    assert (status, Path("small.png").exists()) == (2, False)
    assert "more than the limit of 100" in err
    assert call("decompress a.lcic small.png --max-pixels 100000000")[0] == 0
