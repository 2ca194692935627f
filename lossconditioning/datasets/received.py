"""What a download has received, and what is known of the whole: a part and a note of it, a published checksum or a pin."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pooch
from filelock import FileLock, Timeout

from lossconditioning.errors import ReaderError
from lossconditioning.training.checkpoints import write_atomically


@dataclass
class Received:
    """A file on its way to its place.

    Attributes:
        address: where it is from.
        path: its place.
        checksum: as published, "md5:…" or "sha256:…", or None.
        size: in bytes, where it is known.
    """

    address: str
    path: Path
    checksum: str | None
    size: int | None

    def __post_init__(self) -> None:
        self.part, self.note, self.pin = (
            self.path.with_name(self.path.name + ending) for ending in (".part", ".part.json", ".pin.json")
        )
        self.lock = self.path.with_name(f".{self.path.name}.lock")

    def received(self) -> int:
        return os.path.getsize(self.part) if os.path.isfile(self.part) else 0

    def digest(self) -> hashlib._Hash:
        """SHA-256 of what was received, to be continued."""
        digest = hashlib.sha256()
        if self.received():
            with open(self.part, "rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
        return digest

    def noted(self) -> tuple[str, int | None]:
        """Version and length of the file that the part is of; a part that can not be continued is discarded."""
        try:
            note = json.loads(self.note.read_bytes())
            version, total = note["version"], note["size"]
            fits = version and note["address"] == self.address and (total is None or self.received() <= total)
            # A published checksum tells in the end. Without one, the part has to be what was received.
            if fits and (self.checksum is not None or note["received"] == self.digest().hexdigest()):
                return version, total
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        self.discard()
        return "", None

    def write_note(self, version: str, total: int | None, digest: hashlib._Hash) -> None:
        """Note which version of the file the part is of, and a digest of what was received."""
        note = {"address": self.address, "version": version, "size": total, "received": digest.hexdigest()}
        write_atomically(self.note, json.dumps(note).encode())

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)  # first, for without its note it is not continued
        self.note.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what killed processes left beside the file, now that it is in its place; not while another one works there."""
        half = self.path.parent.glob(f".{glob.escape(self.path.name)}.p*.json.*.partial")  # notes and pins
        left = [path for path in (self.part, self.note, self.lock, *half) if path.exists()]
        if left:
            with contextlib.suppress(OSError, Timeout), FileLock(self.lock, blocking=False):
                for path in (*left, self.lock):
                    path.unlink(missing_ok=True)

    def wrong(self, file: Path) -> str:
        """What is wrong with a file, if anything: its size, its published checksum, or else the pinned one."""
        size = file.stat().st_size
        if self.size is not None and size != self.size:
            return f"{file.name} has {size:,} bytes; expected {self.size:,}"
        if self.checksum is not None:
            return self.differs(file, self.checksum, "published")
        if size == 0:
            return f"{file.name} is empty (0 bytes)"
        if self.path.suffix != ".html" and _begins_as_page(file):
            return f"{file.name} is a web page, in place of the file"
        pinned = self.pinned()
        how = f"pinned at the first download, in {self.pin} (delete that one if the file has been renewed),"
        return self.differs(file, f"sha256:{pinned}", how) if pinned else ""

    def differs(self, file: Path, known: str, whose: str) -> str:
        algorithm, digits = known.lower().split(":")
        found = pooch.file_hash(file, alg=algorithm)
        return (
            "" if found == digits else f"{file.name} has the {algorithm} checksum {found}; the one {whose} is {digits}"
        )

    def pinned(self) -> str | None:
        """The pinned SHA-256, if there is one; of an empty answer, which was once pinned too, nobody has to keep it."""
        try:
            pin = json.loads(self.pin.read_bytes())
            return str(pin["sha256"]) if pin.get("size") != 0 else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ReaderError(f"{self.pin} is damaged. Delete it to have {self.path.name} pinned anew.") from None


def _begins_as_page(file: Path) -> bool:
    with open(file, "rb") as opened:
        return opened.read(100).lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html"))
