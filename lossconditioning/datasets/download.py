"""Downloads that survive: continued where they broke off, verified, and in their place only when whole.

Until then the bytes stand beside the target as ``NAME.part``, and ``NAME.part.json`` notes which version of the file they are
of. A broken connection or a killed process loses at most the last few kilobytes: the next try asks for the rest, on the
condition that the server still has that version. (Where no checksum is known, a part is continued only if it still is what was
received, for nothing would tell later; what a killed process received is then fetched anew.)

A file is verified against the checksum that its authors publish. Where they publish none, the first download is *pinned*:
its SHA-256 goes to ``NAME.pin.json``, and a later download must be the same file. A pin says nothing about the first download
but that it had the length which the server announced, and was neither empty nor a web page; no checksum is ever made up.

An address that begins with https is not left for one that does not, wherever the server points.
"""

from __future__ import annotations

import contextlib
import hashlib
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
from urllib.parse import urljoin

import pooch
import requests
from filelock import FileLock, Timeout

from lossconditioning.datasets.received import Received
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
    job = _Download(str(address), Path(path).absolute(), checksum, size, timeout, progress)
    try:
        if not job.is_there():
            job.path.parent.mkdir(parents=True, exist_ok=True)
            with job.alone():
                if not job.is_there():
                    job.run(tries, pause)
    except OSError as error:
        # One of our own files beside the target means nothing to a reader.
        where = job.path.parent if job.path.name in str(error.filename) else error.filename or job.path.parent
        raise job.failure(
            f"{where}: {error.strerror or error}. Free some space, make the folder writable, or name another one with "
            "$LOSSCONDITIONING_DATA"
        ) from None
    job.clear()
    return job.path


class _Broken(Exception):
    """A try that failed in a way which another try may mend."""


class _Refused(Exception):
    """A try that another one would only repeat."""


class _Session(requests.Session):
    """Follows a server's word to another address, but neither from https to less nor to what is no address of the web."""

    def get_redirect_target(self, response: requests.Response) -> str | None:
        target = super().get_redirect_target(response)
        there = urljoin(response.url, target or "").lower()
        allowed = ("https://",) if response.url.lower().startswith("https://") else ("https://", "http://")
        if target and not there.startswith(allowed):
            raise _Refused(f"the server leads to {there}, which is not safe to follow; expected {' or '.join(allowed)}")
        return target


@dataclass
class _Download(Received):
    timeout: float
    progress: bool

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
        lock = FileLock(self.lock)
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            if self.progress:
                print(f"{self.path.name}: waiting for another process that downloads it.", file=sys.stderr)
            held = lock.acquire()
        with held:
            yield
        with contextlib.suppress(OSError):  # who waits for it may keep it from being removed
            self.lock.unlink()

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
                with (
                    _Session() as session,
                    session.get(self.address, headers=headers, stream=True, timeout=self.timeout) as response,
                ):
                    self.refuse_what_is_not_the_file(response)
                    if response.status_code != 206:
                        kept, version, total = 0, _version(response), self.begin(response)
                    elif not _continues(response, kept, version, total):
                        self.discard()
                        raise _Broken("the server sent another part than was asked for")
                    self.receive(response, version, total)
            except _Refused as refused:
                raise self.failure(str(refused)) from None
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
        self.write_note(_version(response), total, hashlib.sha256())
        return total

    def receive(self, response: requests.Response, version: str, total: int | None) -> None:
        # A .gz that the server labels as "encoded by gzip" is wanted as it is.
        response.raw.headers.pop("Content-Encoding", None)
        bar = progress_bar(total, self.path.name, "B", self.received(), self.progress)
        digest = self.digest()
        with bar, open(self.part, "ab") as file:
            try:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    file.flush()
                    digest.update(chunk)
                    bar.update(len(chunk))
                os.fsync(file.fileno())
            finally:
                self.write_note(version, total, digest)
        if total is not None and self.received() < total:
            raise _Broken(f"the connection ended after {self.received():,} of {total:,} bytes")

    def finish(self, continued: bool) -> None:
        wrong = self.wrong(self.part)
        if wrong:
            self.discard()
            if continued:  # the fault may be in how the parts fit together
                raise _Broken(wrong)
            raise self.failure(wrong)
        if self.checksum is None and self.pinned() is None:
            pin = {"address": self.address, "sha256": pooch.file_hash(self.part), "size": self.received()}
            write_atomically(self.pin, (json.dumps(pin, indent=1) + "\n").encode())
        os.replace(self.part, self.path)
        self.note.unlink(missing_ok=True)


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
