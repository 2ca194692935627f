"""Faces of either kind, drawn or CelebA's, divided into parts as CelebA is, with some attributes and without others."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lossconditioning.datasets.celeba import celeba
from lossconditioning.datasets.faces import Faces, faces
from lossconditioning.errors import ReaderError

FIRST = {"train": 0, "valid": 1_000_000, "test": 10_000_000}
"""Part → number of its first drawn face."""


@lru_cache(maxsize=2)
def portraits(
    data: str,
    split: str,
    count: int,
    folder: Path | None = None,
    having: tuple[str, ...] = (),
    lacking: tuple[str, ...] = (),
) -> Faces:
    """Faces with and without certain attributes; kept, for to draw thousands takes a quarter of a minute.

    Args:
        data: "drawn" or "celeba".
        split: "train", "valid" or "test"; no face is in two of them.
        count: how many; 0 for all there are, of CelebA.
        folder: a data folder, for CelebA; drawn faces need none.
        having: attributes that all of them have.
        lacking: attributes that none of them has. What is in neither varies.

    Returns:
        uint8 ``(N, 3, 64, 64)``, and their attributes.

    Raises:
        ReaderError: if CelebA is not there, or has fewer such faces, or if there is no such attribute.
    """
    if data == "drawn":
        return faces(count, start=FIRST[split], **dict.fromkeys(having, True), **dict.fromkeys(lacking, False))
    if not having and not lacking:
        return celeba(folder, split, count or None)
    found = celeba(folder, split)
    for name in lacking:
        found = found.split(name)[0]
    for name in having:
        found = found.split(name)[1]
    if len(found) < max(count, 2):
        raise ReaderError(
            f"CelebA has {len(found):,} such faces ({found.source}); asked for {count:,}. Ask for fewer, or leave out an "
            "attribute."
        )
    if not count:
        return found
    return Faces(found.images[:count], found.attributes[:count], found.names, f"{count:,} of {found.source}")
