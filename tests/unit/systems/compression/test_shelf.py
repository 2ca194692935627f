"""Finished codecs: each opened once, and found by the files that it made."""

from pathlib import Path

import pytest
import torch

from lossconditioning import CheckpointError
from lossconditioning.codec import Codec, Container, FileError
from lossconditioning.datasets.folders import read_picture
from lossconditioning.systems import compression
from lossconditioning.systems.compression import shelf

pytestmark = pytest.mark.filterwarnings("ignore::lossconditioning.errors.WeightWarning")


@pytest.mark.parametrize("name", ["yoto", "fixed_2"])
def test_another_model_can_be_named_and_decompress_finds_it(name, call, trained):
    assert call(f"compress in/a.png a.lcic --weight 0.02 --model {name}")[0] == 0
    data = Path("a.lcic").read_bytes()
    assert Container.unpack(data).model == Codec(compression.load(name, trained).model).model_id
    assert call("decompress a.lcic a.png")[0] == 0
    assert torch.equal(compression.decompress(data, trained), read_picture(Path("a.png")))


def test_a_file_of_a_model_that_is_not_there_is_refused(call, trained, tmp_path):
    assert call("compress in/a.png a.lcic --weight 0.02 --model yoto")[0] == 0
    other = tmp_path / "other"
    other.mkdir()
    for kind in ("json", "safetensors"):
        (other / f"fixed_2.{kind}").write_bytes((trained / f"fixed_2.{kind}").read_bytes())
    data = Path("a.lcic").read_bytes()
    with pytest.raises(FileError, match=rf"{Container.unpack(data).model.hex()}, which is none of fixed_2 in"):
        compression.decompress(data, other)
    with pytest.raises(CheckpointError, match="no finished checkpoint of 'compression'"):
        compression.decompress(data, tmp_path / "in")


def test_models_are_opened_once_for_a_whole_folder(call, monkeypatch, contents):
    names = (compression.DEFAULT, "yoto", *compression.FIXED_NAMES)
    for name in names:
        call(f"compress in {name} --weight 0.02 --model {name}")
        for path in Path(name).rglob("*.lcic"):
            target = Path("all") / name / path.relative_to(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    compression.SHELF._opened.cache_clear()
    opened = []
    monkeypatch.setattr(shelf, "Codec", lambda model: opened.append(model) or Codec(model))
    assert call("decompress all back")[0] == 0
    assert len(contents(Path("back"))) == 4 * len(names)
    assert len(opened) == len(names)
