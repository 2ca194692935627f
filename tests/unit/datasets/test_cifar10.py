"""CIFAR-10 is found where a reader puts it, refused where it is damaged, and replaced by photographs, said aloud."""

import io
import pickle
import shlex
import sys
import zipfile

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError, cli
from lossconditioning.datasets import DATASETS, cifar10, photographs
from lossconditioning.datasets.cifar10 import stand_in

TRAIN, TEST = (
    np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    for seed, count in ((0, 12), (1, 5))
)


def shown(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


# Real pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [".", "cifar10"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("source", ["auto", "real"])
def test_an_npz_is_found(where, save, source, tmp_path):
    (tmp_path / where).mkdir(exist_ok=True)
    save(tmp_path / where / "cifar10.npz", x_train=TRAIN, x_test=TEST, y_test=np.zeros(5))
    found = cifar10(source, tmp_path)
    assert torch.equal(found.train, shown(TRAIN))
    assert torch.equal(found.test, shown(TEST))
    assert found.train.dtype == found.test.dtype == torch.uint8
    assert found.train.is_contiguous()
    assert "12 + 5 pictures of cifar10.npz" in found.source


def test_a_folder_may_be_given_as_text(tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_train=TRAIN, x_test=TEST)
    assert len(cifar10("real", str(tmp_path)).train) == 12


def test_a_folder_to_measure_on_needs_no_training_pictures(tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_test=TEST)
    found = cifar10("auto", tmp_path)
    assert found.train.shape == (0, 3, 32, 32)
    assert found.train.dtype == torch.uint8
    assert torch.equal(found.test, shown(TEST))


def test_the_environment_says_where_to_look(tmp_path, monkeypatch):
    np.savez(tmp_path / "cifar10.npz", x_train=TRAIN, x_test=TEST)
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    assert torch.equal(cifar10("real").test, shown(TEST))
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(ReaderError, match="elsewhere"):
        cifar10("real")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_train": TRAIN}, "no array x_test"),
        ({"images": TEST}, "no array x_test"),
        ({"x_test": TEST.astype(np.float32) / 255}, "x_test .* is float32"),
        ({"x_test": TEST.astype(np.int64)}, "x_test .* is int64"),
        ({"x_test": TEST.transpose(0, 3, 1, 2)}, r"shape \(5, 3, 32, 32\); expected uint8 \(N, 32, 32, 3\)"),
        ({"x_test": TEST[0]}, r"\(32, 32, 3\); expected"),
        ({"x_test": np.uint8(3)}, r"shape \(\)"),
        ({"x_test": TEST, "x_train": TRAIN[:, :28, :28]}, r"x_train .* \(12, 28, 28, 3\)"),
        ({"x_test": np.array([None, {}], dtype=object)}, "damaged"),
    ],
    ids=["train only", "other name", "float", "int64", "channels first", "one picture", "number", "side", "objects"],
)
def test_an_npz_with_something_else_is_refused_by_name(arrays, said, tmp_path):
    np.savez(tmp_path / "cifar10.npz", **arrays)
    with pytest.raises(ReaderError, match=said) as refused:
        cifar10("auto", tmp_path)
    assert str(tmp_path / "cifar10.npz") in str(refused.value)


ODD_MEMBERS = {
    "text": lambda archive: archive.writestr("x_test", "no array"),
    "text called npy": lambda archive: archive.writestr("x_test.npy", "no array"),
    "a header of nonsense": lambda archive: archive.writestr("x_test.npy", b"\x93NUMPY\1\0\x08\0{'descr'"),
    "more than memory holds": lambda archive: archive.writestr("x_test.npy", header((10**9, 10**9, 32, 3))),
    "another method of compression": lambda archive: archive.writestr("x_test.npy", b"\x93NUMPY", zipfile.ZIP_LZMA),
    "a folder": lambda archive: archive.writestr("x_test.npy/", b""),
}


def header(shape) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("name", ODD_MEMBERS)
def test_an_npz_with_odd_members_is_refused_by_name(name, tmp_path):
    with zipfile.ZipFile(tmp_path / "cifar10.npz", "w") as archive:
        ODD_MEMBERS[name](archive)
    with pytest.raises(ReaderError, match=r"cifar10\.npz (is damaged or has no array|is no array)") as refused:
        cifar10("auto", tmp_path)
    assert "x_test" in str(refused.value)


def test_an_npz_of_an_unknown_compression_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_test=TEST)
    data = (tmp_path / "cifar10.npz").read_bytes()
    directory = data.rindex(b"PK\1\2")
    data = bytearray(data)
    data[directory + 10] = data[8] = 99
    (tmp_path / "cifar10.npz").write_bytes(data)
    with pytest.raises(ReaderError, match=r"cifar10\.npz is damaged or has no array"):
        cifar10("auto", tmp_path)


def one_byte_changed(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


def an_array_alone(data: bytes) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, TEST)
    return buffer.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:3],
        lambda data: b"",
        lambda data: b"cifar ten, as text",
        lambda data: data[100:],
        one_byte_changed,
        an_array_alone,
        lambda data: pickle.dumps({"x_test": [1]}),
    ],
    ids=["half", "three bytes", "empty", "text", "no beginning", "one byte", "npy", "pickle"],
)
def test_a_damaged_npz_is_refused_by_name(save, damage, tmp_path):
    file = tmp_path / "cifar10.npz"
    save(file, x_test=TEST)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ReaderError, match="damaged") as refused:
        cifar10("auto", tmp_path)
    assert str(file) in str(refused.value)


def test_a_compressed_npz_with_a_byte_changed_is_refused_by_name(tmp_path):
    file = tmp_path / "cifar10.npz"
    np.savez_compressed(file, x_test=np.arange(50 * 32 * 32 * 3, dtype=np.uint8).reshape(50, 32, 32, 3))
    whole = file.read_bytes()
    for place in range(80, len(whole) - 150, max(1, (len(whole) - 230) // 10)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(ReaderError, match=r"cifar10\.npz is damaged"):
            cifar10("auto", tmp_path)


@pytest.mark.parametrize("where", [".", "cifar10"])
@pytest.mark.parametrize("damage", ["empty", "short", "other pictures"])
def test_a_damaged_copy_of_torchvisions_is_refused_by_name(where, damage, tmp_path):
    folder = tmp_path / where / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]
    for name in names if damage != "empty" else ():
        pictures = np.zeros((4, 3072), dtype=np.uint8)
        written = pickle.dumps({"data": pictures, "labels": [0] * 4, "label_names": ["cat"]})
        (folder / name).write_bytes(written if damage == "other pictures" else written[:50])
    for source in ("auto", "real"):
        with pytest.raises(ReaderError, match=r"damaged.*fetch it again") as refused:
            cifar10(source, tmp_path)
        assert str(folder) in str(refused.value)


def test_an_npz_comes_before_torchvisions_copy(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    np.savez(tmp_path / "cifar10.npz", x_train=TRAIN, x_test=TEST)
    assert torch.equal(cifar10("real", tmp_path).test, shown(TEST))


def test_missing_real_pictures_are_an_error_that_says_how_to_get_them(tmp_path):
    with pytest.raises(ReaderError) as refused:
        cifar10("real", tmp_path)
    for part in ("lossconditioning data fetch cifar10", "cifar10.npz", "x_train and x_test", str(tmp_path)):
        assert part in str(refused.value)


def test_an_unknown_source_is_answered_with_the_closest(tmp_path):
    with pytest.raises(ReaderError, match=r"no source 'stand-in'. Did you mean 'stand_in'"):
        cifar10("stand-in", tmp_path)


# The stand-in -----------------------------------------------------------------------------------------------------


def test_the_stand_in_says_what_it_is_and_is_always_the_same(tmp_path):
    found = cifar10("auto", tmp_path)
    assert found.train.shape == (8000, 3, 32, 32)
    assert found.test.shape == (1000, 3, 32, 32)
    assert found.train.dtype == found.test.dtype == torch.uint8
    assert "photographs" in found.source
    assert "in place of CIFAR-10" in found.source
    np.savez(tmp_path / "cifar10.npz", x_train=TRAIN, x_test=TEST)
    again = cifar10("stand_in", tmp_path)
    assert torch.equal(again.train, found.train)
    assert torch.equal(again.test, found.test)
    assert found.train.float().std() > 30


@pytest.mark.parametrize(("train", "test"), [(1, 1), (25, 24), (100, 7)])
def test_the_stand_in_has_as_many_patches_as_asked_for(train, test):
    found = stand_in(train, test)
    assert (len(found.train), len(found.test)) == (train, test)
    assert not torch.equal(stand_in(train, test, seed=1).train, found.train)


def test_no_held_out_patch_is_trained_on():
    found = stand_in(3000, 1000)
    train = {row.numpy().tobytes() for row in (*found.train, *found.train.flip(-1))}
    assert not any(row.numpy().tobytes() in train for row in found.test)
    assert len(train) > 5500


def test_no_held_out_column_is_trained_on(monkeypatch):
    def marked():
        return {"a": torch.arange(640).div(640 / 256).byte().expand(3, 480, 640)}

    monkeypatch.setattr(sys.modules[stand_in.__module__], "photographs", marked)
    found = stand_in(400, 400)
    assert found.train.amax() <= found.test.amin() + 6


# Photographs, and the list of data sets ---------------------------------------------------------------------------


def test_there_are_six_photographs():
    found = photographs()
    assert list(found) == ["astronaut", "chelsea", "coffee", "rocket", "china", "flower"]
    for picture in found.values():
        assert picture.dtype == torch.uint8
        assert picture.shape[0] == 3
        assert all(300 <= side <= 640 for side in picture.shape[1:])
        assert picture.float().std() > 30


@pytest.mark.parametrize("name", ["shapes3d", "cifar10", "photographs"])
def test_every_data_set_has_an_entry_and_a_line_in_the_list(name, capsys):
    entry = DATASETS[name]
    assert callable(entry.load)
    assert (entry.fetch is not None) == (name == "cifar10")
    assert all((entry.summary, entry.size, entry.licence, entry.source))
    with pytest.raises(SystemExit) as leaving:
        cli.main(shlex.split("data list"))
    assert leaving.value.code == 0
    assert f"{name}: " in capsys.readouterr().out


def test_the_stand_in_is_announced_only_where_it_was_not_asked_for(tmp_path, capsys):
    cifar10("auto", tmp_path)
    assert "There is no CIFAR-10 in" in capsys.readouterr().err
    cifar10("stand_in", tmp_path)
    assert not capsys.readouterr().err
