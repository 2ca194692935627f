"""Data sets: one module each, one registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lossconditioning.datasets.sym_toy import sym_toy
from lossconditioning.errors import one_of


@dataclass(frozen=True)
class Dataset:
    """An entry of the registry.

    Attributes:
        summary, size, licence, source: for ``lossconditioning data list``.
        load: makes or reads the data.
        fetch: downloads it into a folder and returns where it stands; None for data that is computed.
    """

    summary: str
    size: str
    licence: str
    source: str
    load: Callable
    fetch: Callable[[Path], Path] | None = None


DATASETS: dict[str, Dataset] = {
    "sym_toy": Dataset(
        summary="points (x, g(x), class) of the 1-D toy",
        size="computed, any number of points",
        licence="formulas; none needed",
        source="sym-parameters, appendix A.1",
        load=sym_toy,
    ),
}


def dataset(name: str) -> Dataset:
    """The registered data set of that name; an unknown name is answered with the known ones."""
    return DATASETS[one_of("data set", name, DATASETS)]


__all__ = ["DATASETS", "Dataset", "dataset", "sym_toy"]
