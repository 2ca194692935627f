"""Files in, files out: `lossconditioning compress` and `decompress`, one file or a folder, and what a failure leaves."""

import errno
import os
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_codecs import corner

from lossconditioning import CheckpointError, cli
from lossconditioning.datasets.folders import read_picture
from lossconditioning.systems import compression
from lossconditioning.systems.compression import files
from lossconditioning.systems.compression.container import Container

SMOKE = compression.experiments("smoke")
MODELS = (files.DEFAULT, "yoto", "fixed_0", "fixed_1", "fixed_2")
pytestmark = pytest.mark.filterwarnings("ignore::lossconditioning.errors.WeightWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder of finished models, the one that compresses by default among them."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(tmp_path_factory.mktemp("no_data")))
        for name in MODELS:
            assert compression.train(SMOKE[name], out=folder, profile="smoke", progress=False)
    return folder


@pytest.fixture
def codec(trained):
    return files.open_codec(files.DEFAULT, trained)


def save(picture: torch.Tensor, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)


PICTURES = {
    "a.png": corner(64, 96),
    "sub/b.webp": corner(40, 70, "china"),
    "sub/deeper/c.d.PPM": corner(1, 5),
    "z.bmp": corner(33, 10),
}


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """A folder to run commands in, with pictures."""
    monkeypatch.chdir(tmp_path)
    for name, picture in PICTURES.items():
        save(picture, tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def call(capsys, trained, workplace):
    """Run a command in this process, with our checkpoints: exit status, stdout, stderr."""

    def run(command: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main(shlex.split(f"{command} --checkpoint {trained}"))
        return leaving.value.code, *capsys.readouterr()

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# One file -------------------------------------------------------------------------------------------------------------


def test_a_picture_goes_to_a_file_and_back(call, codec):
    status, out, err = call("compress in/a.png out/a.lcic --weight 0.02")
    assert (status, err) == (0, "")
    data, picture = Path("out/a.lcic").read_bytes(), PICTURES["a.png"]
    assert data == codec.compress(picture, 0.02)
    shown = codec.decompress(data)
    quality = compression.quality(picture, shown, similarity=False)["psnr"]
    rate = 8 * len(data) / (64 * 96)
    said = f"in/a.png → out/a.lcic: {len(data):,} bytes, {rate:.3f} bits per pixel, {quality:.2f} dB, λ = 0.02\n"
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
        status, out, _ = call(f"compress in/a.png a.lcic --target-bytes {target}")
        size = Path("a.lcic").stat().st_size
        assert (status, size <= target, size > 0.9 * target) == (0, True, True), target
        assert f"{size:,} bytes" in out


def test_a_target_in_decibels_is_met(call, codec):
    def quality(data: bytes) -> float:
        return compression.quality(PICTURES["a.png"], codec.decompress(data), similarity=False)["psnr"]

    reachable = quality(codec.compress(PICTURES["a.png"], compression.WEIGHTS[1])) - 0.01
    assert call(f"compress in/a.png a.lcic --target-psnr {reachable}")[0] == 0
    assert quality(Path("a.lcic").read_bytes()) >= reachable


@pytest.mark.parametrize("name", ["yoto", "fixed_2"])
def test_another_model_can_be_named_and_decompress_finds_it(name, call, trained):
    assert call(f"compress in/a.png a.lcic --weight 0.02 --model {name}")[0] == 0
    data = Path("a.lcic").read_bytes()
    assert Container.unpack(data).model == compression.Codec(compression.load(name, trained).model).model_id
    assert call("decompress a.lcic a.png")[0] == 0
    assert torch.equal(files.decompress(data, trained), read_picture(Path("a.png")))


def test_a_file_of_a_model_that_is_not_there_is_refused(call, trained, tmp_path):
    assert call("compress in/a.png a.lcic --weight 0.02 --model yoto")[0] == 0
    other = tmp_path / "other"
    other.mkdir()
    for kind in ("json", "safetensors"):
        (other / f"fixed_2.{kind}").write_bytes((trained / f"fixed_2.{kind}").read_bytes())
    data = Path("a.lcic").read_bytes()
    with pytest.raises(
        compression.FileError, match=rf"{Container.unpack(data).model.hex()}, which is none of fixed_2 in"
    ):
        files.decompress(data, other)
    with pytest.raises(CheckpointError, match="no finished checkpoint of 'compression'"):
        files.decompress(data, tmp_path / "in")


# Folders --------------------------------------------------------------------------------------------------------------


def test_a_folder_goes_to_a_folder_of_files_and_back(call, codec):
    status, out, err = call("compress in out --weight 0.02")
    assert status == 0
    assert "4/4" in err  # the progress bar
    assert len(out.splitlines()) == 4
    stems = {str(Path(name).with_suffix("")): read_picture(Path("in") / name) for name in PICTURES}
    files_written = contents(Path("out"))
    assert set(files_written) == {f"{stem}.lcic" for stem in stems}
    status, out, err = call("decompress out back")
    assert (status, len(out.splitlines()), "4/4" in err) == (0, 4, True)
    assert set(contents(Path("back"))) == {f"{stem}.png" for stem in stems}
    for stem, picture in stems.items():
        assert files_written[f"{stem}.lcic"] == codec.compress(picture, 0.02)
        shown = read_picture(Path(f"back/{stem}.png"))
        assert torch.equal(shown, codec.decompress(files_written[f"{stem}.lcic"]))


def test_a_broken_picture_does_not_stop_the_others(call):
    Path("in/broken.png").write_bytes(Path("in/a.png").read_bytes()[:200])
    Path("in/sub/text.jpg").write_text("no picture either")
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines())) == (1, 4)
    failures = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in failures] == ["in/broken.png", "in/sub/text.jpg"]
    assert set(contents(Path("out"))) == {"a.lcic", "sub/b.lcic", "sub/deeper/c.d.lcic", "z.lcic"}


def test_a_damaged_file_does_not_stop_the_others(call):
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


def test_what_can_not_be_written_does_not_stop_the_others(call):
    Path("out/a.lcic").mkdir(parents=True)
    status, out, err = call("compress in out --weight 0.02")
    assert (status, len(out.splitlines())) == (1, 3)
    assert "error: in/a.png: " in err
    assert set(contents(Path("out"))) == {"sub/b.lcic", "sub/deeper/c.d.lcic", "z.lcic"}


def test_a_folder_that_is_named_like_a_file_is_none(call):
    call("compress in out --weight 0.02")
    Path("out/b.lcic").mkdir()
    assert (call("decompress out back")[0], len(contents(Path("back")))) == (0, 4)


def test_a_folder_may_be_compressed_into_itself(call):
    before = contents(Path("in"))
    assert call("compress in in --weight 0.02")[0] == 0
    after = contents(Path("in"))
    assert len(after) == len(before) + 4
    assert {name: after[name] for name in before} == before


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
def test_a_mistake_is_one_line_and_writes_nothing(command, said, call):
    Path("empty").mkdir()
    save(PICTURES["a.png"], Path("twins/a.png"))
    save(PICTURES["a.png"], Path("twins/a.bmp"))
    before = contents(Path())
    status, out, err = call(command)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert contents(Path()) == before


@pytest.mark.parametrize("verb", ["compress", "decompress"])
def test_a_full_disk_leaves_what_was_there(verb, call, monkeypatch):
    call("compress in/a.png a.lcic --weight 0.02")
    call("decompress a.lcic a.png")
    before = contents(Path())

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lossconditioning.training.checkpoints.os.fsync", full)
    line = {"compress": "compress in/z.bmp a.lcic --weight 0.02", "decompress": "decompress a.lcic a.png --overwrite"}[
        verb
    ]
    status, out, err = call(line)
    assert (status, out) == (2, "")
    assert "No space left on device" in err
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


def test_the_limit_on_pixels_can_be_lowered_and_raised(call):
    call("compress in/a.png a.lcic --weight 0.02")
    status, _, err = call("decompress a.lcic small.png --max-pixels 100")
    assert (status, Path("small.png").exists()) == (2, False)
    assert "more than the limit of 100" in err
    assert call("decompress a.lcic small.png --max-pixels 100000000")[0] == 0


def test_models_are_opened_once_for_a_whole_folder(call, monkeypatch):
    for name in MODELS:
        call(f"compress in {name} --weight 0.02 --model {name}")
        for path in Path(name).rglob("*.lcic"):
            target = Path("all") / name / path.relative_to(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    files._opened.cache_clear()
    opened = []
    load = files.load
    monkeypatch.setattr(files, "load", lambda name, folder: opened.append(name) or load(name, folder))
    assert call("decompress all back")[0] == 0
    assert len(contents(Path("back"))) == 4 * len(MODELS)
    assert sorted(opened) == sorted(MODELS)
