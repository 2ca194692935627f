"""Finished codecs: opened once, and found by the files that they made."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import Tensor

from lossconditioning.codec import MAX_PIXELS, Codec, Container, FileError
from lossconditioning.training import System
from lossconditioning.training.cards import finished, read_card

DEFAULT = "yoto_wider_batch16"
"""The shipped model that compresses unless another is named."""


class Shelf:
    """The codecs of a system's finished experiments."""

    def __init__(self, system: System):
        self.system = system
        self._opened = lru_cache(maxsize=16)(lambda name, place, digest: Codec(system.load(name, place).model))

    def open_codec(self, name: str = DEFAULT, folder: Path | None = None) -> Codec:
        """A finished experiment's codec, made once per session; a shipped one's if no folder is given."""
        place = self.system.place(folder).resolve()
        return self._opened(name, place, read_card(place / f"{name}.json").digest)

    def compress(self, picture: Tensor, lam: float) -> bytes:
        """A picture, uint8 ``(3, H, W)``, as the contents of a file, with the shipped model; see `Codec.compress`."""
        return self.open_codec().compress(picture, lam)

    def decompress(self, data: bytes, folder: Path | None = None, max_pixels: int = MAX_PIXELS) -> Tensor:
        """The picture in a file, uint8 ``(3, H, W)``, with whichever finished model made it.

        Args:
            folder: of finished checkpoints; the shipped ones if not given.

        Raises:
            FileError: as `Codec.decompress`, or if no such model is there.
        """
        wanted = Container.unpack(data, max_pixels).model
        place, names = finished(self.system.place(folder), self.system.name)
        for name in sorted(names, key=lambda name: name != DEFAULT):
            if self.open_codec(name, place).model_id == wanted:
                return self.open_codec(name, place).decompress(data, max_pixels)
        raise FileError(
            f"The file was made with model {wanted.hex()}, which is none of {', '.join(names)} in {place}. Name the folder of "
            "the checkpoints that made it."
        )
