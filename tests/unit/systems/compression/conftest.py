"""What the tests of compression share: a folder of finished models, hardly trained, and commands that use it."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_codecs import corner

from lossconditioning import cli
from lossconditioning.systems import compression
from lossconditioning.training import Run

NAMES = (compression.DEFAULT, "yoto", *compression.FIXED_NAMES)


def trains_little(name: str) -> compression.Config:
    """A config whose few steps leave it where principal components put it, with FiLM all but still: a proper curve."""
    config = compression.experiments("smoke")[name]
    return replace(config, learning_rate=1e-5, gain=1e-4, m=48 if "wider" in name else 32)


@pytest.fixture(scope="session")
def no_data(tmp_path_factory):
    """Only the built-in photographs, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(tmp_path_factory.mktemp("no_data")))
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory, no_data) -> Path:
    """The model that compresses by default, another conditional one, and all fixed-weight ones."""
    run = Run(out=tmp_path_factory.mktemp("trained"), profile="smoke", progress=False)
    assert compression.train_all(map(trains_little, NAMES), run) == len(NAMES)
    return run.out


# `lossconditioning compress` and `decompress` -----------------------------------------------------------------------------


@pytest.fixture
def codec(trained):
    return compression.open_codec(compression.DEFAULT, trained)


@pytest.fixture
def save():
    """Write a picture, uint8 ``(3, H, W)``."""

    def write(picture: torch.Tensor, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)

    return write


@pytest.fixture
def pictures(tmp_path, monkeypatch, save) -> dict[str, torch.Tensor]:
    """Pictures by name; the working directory is a folder that has them in its folder ``in``."""
    monkeypatch.chdir(tmp_path)
    found = {
        "a.png": corner(64, 96),
        "sub/b.webp": corner(40, 70, "china"),
        "sub/deeper/c.d.PPM": corner(1, 5),
        "z.bmp": corner(33, 10),
    }
    for name, picture in found.items():
        save(picture, tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return found


@pytest.fixture
def call(capsys, trained, pictures):
    """Run a command in this process, with our checkpoints: exit status, stdout, stderr."""

    def run(command: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main(shlex.split(f"{command} --checkpoint {trained}"))
        return leaving.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def contents():
    """All files of a folder, name → bytes."""
    return lambda folder: {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
