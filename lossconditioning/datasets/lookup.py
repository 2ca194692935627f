"""Photographs for a task: a data set where it is at hand, a reader's own, or, said aloud, the built-in ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from lossconditioning.datasets.photographs import photographs
from lossconditioning.paths import data_cache, in_words

STAND_IN = "the photographs that scikit-image and scikit-learn ship"
Reader = Callable[..., dict[str, Tensor]]


@dataclass(frozen=True)
class Photographs:
    """Photographs by name, uint8 ``(3, H, W)`` of any sizes, and what they are, in words."""

    pictures: Mapping[str, Tensor]
    source: str


def look_up(name: str, read: Reader, others: Reader, folder: Path | None) -> Photographs:
    """Photographs of a data set, or what there is instead.

    Args:
        name: the data set's folder within a data folder, such as "bsds500/train".
        read: reads it: ``read(folder=…)``, with the data folder. A module's own function, so that pictures are read once.
        others: reads a reader's own photographs likewise, where ``folder`` has no such data set.
        folder: a data folder, or one of photographs; ``$LOSSCONDITIONING_DATA`` or data/cache, where only the data set
            counts, if not given. Where it is not there, the built-in photographs stand in, said aloud, once.
    """
    root = Path(folder or data_cache()).resolve()
    if (root / name).is_dir():
        return _read(name, read, root)
    if folder is not None:
        return _read(root.name, others, root)
    return _stand_in(name, root)


@lru_cache(maxsize=16)
def _stand_in(name: str, root: Path) -> Photographs:
    print(f"There is no {name} in {in_words(root)}; used instead: {STAND_IN}.", file=sys.stderr)
    return Photographs(photographs(), STAND_IN)


@lru_cache(maxsize=4)
def _read(name: str, read: Reader, root: Path) -> Photographs:
    found = read(folder=root)
    return Photographs(found, f"{name}, {len(found)} photographs")
