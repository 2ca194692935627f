"""Downloads that survive: continued where they broke off, verified, and in their place only when whole.

Until then the bytes stand beside the target as ``NAME.part``, and ``NAME.part.json`` notes which version of the file they are
of. A broken connection or a killed process loses at most the last few kilobytes: the next try asks for the rest, on the
condition that the server still has that version.

A file is verified against the checksum that its authors publish. Where they publish none, the first download is *pinned*:
its SHA-256 goes to ``NAME.pin.json``, and a later download must be the same file. A pin says nothing about the first download
but that it had the length which the server announced; no checksum is ever made up.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import IncompleteRead
from pathlib import Path

import pooch
import requests
from filelock import FileLock, Timeout

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.training.checkpoints import write_atomically
from lossconditioning.training.progress import progress_bar

CHUNK = 2**14
"""Bytes written at a time: what a break can lose."""

_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


def download(
    address: str,
    path: str | os.PathLike,
    *,
    checksum: str | None = None,
    size: int | None = None,
    tries: int = 4,
    pause: float = 1.0,
    timeout: float = 30.0,
    progress: bool = True,
) -> Path:
    """Download a file, unless it is there already; continue a download that was broken off.

    Args:
        address: http or https.
        path: where the file is wanted; its folder is made if missing.
        checksum: as published, "md5:…" or "sha256:…" in hexadecimal digits. Without one the first download is pinned.
        size: in bytes, where it is known.
        tries: how often in a row to try without getting further.
        pause: seconds before the second try, doubled before each one after it.
        timeout: seconds without a sign of life from the server after which a try is given up.
        progress: whether to show a bar, and why a try failed.

    Returns:
        The path, absolute.

    Raises:
        ReaderError: if the file can not be had, or is another one than expected; it names the file, the address, the reason,
            and how to supply the file by hand. Nothing is then at ``path`` that was not there before.
    """
    positive_int("tries", tries)
    if not str(address).startswith(("http://", "https://")):
        raise ReaderError(f"A download needs an address that begins with http:// or https://; got {address!r}.")
    if checksum is not None and not re.fullmatch("(?i)md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", checksum):
        raise ReaderError(f'A checksum is "md5:" and 32 or "sha256:" and 64 hexadecimal digits; got {checksum!r}.')
    job = _Download(address, Path(path).absolute(), checksum, size, timeout, progress)
    try:
        if not job.is_there():
            job.path.parent.mkdir(parents=True, exist_ok=True)
            with job.alone():
                if not job.is_there():
                    job.run(tries, pause)
    except OSError as error:
        where = error.filename or job.path.parent
        raise job.failure(
            f"{where}: {error.strerror or error}. Free some space, make the folder writable, or name another one with "
            "$LOSSCONDITIONING_DATA"
        ) from None
    return job.path


class _Broken(Exception):
    """A try that failed in a way which another try may mend."""


@dataclass
class _Download:
    address: str
    path: Path
    checksum: str | None
    size: int | None
    timeout: float
    progress: bool

    def __post_init__(self) -> None:
        self.part, self.note, self.pin = (
            self.path.with_name(self.path.name + ending) for ending in (".part", ".part.json", ".pin.json")
        )

    def failure(self, reason: str) -> ReaderError:
        kept = self.received()
        continues = f" ({kept:,} bytes are kept in {self.part.name}; the next try continues there.)" if kept else ""
        return ReaderError(
            f"{self.path.name} could not be downloaded from {self.address}: {reason}. To supply it by hand, save that file as "
            f"{self.path}, and run this again.{continues}"
        )

    def is_there(self) -> bool:
        """Whether the file is in its place already; another file there is never replaced."""
        if not self.path.exists():
            return False
        wrong = f"{self.path} is a folder" if self.path.is_dir() else self.wrong(self.path)
        if wrong:
            raise ReaderError(f"{wrong}. Delete it, or move it away, to have it downloaded from {self.address}.")
        return True

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from downloading the same file meanwhile; they wait, and find it there."""
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            if self.progress:
                print(f"{self.path.name}: waiting for another process that downloads it.", file=sys.stderr)
            held = lock.acquire()
        with held:
            yield
        with contextlib.suppress(OSError):  # who waits for it may keep it from being removed
            os.unlink(lock.lock_file)

    def run(self, tries: int, pause: float) -> None:
        failures, furthest = 0, self.received()
        while True:
            try:
                self.attempt()
                return
            except _Broken as broken:
                # A server that breaks off often is still good for a large file, as long as it gets further.
                failures, furthest = (0 if self.received() > furthest else failures) + 1, max(furthest, self.received())
                if failures >= tries:
                    raise self.failure(f"{broken}; tried {tries} times without getting further") from None
                wait = pause * 2 ** (failures - 1)
                if self.progress:
                    print(f"{self.path.name}: {broken}; trying again in {wait:g} s.", file=sys.stderr)
                time.sleep(wait)

    # One try ------------------------------------------------------------------------------------------------------

    def attempt(self) -> None:
        """Get what is missing, verify the whole, put it into its place."""
        version, total = self.noted()
        kept = self.received()
        if kept == 0 or kept != total:
            headers = {"Accept-Encoding": "identity"}
            if kept:
                headers |= {"Range": f"bytes={kept}-", "If-Range": version}
            try:
                with requests.get(self.address, headers=headers, stream=True, timeout=self.timeout) as response:
                    self.refuse_what_is_not_the_file(response)
                    if response.status_code != 206:
                        kept, total = 0, self.begin(response)
                    elif not _continues(response, kept, version, total):
                        self.discard()
                        raise _Broken("the server sent another part than was asked for")
                    self.receive(response, total)
            except requests.RequestException as error:
                raise _Broken(_in_words(error, self.timeout)) from None
        self.finish(continued=kept > 0)

    def refuse_what_is_not_the_file(self, response: requests.Response) -> None:
        """Before anything that was received earlier is touched."""
        answered = f"the server answered {response.status_code} {response.reason}"
        if response.status_code == 416:  # nothing begins where ours breaks off: the file has become shorter
            self.discard()
            raise _Broken("the file on the server has changed")
        if response.status_code in _TRY_AGAIN:
            raise _Broken(answered)
        if response.status_code not in (200, 206):
            raise self.failure(answered)
        page = response.headers.get("Content-Type", "").startswith("text/html")
        if page and self.path.suffix != ".html":
            raise self.failure("the server answered with a web page in place of the file")

    def begin(self, response: requests.Response) -> int | None:
        """Begin anew, whatever was received earlier. Returns how long the file will be, if that is known."""
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else self.size
        if self.size is not None and total != self.size:
            raise self.failure(f"the server has a file of {total:,} bytes; expected {self.size:,}")
        if total is None and self.checksum is None:
            raise self.failure(
                "the server does not say how long it is and no checksum is known, so that nothing would tell a whole file "
                "from a broken one"
            )
        self.discard()
        free = shutil.disk_usage(self.path.parent).free
        if total is not None and total > free:
            raise OSError(None, f"{total:,} bytes are needed and {free:,} are free", str(self.path.parent))
        note = {"address": self.address, "version": _version(response), "size": total}
        write_atomically(self.note, json.dumps(note).encode())
        return total

    def receive(self, response: requests.Response, total: int | None) -> None:
        # A .gz that the server labels as "encoded by gzip" is wanted as it is.
        response.raw.headers.pop("Content-Encoding", None)
        bar = progress_bar(total, self.path.name, "B", self.received(), self.progress)
        with bar, open(self.part, "ab") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                file.flush()
                bar.update(len(chunk))
            os.fsync(file.fileno())
        if total is not None and self.received() < total:
            raise _Broken(f"the connection ended after {self.received():,} of {total:,} bytes")

    def finish(self, continued: bool) -> None:
        wrong = self.wrong(self.part)
        if wrong:
            self.discard()
            if continued:  # the fault may be in how the parts fit together
                raise _Broken(wrong)
            raise self.failure(wrong)
        if self.checksum is None and not self.pin.exists():
            pin = {"address": self.address, "sha256": pooch.file_hash(self.part), "size": self.received()}
            write_atomically(self.pin, (json.dumps(pin, indent=1) + "\n").encode())
        os.replace(self.part, self.path)
        self.note.unlink(missing_ok=True)

    # What was received --------------------------------------------------------------------------------------------

    def received(self) -> int:
        return os.path.getsize(self.part) if os.path.isfile(self.part) else 0

    def noted(self) -> tuple[str, int | None]:
        """Version and length of the file that the part is of; a part that can not be continued is discarded."""
        try:
            note = json.loads(self.note.read_bytes())
            version, total = note["version"], note["size"]
            if version and note["address"] == self.address and (total is None or self.received() <= total):
                return version, total
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        self.discard()
        return "", None

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)  # first, for without its note it is not continued
        self.note.unlink(missing_ok=True)

    def wrong(self, file: Path) -> str:
        """What is wrong with a file, if anything: its size, its published checksum, or else the pinned one."""
        size, known, whose = file.stat().st_size, self.checksum, "published"
        if known is None and self.pin.exists():
            known, whose = f"sha256:{self.pinned()}", f"pinned at the first download, in {self.pin},"
        if self.size is not None and size != self.size:
            return f"{file.name} has {size:,} bytes; expected {self.size:,}"
        if known is not None:
            algorithm, digits = known.lower().split(":")
            found = pooch.file_hash(file, alg=algorithm)
            if found != digits:
                return f"{file.name} has the {algorithm} checksum {found}; the one {whose} is {digits}"
        return ""

    def pinned(self) -> str:
        try:
            return json.loads(self.pin.read_bytes())["sha256"]
        except (ValueError, KeyError, TypeError):
            raise ReaderError(f"{self.pin} is damaged. Delete it to have {self.path.name} pinned anew.") from None


def _version(response: requests.Response) -> str:
    """What tells this version of the file from others, as ``If-Range`` takes it: a strong ETag, or a date, or nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _continues(response: requests.Response, start: int, version: str, total: int | None) -> bool:
    """Whether an answer is the rest of the same file: some servers heed ``Range`` but not ``If-Range``."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    return (
        found is not None
        and int(found[1]) == start
        and found[2] in ("*", str(total))
        and _version(response) in ("", version)
    )


def _in_words(error: BaseException, timeout: float) -> str:
    """The first cause of a failed request, without the library's layers around it."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, TimeoutError):
        return f"the server gave no sign of life for {timeout:g} s"
    if isinstance(error, IncompleteRead):
        return "the connection ended too early"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
