"""Downloads from a server that misbehaves in every way: what arrives is right, what does not is said, nothing is half there."""

import functools
import hashlib
import json
import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from bad_server import BROKEN_OFF, DATA, OTHER, answer, breaks_off, page, silent, slowly, stalls, status

from lossconditioning import ReaderError
from lossconditioning.datasets.download import CHUNK, download


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()


@pytest.fixture
def fetch(server, tmp_path):
    """Download from the server, without the pauses that a reader would have."""
    given = {"checksum": md5(DATA), "tries": 3, "pause": 0.0, "timeout": 5.0, "progress": False}
    return lambda *answers, **options: (
        server.__setattr__("answers", list(answers) or [answer]),
        server.asked.clear(),
        download(server.address, tmp_path / "data.bin", **{**given, **options}),
    )[-1]


def refused(call, *said: str) -> str:
    """The message of the error that a call must end in."""
    with pytest.raises(ReaderError) as error:
        call()
    message = str(error.value)
    assert all(part in message for part in said), message
    return message


def files(folder) -> list[str]:
    """What is in a folder, but for the lock, which only a success removes."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".data.bin.lock")


def ranges(server) -> list[str | None]:
    return [headers.get("Range") for headers in server.asked]


FIVE = f"bytes={5 * CHUNK}-"


# What arrives -------------------------------------------------------------------------------------------------------------


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(fetch, server, tmp_path):
    path = fetch(checksum="sha256:" + hashlib.sha256(DATA).hexdigest().upper(), size=len(DATA))
    assert path == tmp_path / "data.bin"
    assert path.read_bytes() == DATA
    assert [found.name for found in tmp_path.iterdir()] == ["data.bin"]
    assert fetch() == path
    assert server.asked == []  # it is there


def test_a_slow_server_is_waited_for_and_nothing_half_written_is_ever_in_place(fetch, server, tmp_path):
    seen = []
    server.look = lambda: seen.append(files(tmp_path))
    assert fetch(functools.partial(slowly, pause=0.05), timeout=0.6).read_bytes() == DATA
    assert len(seen) == 16
    assert not [names for names in seen[:-1] if "data.bin" in names]
    assert "data.bin.part" in seen[8]


@pytest.mark.parametrize("broken", [breaks_off, stalls], ids=["breaks off", "stalls"])
def test_a_download_continues_where_it_broke_off(broken, fetch, server, tmp_path):
    assert fetch(broken, answer, timeout=0.6).read_bytes() == DATA
    assert ranges(server) == [None, FIVE]
    assert server.asked[1]["If-Range"] == '"one"'
    assert server.asked[1]["Accept-Encoding"] == "identity"
    assert files(tmp_path) == ["data.bin"]


def test_a_server_that_breaks_off_often_is_good_enough_as_long_as_it_gets_further(fetch, server):
    turns = [functools.partial(answer, stop=step * 2 * CHUNK) for step in range(1, 8)]
    assert fetch(*turns, answer).read_bytes() == DATA
    assert len(server.asked) == 8


def test_what_was_received_is_kept_for_the_next_call(fetch, server, tmp_path):
    message = refused(
        lambda: fetch(breaks_off), "the connection ended too early; tried 3 times without getting further"
    )
    assert f"{5 * CHUNK:,} bytes are kept in data.bin.part" in message
    assert files(tmp_path) == ["data.bin.part", "data.bin.part.json"]
    assert fetch(answer).read_bytes() == DATA
    assert ranges(server) == [FIVE]


def test_a_part_that_is_complete_already_only_has_to_be_verified(fetch, server, tmp_path):
    refused(lambda: fetch(breaks_off))
    (tmp_path / "data.bin.part").write_bytes(DATA)
    assert fetch().read_bytes() == DATA
    assert server.asked == []


def test_a_server_that_ignores_range_is_heard_from_the_beginning(fetch, server, tmp_path):
    assert fetch(breaks_off, functools.partial(answer, heeds=())).read_bytes() == DATA
    assert ranges(server) == [None, FIVE]


@pytest.mark.parametrize("heeds", [("Range", "If-Range"), ("Range",)], ids=["heeds If-Range", "ignores If-Range"])
def test_two_versions_of_a_file_are_never_glued_together(heeds, fetch):
    changed = functools.partial(answer, data=OTHER, tag='"two"', heeds=heeds)
    assert fetch(breaks_off, changed, checksum=None, size=len(DATA)).read_bytes() == OTHER


def test_versions_are_told_apart_by_their_date_where_there_is_no_strong_etag(fetch, server):
    dated = functools.partial(answer, tag='W/"one"', date="Wed, 21 Oct 2015 07:28:00 GMT")
    assert fetch(functools.partial(dated, stop=len(BROKEN_OFF)), dated).read_bytes() == DATA
    assert ranges(server) == [None, FIVE]
    assert server.asked[1]["If-Range"] == "Wed, 21 Oct 2015 07:28:00 GMT"


def test_without_any_version_a_download_begins_anew(fetch, server):
    bare = functools.partial(answer, tag=None)
    assert fetch(functools.partial(bare, stop=len(BROKEN_OFF)), bare).read_bytes() == DATA
    assert ranges(server) == [None, None]


def test_a_part_of_another_file_or_with_a_damaged_note_is_not_continued(fetch, server, tmp_path):
    for note in ('{"address": "http://elsewhere/", "version": "\\"one\\"", "size": 256000}', "{", "[]", "{}"):
        (tmp_path / "data.bin.part").write_bytes(OTHER[:100])
        (tmp_path / "data.bin.part.json").write_text(note)
        fetch().unlink()
        assert ranges(server) == [None]


def test_a_file_that_became_shorter_than_what_was_received(fetch):
    short = functools.partial(answer, data=DATA[:100], heeds=("Range",))
    assert fetch(breaks_off, short, checksum=md5(DATA[:100])).read_bytes() == DATA[:100]


def test_what_does_not_fit_after_continuing_is_fetched_once_more_from_the_beginning(fetch, server):
    assert fetch(functools.partial(breaks_off, data=OTHER), answer, answer).read_bytes() == DATA
    assert ranges(server) == [None, FIVE, None]


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_server_that_recovers_is_asked_again(code, fetch, server, capsys):
    assert fetch(status(code), answer, progress=True).read_bytes() == DATA
    said = capsys.readouterr().err
    assert f"data.bin: the server answered {code}" in said
    assert "data.bin: 100%" in said


def test_a_gz_that_the_server_labels_as_encoded_arrives_as_it_is(fetch):
    assert fetch(functools.partial(answer, headers=[("Content-Encoding", "gzip")])).read_bytes() == DATA


context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["lossconditioning.datasets.download"])


def test_two_processes_at_once_end_with_the_same_file(server, tmp_path):
    server.answers = [functools.partial(slowly, pause=0.02)]
    given = {"checksum": md5(DATA), "progress": False}
    at_once = [
        context.Process(target=download, args=(server.address, tmp_path / "data.bin"), kwargs=given) for _ in range(2)
    ]
    for process in at_once:
        process.start()
    for process in at_once:
        process.join()
    assert [process.exitcode for process in at_once] == [0, 0]
    assert len(server.asked) == 1
    assert files(tmp_path) == ["data.bin"]


def test_a_killed_process_loses_next_to_nothing(fetch, server, tmp_path):
    server.answers = [functools.partial(slowly, pause=0.05)]
    given = {"checksum": md5(DATA), "progress": False}
    process = context.Process(target=download, args=(server.address, tmp_path / "data.bin"), kwargs=given)
    process.start()
    part, deadline = tmp_path / "data.bin.part", time.monotonic() + 60
    while not part.exists() or part.stat().st_size < 3 * CHUNK:
        assert process.is_alive(), process.exitcode
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert files(tmp_path) == ["data.bin.part", "data.bin.part.json"]
    received = part.stat().st_size
    assert 3 * CHUNK <= received < len(DATA)
    assert fetch(answer).read_bytes() == DATA
    assert ranges(server) == [f"bytes={received}-"]


# What does not ------------------------------------------------------------------------------------------------------------

NO_LENGTH = functools.partial(answer, announce=False)

FAILURES = {
    "another file": ([functools.partial(answer, data=OTHER)], {}, "md5 checksum", 1),
    "a file cut short": ([functools.partial(answer, data=BROKEN_OFF)], {}, "md5 checksum", 1),
    "another size": ([functools.partial(answer, data=BROKEN_OFF)], {"size": 256_000}, "file of 82,020 bytes", 1),
    "less than announced": ([functools.partial(answer, stop=100)], {}, "tried 3 times without getting further", 3),
    "no length, cut short": ([functools.partial(NO_LENGTH, stop=100)], {}, "md5 checksum", 1),
    "nothing to verify by": ([NO_LENGTH], {"checksum": None}, "does not say how long it is", 1),
    "a web page": ([page], {}, "web page in place of the file", 1),
    "404": ([status(404)], {}, "the server answered 404 Not Found", 1),
    "403": ([status(403)], {}, "403 Forbidden", 1),
    "500": ([status(500)], {}, "the server answered 500 Internal Server Error; tried 3 times", 3),
    "no answer": ([silent], {"timeout": 0.1}, "no sign of life for 0.1 s; tried 3 times", 3),
    "no HTTP": ([lambda request: request.wfile.write(b"220 mail ready\r\n")], {}, "tried 3 times", 3),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_names_the_file_the_address_the_reason_and_the_way_by_hand(name, fetch, server, tmp_path):
    answers, options, reason, requests = FAILURES[name]
    by_hand = f"save that file as {tmp_path / 'data.bin'}"
    refused(lambda: fetch(*answers, **options), "data.bin could not be downloaded", server.address, reason, by_hand)
    assert len(server.asked) == requests
    assert "data.bin" not in files(tmp_path)
    (tmp_path / "data.bin").write_bytes(DATA)  # by hand
    assert fetch(*answers, **options).read_bytes() == DATA


@pytest.mark.parametrize("answers", [page, status(404), status(500)], ids=["page", "404", "500"])
def test_what_was_received_earlier_outlives_an_error(answers, fetch, server):
    refused(lambda: fetch(breaks_off))
    refused(lambda: fetch(answers), f"{5 * CHUNK:,} bytes are kept")
    assert fetch(answer).read_bytes() == DATA
    assert ranges(server) == [FIVE]


def test_no_server_and_no_network(tmp_path, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    given = {"tries": 2, "pause": 0, "progress": False}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("no_proxy", "*")
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/data.bin"
        refused(lambda: download(address, tmp_path / "data.bin", **given), "Connection refused; tried 2 times")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused(
        lambda: download("http://data.invalid/a", tmp_path / "data.bin", **given),
        "Name or service not known",
        "by hand",
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize("there", ["another file", "a folder"])
def test_what_is_in_the_place_already_is_never_replaced(there, fetch, server, tmp_path):
    path = tmp_path / "data.bin"
    path.mkdir() if there == "a folder" else path.write_bytes(OTHER)
    refused(fetch, str(path) if there == "a folder" else "data.bin has the md5 checksum", "Delete it", server.address)
    assert server.asked == []
    assert there == "a folder" or path.read_bytes() == OTHER


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"address": "ftp://127.0.0.1/a"}, "begins with http"),
        ({"address": None}, "got None"),
        ({"checksum": "md5:12"}, "32 or"),
        ({"checksum": "0" * 64}, "sha256:"),
        ({"checksum": "sha1:" + "0" * 40}, "hexadecimal"),
        ({"tries": 0}, "tries must be"),
    ],
)
def test_arguments_are_checked(options, said, tmp_path):
    refused(lambda: download(**{"address": "http://127.0.0.1/a", "path": tmp_path / "a", **options}), said)


# Pins ---------------------------------------------------------------------------------------------------------------------


def test_what_has_no_published_checksum_is_pinned_at_the_first_download(fetch, server, tmp_path):
    path, pin = fetch(checksum=None), tmp_path / "data.bin.pin.json"
    sha256 = hashlib.sha256(DATA).hexdigest()
    assert json.loads(pin.read_text()) == {"address": server.address, "sha256": sha256, "size": len(DATA)}
    assert fetch(checksum=None) == path
    path.unlink()
    changed = functools.partial(answer, data=OTHER, tag='"two"')
    refused(lambda: fetch(changed, checksum=None), "pinned at the first download", str(pin), sha256)
    assert files(tmp_path) == [pin.name]
    pin.write_text("{")
    refused(lambda: fetch(changed, checksum=None), f"{pin} is damaged. Delete it")
    pin.unlink()
    assert fetch(changed, checksum=None).read_bytes() == OTHER
    path.write_bytes(DATA)
    refused(lambda: fetch(checksum=None), "pinned at the first download", "Delete it")


# Disks --------------------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_a_file(fetch, server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "data.bin"
    refused(
        lambda: download(server.address, path), server.address, "LOSSCONDITIONING_DATA", f"save that file as {path}"
    )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write into any folder")
def test_a_folder_that_is_not_ours(fetch, tmp_path):
    tmp_path.chmod(0o500)
    try:
        refused(fetch, "Permission denied", "make the folder writable", str(tmp_path))
    finally:
        tmp_path.chmod(0o700)


@pytest.fixture
def disks(tmp_path):
    """Folders on real file systems of 128 KiB, one empty and one read-only, mounted where only one process sees them."""
    mounts = [f"mkdir {name} && mount -t tmpfs -o size=128k,{name} none {name}" for name in ("rw", "ro")]
    script = " && ".join([f"cd {shlex.quote(str(tmp_path))}", *mounts, "echo ready && read -r end"])
    try:
        holder = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    with holder:
        if holder.stdout.readline() != b"ready\n":
            pytest.skip("this machine lets no process have mounts of its own")
        seen = Path(f"/proc/{holder.pid}/root{tmp_path}")
        yield seen / "rw", seen / "ro"
        holder.stdin.close()


def test_a_full_disk_and_one_that_is_read_only(disks, server):
    empty, locked = disks
    given = {"checksum": md5(DATA), "progress": False}
    by_hand = ("Free some space, make the folder writable", "LOSSCONDITIONING_DATA", "save that file as")
    refused(lambda: download(server.address, empty / "data.bin", **given), f"{len(DATA):,} bytes are needed", *by_hand)
    assert files(empty) == []
    server.answers = [functools.partial(answer, announce=False)]
    refused(lambda: download(server.address, empty / "data.bin", **given), "No space left on device", *by_hand)
    assert "data.bin" not in files(empty)
    refused(lambda: download(server.address, locked / "data.bin", **given), "Read-only file system", *by_hand)
    assert files(locked) == []
