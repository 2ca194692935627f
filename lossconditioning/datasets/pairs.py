"""Pairs of pictures, a layout and one of the many pictures that it may become: what all data sets of pairs return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from lossconditioning.errors import ReaderError, one_of


@dataclass(frozen=True, eq=False)
class Pairs:
    """Layouts (input domain A), pictures (output domain B), and what is known about each picture's style.

    Attributes:
        layouts: uint8 ``(N, 3, S, S)``, RGB.
        pictures: uint8 ``(N, 3, S, S)``, RGB: row n shows what row n of the layouts lays out.
        factors: int64 ``(N, F)``, the factors of style: what a picture shows and its layout does not tell. F is 0 if none are
            known.
        names: of the F factors.
        values: for each factor, the names of its values: ``values[f][factors[n, f]]``.
        source: what they are, in words.
    """

    layouts: Tensor
    pictures: Tensor
    factors: Tensor
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    source: str

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, chosen: slice | Tensor) -> Pairs:
        """Some of the pairs: a slice, numbers ``(M,)``, or bool ``(N,)``."""
        parts = {name: getattr(self, name)[chosen] for name in ("layouts", "pictures", "factors")}
        return replace(self, **parts)

    def factor(self, name: str) -> Tensor:
        """One factor of style, int64 ``(N,)``; an unknown name is answered with the known ones."""
        return self.factors[:, self.names.index(one_of("factor", name, self.names))]

    def style(self, number: int) -> dict[str, str]:
        """The style of one pair: factor → the name of its value, such as ``{"hour": "dusk", "weather": "fog"}``."""
        row = self.factors[number].tolist()
        return {name: self.values[f][row[f]] for f, name in enumerate(self.names)}


def styled_by(styles: Sequence[int] | None, count: int) -> list[int]:
    """For each of ``count`` pairs the number of the pair whose style it gets: its own if no styles are given.

    Raises:
        ReaderError: if they are not one whole number of at least 0 for each pair.
    """
    if styles is None:
        return list(range(count))
    numbers = styles.tolist() if isinstance(styles, Tensor) else list(styles)
    if len(numbers) != count or any(type(number) is not int or number < 0 for number in numbers):
        raise ReaderError(
            f"styles are numbers of pairs, one for each of the {count:,}, from 0; got {len(numbers):,}: {numbers[:5]}…"
        )
    return numbers
