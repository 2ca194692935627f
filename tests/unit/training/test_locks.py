"""Locks and half-written files: a live process keeps its own, a killed one's are nobody's, and no file system stops a write."""

import errno
import multiprocessing
import os
import threading
import time

import pytest

from lossconditioning.training import checkpoints, locks
from lossconditioning.training.checkpoints import clear_partial, write_atomically
from lossconditioning.training.locks import Held, holding

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["pytest", "torch._dynamo", "lossconditioning.systems.toy"])


def hold(path, entered):
    with holding(path):
        entered.set()
        time.sleep(60)


def write_slowly(path, entered):
    def stopped(descriptor):
        entered.set()
        time.sleep(60)

    checkpoints._sync = stopped
    write_atomically(path, b"never finished")


@pytest.fixture
def elsewhere():
    """Run a function in another process until it says that it has begun; it is killed in the end at the latest."""
    started = []

    def start(function, *arguments):
        entered = context.Event()
        started.append(context.Process(target=function, args=(*arguments, entered)))
        started[-1].start()
        assert entered.wait(60)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()


def killed(process):
    process.kill()
    process.join()


def test_a_lock_keeps_others_out_and_is_gone_afterwards(tmp_path):
    path = tmp_path / ".lock"
    with holding(path), pytest.raises(Held, match=f"process {os.getpid()} on "), holding(path):
        pass
    assert not list(tmp_path.iterdir())
    with holding(path):
        assert path.exists()


def test_a_lock_is_let_go_by_an_exception(tmp_path):
    def fail():
        with holding(tmp_path / ".lock"):
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            fail()
        assert not list(tmp_path.iterdir())


def test_a_killed_process_holds_nothing(elsewhere, tmp_path):
    process = elsewhere(hold, tmp_path / ".lock")
    with pytest.raises(Held, match=f"process {process.pid} on "), holding(tmp_path / ".lock"):
        pass
    killed(process)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    with holding(tmp_path / ".lock"):
        pass
    assert not list(tmp_path.iterdir())


def test_one_at_a_time_and_each_in_turn(tmp_path):
    inside, most, entries = [], [], []

    def visit():
        for _ in range(200):
            try:
                with holding(tmp_path / ".lock"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    entries.append(1)
            except Held:
                pass

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert entries
    assert not list(tmp_path.iterdir())


def test_half_written_files_of_the_killed_are_cleared_and_of_the_living_are_not(elsewhere, tmp_path):
    process = elsewhere(write_slowly, tmp_path / "step-1.safetensors")
    (tmp_path / ".step-2.safetensors.1.partial").write_bytes(b"of an earlier version")
    (tmp_path / ".other.partial").write_bytes(b"somebody else's")
    clear_partial(tmp_path, "step-*")
    assert {path.name for path in tmp_path.iterdir()} == {".step-1.safetensors.partial", ".other.partial"}
    killed(process)
    clear_partial(tmp_path, "step-*")
    assert {path.name for path in tmp_path.iterdir()} == {".other.partial"}


def test_the_next_write_of_a_file_takes_the_place_of_a_killed_one(elsewhere, tmp_path):
    killed(elsewhere(write_slowly, tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == [".file.partial"]
    write_atomically(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_many_writers_of_one_file_leave_one_of_their_files_whole(tmp_path):
    contents = [bytes([number]) * 50_000 for number in range(4)]
    errors, read = [], set()

    def write(data):
        try:
            for _ in range(25):
                write_atomically(tmp_path / "file", data)
                read.add((tmp_path / "file").read_bytes())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert read <= set(contents)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EIO])
def test_a_folder_that_can_not_be_synced_is_no_failure(code, tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


@pytest.mark.parametrize(("code", "refused"), [(errno.EINVAL, False), (errno.ENOSYS, False), (errno.EIO, True)])
def test_a_file_that_can_not_be_synced_is_a_failure_only_if_it_may_be_lost(code, refused, tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    if refused:
        with pytest.raises(OSError, match="file") as raised:
            write_atomically(tmp_path / "file", b"data")
        assert raised.value.filename == str(tmp_path / "file")
    else:
        write_atomically(tmp_path / "file", b"data")
        assert (tmp_path / "file").read_bytes() == b"data"
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_may_not_be_listed_can_be_written(tmp_path, monkeypatch):
    opened = os.open

    def refuse(path, *rest, **named):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_where_there_are_no_locks_files_are_written_and_none_is_taken_for_abandoned_too_soon(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", none)
    with holding(tmp_path / ".lock"):
        write_atomically(tmp_path / "file", b"data")
    young, old = (tmp_path / f".step-{age}.partial" for age in ("young", "old"))
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, times=(0, 0))
    clear_partial(tmp_path, "step-*")
    assert {path.name for path in tmp_path.iterdir()} == {"file", young.name}


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="target") as raised:
        write_atomically(tmp_path / "target", b"data")
    assert raised.value.filename == str(tmp_path / "target")
    assert raised.value.filename2 is None
