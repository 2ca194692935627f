"""Downloads without a published checksum: what nobody could tell later is refused at once, or fetched anew."""

import functools
import hashlib
import json

import pytest
import requests
from bad_server import BROKEN_OFF, DATA, answer, breaks_off

from lossconditioning import ReaderError
from lossconditioning.datasets.download import CHUNK, download

GIVEN = {"tries": 2, "pause": 0.0, "timeout": 5.0, "progress": False}
SHA256 = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def fetch(server, tmp_path):
    def call(*answers, **options):
        server.answers = list(answers) or [answer]
        server.asked.clear()
        return download(server.address, tmp_path / "data.bin", **{**GIVEN, **options})

    return call


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Redirects ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def leads_to(monkeypatch):
    """Let every https address lead elsewhere; what is asked of http goes its way."""

    def lead(target: str) -> None:
        send = requests.adapters.HTTPAdapter.send

        def instead(adapter, request, **options):
            if not request.url.startswith("https://"):
                return send(adapter, request, **options)
            found = requests.Response()
            found.status_code, found.url, found.request = 302, request.url, request
            found.headers["Location"] = target
            found._content = b""
            return found

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", instead)

    return lead


@pytest.mark.parametrize("checksum", [None, SHA256])
@pytest.mark.parametrize("target", ["{server}", "HTTP{server_rest}", "ftp://data.invalid/x", "file:///nowhere/x"])
def test_an_https_address_is_not_left_for_less(checksum, target, server, leads_to, tmp_path):
    target = target.format(server=server.address, server_rest=server.address.removeprefix("http"))
    leads_to(target)
    with pytest.raises(ReaderError, match="not safe to follow; expected https://") as refused:
        download("https://data.invalid/data.bin", tmp_path / "data.bin", checksum=checksum, **GIVEN)
    assert target.lower() in str(refused.value)
    assert "save that file as" in str(refused.value)
    assert server.asked == []
    assert "data.bin" not in names(tmp_path)


def moved(request, to):
    request.send_response(302)
    request.send_header("Location", to)
    request.end_headers()


def test_other_redirects_are_followed(fetch):
    assert fetch(functools.partial(moved, to="/elsewhere/data.bin"), answer).read_bytes() == DATA


def test_a_redirect_to_what_is_no_address_of_the_web_is_refused_at_once(fetch, server):
    with pytest.raises(ReaderError, match="leads to file:///nowhere"):
        fetch(functools.partial(moved, to="file:///nowhere"))
    assert len(server.asked) == 1


# Answers that are no file -------------------------------------------------------------------------------------------------

EMPTY = functools.partial(answer, data=b"")
PAGE = functools.partial(
    answer, data=b"\r\n<!DOCTYPE html><title>Log in</title>", heeds=()
)  # labelled as if it were the file


@pytest.mark.parametrize(("wrong", "said"), [(EMPTY, "empty"), (PAGE, "web page")], ids=["empty", "page"])
def test_an_answer_that_is_no_file_is_not_pinned_and_the_real_file_taken_afterwards(wrong, said, fetch, tmp_path):
    with pytest.raises(ReaderError, match=said):
        fetch(wrong)
    assert [name for name in names(tmp_path) if "lock" not in name] == []
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>"], ids=["empty", "page"])
def test_what_an_earlier_version_took_for_the_file_is_refused_by_name_and_its_pin_of_nothing_ignored(
    content, fetch, tmp_path
):
    (tmp_path / "data.bin").write_bytes(content)
    pin = {"address": "", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (tmp_path / "data.bin.pin.json").write_text(json.dumps(pin))
    with pytest.raises(ReaderError, match=r"data\.bin is .*(empty|a web page).* Delete it"):
        fetch()
    (tmp_path / "data.bin").unlink()
    if content:
        with pytest.raises(ReaderError, match="delete that one if the file has been renewed"):
            fetch()
        (tmp_path / "data.bin.pin.json").unlink()
    assert fetch().read_bytes() == DATA
    assert json.loads((tmp_path / "data.bin.pin.json").read_text())["size"] == len(DATA)


# Parts --------------------------------------------------------------------------------------------------------------------


def broken_off(fetch) -> None:
    with pytest.raises(ReaderError, match="tried 2 times"):
        fetch(breaks_off)


def test_a_part_that_is_what_was_received_is_continued(fetch, server):
    broken_off(fetch)
    assert fetch().read_bytes() == DATA
    assert [headers.get("Range") for headers in server.asked] == [f"bytes={5 * CHUNK}-"]


@pytest.mark.parametrize(
    "damage", ["a bit", "a block of zeros", "cut", "longer, as after a kill", "whole length, damaged"]
)
def test_a_part_that_was_damaged_on_the_disk_is_fetched_anew(damage, fetch, server, tmp_path):
    broken_off(fetch)
    part = tmp_path / "data.bin.part"
    kept = part.read_bytes()
    part.write_bytes(
        {
            "a bit": kept[:99] + bytes([kept[99] ^ 1]) + kept[100:],
            "a block of zeros": kept[:4096] + bytes(4096) + kept[8192:],
            "cut": kept[:-1],
            "longer, as after a kill": kept + b"\0",
            "whole length, damaged": kept + bytes(len(DATA) - len(kept)),
        }[damage]
    )
    assert fetch().read_bytes() == DATA
    assert [headers.get("Range") for headers in server.asked] == [None]
    assert json.loads((tmp_path / "data.bin.pin.json").read_text())["sha256"] == SHA256.removeprefix("sha256:")


def test_a_part_that_is_damaged_between_two_tries_is_fetched_anew(fetch, server, tmp_path):
    def damages(request):
        part = tmp_path / "data.bin.part"
        part.write_bytes(bytes(100) + part.read_bytes()[100:])
        request.send_error(503)

    assert fetch(breaks_off, damages, answer, tries=4).read_bytes() == DATA
    assert [headers.get("Range") for headers in server.asked] == [None, f"bytes={5 * CHUNK}-", None]


# Leftovers ----------------------------------------------------------------------------------------------------------------

LEFT = (
    *("data.bin.part", "data.bin.part.json", ".data.bin.lock"),
    *(".data.bin.part.json.123.partial", ".data.bin.pin.json.123.partial"),
)


@pytest.mark.parametrize("there", [True, False], ids=["file there", "file missing"])
def test_leftovers_are_cleared_by_the_next_run(there, fetch, server, tmp_path):
    for name in LEFT:
        (tmp_path / name).write_bytes(BROKEN_OFF)
    (tmp_path / ".data.bin2.part.json.123.partial").write_bytes(b"another file's")
    if there:
        (tmp_path / "data.bin").write_bytes(DATA)
    assert fetch(checksum=SHA256).read_bytes() == DATA
    assert names(tmp_path) == [".data.bin2.part.json.123.partial", "data.bin"]
    assert len(server.asked) == (0 if there else 1)


def test_a_disk_error_names_the_folder_and_none_of_our_own_files(fetch, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device", str(tmp_path / ".data.bin.part.json.1.partial"))

    monkeypatch.setattr("lossconditioning.training.checkpoints.os.fsync", full)
    with pytest.raises(ReaderError, match=f"{tmp_path}: No space left on device. Free some space") as refused:
        fetch()
    assert ".partial" not in str(refused.value)
