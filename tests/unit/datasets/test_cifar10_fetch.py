"""CIFAR-10 is fetched, verified and unpacked whole, or not at all: here from a very small one served on loopback."""

import errno
import hashlib
import io
import os
import pickle
import shutil
import tarfile
from pathlib import Path

import pytest
import torch
from loopback import fetched
from torchvision.datasets import CIFAR10

from lossconditioning import ReaderError
from lossconditioning.datasets import cifar10

PICTURES = torch.randint(256, (5, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
"""The held-out pictures; each of the five batches to train on is the first two of them."""


def packed_cifar10(folder) -> dict[str, str]:
    """Pack a very small CIFAR-10 in torchvision's form into a folder. Returns the checksum of each file."""
    files = {"batches.meta": pickle.dumps({"label_names": ["cat"]})}
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        rows = (PICTURES[:2] if name != "test_batch" else PICTURES).flatten(1).numpy()
        files[name] = pickle.dumps({"data": rows, "labels": [0] * len(rows)})
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    files["archive"] = (folder / "cifar-10-python.tar.gz").read_bytes()
    return {name: hashlib.md5(content).hexdigest() for name, content in files.items()}


@pytest.fixture
def home(loopback, monkeypatch):
    """The home of a very small CIFAR-10."""
    sums = packed_cifar10(loopback.folder)
    monkeypatch.setattr(CIFAR10, "url", f"{loopback.address}/cifar-10-python.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", sums["archive"])
    monkeypatch.setattr(CIFAR10, "train_list", [[f"data_batch_{n}", sums[f"data_batch_{n}"]] for n in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    return loopback


def test_fetch_downloads_and_unpacks_where_the_pictures_are_looked_up(home, tmp_path, capsys):
    fetched("cifar10")
    assert f"cifar10 is in {tmp_path / 'cache' / 'cifar-10-batches-py'}." in capsys.readouterr().out
    assert torch.equal(cifar10("real").test, PICTURES)
    assert torch.equal(cifar10("real").train, PICTURES[:2].repeat(5, 1, 1, 1))
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"cifar-10-batches-py", "cifar-10-python.tar.gz"}
    (tmp_path / "cache" / ".cifar-10-batches-py.partial" / "damaged").mkdir(
        parents=True
    )  # by a process killed at the end
    fetched("cifar10")
    assert home.asked == 1
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"cifar-10-batches-py", "cifar-10-python.tar.gz"}


def test_fetch_replaces_a_damaged_copy_and_downloads_only_what_is_missing(home, tmp_path):
    fetched("cifar10")
    batch = tmp_path / "cache" / "cifar-10-batches-py" / "test_batch"
    batch.write_bytes(batch.read_bytes()[:100])
    with pytest.raises(ReaderError, match=r"damaged.*fetch it again"):
        cifar10("real")
    fetched("cifar10")
    assert torch.equal(cifar10("real").test, PICTURES)
    assert home.asked == 1


def test_an_archive_supplied_by_hand_is_unpacked(home, tmp_path):
    (tmp_path / "cache").mkdir()
    shutil.copy(home.folder / "cifar-10-python.tar.gz", tmp_path / "cache")
    fetched("cifar10")
    assert len(cifar10("real").train) == 10
    assert home.asked == 0


def test_unpacking_is_all_or_nothing(home, tmp_path, monkeypatch, capsys):
    cache = tmp_path / "cache"
    left = cache / ".cifar-10-batches-py.partial" / "cifar-10-batches-py"  # by a killed process
    left.mkdir(parents=True)
    (left / "stray").write_text("half a file")

    def full(archive, folder, **_):
        (Path(folder) / "cifar-10-batches-py").mkdir(parents=True)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("tarfile.TarFile.extractall", full)
        fetched("cifar10", status=2)
    said = capsys.readouterr().err
    assert "could not be unpacked" in said
    assert "No space left on device" in said
    assert [path.name for path in cache.iterdir()] == ["cifar-10-python.tar.gz"]
    fetched("cifar10")
    assert not (cache / "cifar-10-batches-py" / "stray").exists()
    assert len(cifar10("real").train) == 10


def test_a_fetch_that_fails_is_one_line_that_says_how_to_supply_the_file(home, tmp_path, capsys):
    (home.folder / "cifar-10-python.tar.gz").unlink()
    fetched("cifar10", status=2)
    (line,) = capsys.readouterr().err.splitlines()
    by_hand = f"save that file as {tmp_path / 'cache' / 'cifar-10-python.tar.gz'}"
    for part in ("error: cifar-10-python.tar.gz", CIFAR10.url, "404", by_hand):
        assert part in line
    with pytest.raises(ReaderError, match="lossconditioning data fetch cifar10"):
        cifar10("real")
