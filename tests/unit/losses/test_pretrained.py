"""Weights of a network are looked up in one order, damaged ones are said to be so, and nothing is unpickled unchecked."""

import hashlib
import http.client
import io
import os
import pickle
import socket
import types
import urllib.error

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models._api import Weights, WeightsEnum

from lossconditioning import ReaderError
from lossconditioning.losses.pretrained import WEIGHTS, find_weights


def everything(name):
    return True


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    """An empty data folder, an empty torchvision cache, and addresses that lead nowhere."""
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for network in WEIGHTS:
        monkeypatch.setitem(WEIGHTS, network, at((tmp_path / f"nothing-{'0' * 8}.pth").as_uri()))
    return tmp_path / "data"


def at(address):
    """torchvision's own class of weights, with an address of ours."""
    return WeightsEnum("Local", {"V1": Weights(url=address, transforms=None, meta={})}).V1


def answering(answer):
    """Weights whose download calls ``answer`` instead."""
    return types.SimpleNamespace(get_state_dict=answer, url="http://data.invalid/kept-01234567.pth")


def saved(path, value, **more):
    """A safetensors file with one tensor that says where it is from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"features.0.bias": torch.full((3,), float(value))} | more, path)
    return path


def value(found):
    return found.tensors["features.0.bias"][0].item()


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Serve bytes as the weights of vgg19, under a name with their digest or with a wrong one."""

    def serve(content, digest=None):
        file = tmp_path / f"vgg19-{digest or hashlib.sha256(content).hexdigest()[:8]}.pth"
        file.write_bytes(content)
        monkeypatch.setitem(WEIGHTS, "vgg19", at(file.as_uri()))
        return tmp_path / "torch" / "hub" / "checkpoints" / file.name

    return serve


def torchs(thing):
    """A file as `torch.save` writes it."""
    stream = io.BytesIO()
    torch.save(thing, stream)
    return stream.getvalue()


# The order ----------------------------------------------------------------------------------------------------------------


def test_what_is_named_comes_first_then_the_data_folder_then_torchvision_then_none(data, served, capsys, tmp_path):
    named, standing = saved(tmp_path / "mine.safetensors", 1), saved(data / "weights" / "vgg19.safetensors", 2)
    served(torchs({"features.0.bias": torch.full((3,), 3.0)}))
    assert value(find_weights("vgg19", named, everything, True)) == 1
    assert value(find_weights("vgg19", None, everything, True)) == 2
    standing.unlink()
    assert value(find_weights("vgg19", None, everything, True)) == 3
    assert "random" not in capsys.readouterr().err
    assert find_weights("vgg19", None, everything, False).tensors is None
    assert "fixed random filters" in capsys.readouterr().err


def test_torchvision_is_not_asked_for_what_is_at_hand_nor_where_it_may_not_be(data, monkeypatch, capsys):
    def refuse(**options):
        pytest.fail("a download was tried")

    monkeypatch.setitem(WEIGHTS, "vgg19", answering(refuse))
    find_weights("vgg19", None, everything, False)
    saved(data / "weights" / "vgg19.safetensors", 2)
    find_weights("vgg19", None, everything, True)


@pytest.mark.parametrize("network", WEIGHTS)
def test_a_folder_serves_each_network_its_own_file(network, tmp_path):
    for number, name in enumerate(WEIGHTS):
        saved(tmp_path / f"{name}-cut.safetensors", number)
    found = find_weights(network, tmp_path, everything, True)
    assert value(found) == list(WEIGHTS).index(network)
    assert found.source == f"{network}-cut"


def test_of_several_files_in_a_folder_the_largest_serves(tmp_path):
    saved(tmp_path / "vgg19-b.safetensors", 1)
    saved(tmp_path / "vgg19-a.safetensors", 2, more=torch.zeros(100))
    assert value(find_weights("vgg19", tmp_path, everything, True)) == 2


def test_only_what_fits_is_read(served, tmp_path):
    file = saved(tmp_path / "mine.safetensors", 1, classifier=torch.zeros(2))
    assert set(find_weights("vgg19", file, "classifier".__eq__, True).tensors) == {"classifier"}
    served(torchs({"features.0.bias": torch.zeros(3), "classifier": torch.zeros(2)}))
    assert set(find_weights("vgg19", None, "classifier".__eq__, True).tensors) == {"classifier"}


# Files that do not serve --------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReaderError, match=r"no file .*nothing\.safetensors with weights\. Give a safetensors file"):
        find_weights("vgg19", tmp_path / "nothing.safetensors", everything, True)


@pytest.mark.parametrize("content", [b"", b"not such a file" * 20, "cut"], ids=["empty", "foreign", "cut"])
def test_a_damaged_file_is_not_silently_replaced(content, data, tmp_path):
    file = saved(tmp_path / "whole.safetensors", 1)
    for damaged in (tmp_path / "damaged.safetensors", data / "weights" / "vgg19.safetensors"):
        damaged.parent.mkdir(parents=True, exist_ok=True)
        damaged.write_bytes(file.read_bytes()[:-4] if content == "cut" else content)
    for weights in (tmp_path / "damaged.safetensors", None):
        with pytest.raises(ReaderError, match=r"\.safetensors is damaged or not a safetensors file.*Get it again"):
            find_weights("vgg19", weights, everything, True)


def test_a_folder_without_a_file_is_refused(tmp_path):
    saved(tmp_path / "vgg16.safetensors", 1)
    with pytest.raises(ReaderError, match=r"vgg19.*\.safetensors"):
        find_weights("vgg19", tmp_path, everything, True)


# torchvision's download ---------------------------------------------------------------------------------------------------


def test_torchvisions_addresses_carry_a_digest(monkeypatch):
    """Without one in the file's name, ``check_hash`` checks nothing."""
    monkeypatch.undo()
    assert set(WEIGHTS) == {"vgg16", "vgg19", "inception_v3", "squeezenet1_0", "squeezenet1_1"}
    for network, weights in WEIGHTS.items():
        assert f"/{network}" in weights.url
        assert torch.hub.HASH_REGEX.search(weights.url)


def test_torchvision_checks_the_digest_and_reads_tensors_only(monkeypatch):
    asked = []

    def answer(**options):
        asked.append(options)
        return {}

    monkeypatch.setitem(WEIGHTS, "vgg19", answering(answer))
    find_weights("vgg19", None, everything, True)
    (options,) = asked
    assert options["check_hash"] is True
    assert options["weights_only"] is True


def test_a_file_with_a_wrong_digest_is_refused_and_not_kept(served, capsys):
    kept = served(torchs({"features.0.bias": torch.zeros(3)}), digest="0123abcd")
    assert find_weights("vgg19", None, everything, True).tensors is None
    assert "invalid hash value" in capsys.readouterr().err
    assert not kept.exists()


class Harmful:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no weights" * 50, id="foreign"),
        pytest.param(torchs({"a": torch.zeros(3)})[:-50], id="cut"),
        pytest.param(pickle.dumps(Harmful()), id="pickled code"),
        pytest.param(
            torchs(Harmful()),
            id="pickled code in torch's file",
        ),
    ],
)
def test_a_file_that_is_no_weights_ends_in_random_filters(content, served, capsys):
    """With the right digest, so that nothing but their contents tells."""
    kept = served(content)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    found = find_weights("vgg19", None, everything, True)
    written = capsys.readouterr()
    assert found.tensors is None
    assert "can not be had" in written.err
    assert "unpickled" not in written.out
    assert "weights_only" not in written.err  # torch suggests to switch the check off


@pytest.mark.parametrize("content", [[torch.zeros(3)], {"features.0.bias": "text"}, torch.zeros(3), 3], ids=type)
def test_a_file_that_holds_no_tensors_by_name_ends_in_random_filters(content, served, capsys):
    served(torchs(content))
    assert find_weights("vgg19", None, everything, True).tensors is None
    assert f"holds a {type(content).__name__}; expected tensors by name" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["a bit", "other weights", "empty", "cut"])
def test_a_kept_file_is_verified_again(damage, served, capsys):
    """torchvision verifies a file only when it downloads it."""
    whole = torchs({"features.0.bias": torch.full((3,), 3.0)})
    kept = served(whole)
    assert value(find_weights("vgg19", None, everything, True)) == 3
    assert kept.read_bytes() == whole
    place = whole.index(torch.tensor(3.0).numpy().tobytes())
    damaged = {
        "a bit": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
        "other weights": torchs({"features.0.bias": torch.full((3,), 4.0)}),
        "empty": b"",
        "cut": whole[:-10],
    }
    kept.write_bytes(damaged[damage])
    capsys.readouterr()
    assert find_weights("vgg19", None, everything, True).tensors is None
    assert f"{kept} is damaged. Delete it, to have it downloaded again" in capsys.readouterr().err
    kept.unlink()
    assert value(find_weights("vgg19", None, everything, True)) == 3


def test_what_killed_downloads_left_is_cleared_and_what_is_being_downloaded_is_not(served):
    kept = served(torchs({"features.0.bias": torch.zeros(3)}))
    kept.parent.mkdir(parents=True)
    left, under_way, other = (
        kept.with_name(name) for name in (f"{kept.name}.0a.partial", f"{kept.name}.0b.partial", "other.pth.0a.partial")
    )
    for path in (left, under_way, other):
        path.write_bytes(b"half")
    for path in (left, other):
        os.utime(path, (0, 0))
    find_weights("vgg19", None, everything, True)
    assert [path.exists() for path in (kept, left, under_way, other)] == [True, False, True, True]


def test_an_address_that_leads_nowhere_ends_in_random_filters(capsys, data):
    found = find_weights("vgg19", None, everything, True)
    said = capsys.readouterr().err
    assert found.tensors is None
    assert found.source == "vgg19 with fixed random filters"
    assert "torchvision's weights of vgg19 can not be had" in said
    assert f"no weights of vgg19 in {data / 'weights'}" in said


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        OSError("disk is full"),
        TimeoutError("silent"),
        RuntimeError("wrong hash"),
        pytest.param(http.client.BadStatusLine("nonsense")),
    ],
)
def test_a_failed_download_is_said_aloud_and_leaves_the_patience_as_it_was(error, monkeypatch, capsys):
    patience = []

    def fail(**options):
        patience.append(socket.getdefaulttimeout())
        raise error

    monkeypatch.setitem(WEIGHTS, "vgg16", answering(fail))
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77.0)
    try:
        assert find_weights("vgg16", None, everything, True).tensors is None
        assert socket.getdefaulttimeout() == 77.0
    finally:
        socket.setdefaulttimeout(before)
    assert patience[0] <= 30
    assert str(error) in capsys.readouterr().err


def test_an_interrupt_during_the_download_is_an_interrupt_and_leaves_the_patience_as_it_was(monkeypatch):
    def interrupt(**options):
        raise KeyboardInterrupt

    monkeypatch.setitem(WEIGHTS, "vgg19", answering(interrupt))
    before = socket.getdefaulttimeout()
    with pytest.raises(KeyboardInterrupt):
        find_weights("vgg19", None, everything, True)
    assert socket.getdefaulttimeout() == before
