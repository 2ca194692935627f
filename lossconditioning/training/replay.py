"""A pool of earlier pictures, each with the λ it was made under, for a discriminator to look at.

A discriminator that only sees what the network makes now forgets what it made before; shown a pool of earlier pictures, it
does not chase the network in circles (Shrivastava et al. 2017; CycleGAN, section 4, whose pool holds 50).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.training.randomness import generator

_STREAM = 0x504F4F4C
"""Sets the pool's draws apart from others of the same seed and step."""


class ReplayPool:
    """Earlier pictures, each with its λ. Until it is full it takes every picture in, and hands the same out.

    Then, for one picture after the other, with probability ½ one of the pool is handed out, with *its* λ, and the new one
    takes its place; otherwise the new one is handed out and not kept. Its λ must go along, for it weighs the discriminator's
    loss of that picture (SGN, equation 4).

    What is drawn depends on (seed, step) alone, and the pool is part of a training's state: put it into `Loop`'s ``state``,
    and a resumed training hands out what an uninterrupted one does. Of several processes each has a pool of its own.

    Args:
        size: how many pictures it keeps (50 in CycleGAN and SGN).
        seed: of its draws.

    Attributes:
        count: how many it keeps now.
    """

    def __init__(self, size: int = 50, seed: int = 0):
        self.size, self.seed = positive_int("size", size), seed
        self.count = 0
        self._pictures = self._lam = torch.empty(0)

    @torch.no_grad()
    def __call__(self, pictures: Tensor, lam: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Pictures ``(B, C, H, W)`` that were made under λ ``(B,)`` or ``(B, K)`` in a step; as many, some of them earlier.

        They come back without gradient, on the device of those given, and those given are not changed.

        Raises:
            ReaderError: if there is not one λ per picture, or pictures or λ are of another kind than those in the pool.
        """
        if lam.shape[:1] != pictures.shape[:1]:
            raise ReaderError(
                f"{len(pictures)} pictures came with λ of shape {tuple(lam.shape)}: one λ per picture expected."
            )
        self._begin_or_refuse(pictures, lam)
        draw = generator(self.seed, step, _STREAM)
        from_pool = (torch.rand(len(pictures), generator=draw) < 0.5).tolist()
        places = torch.randint(self.size, (len(pictures),), generator=draw).tolist()
        pictures, lam = pictures.detach().clone(), lam.detach().clone()
        for row, (earlier, place) in enumerate(zip(from_pool, places, strict=True)):
            if self.count < self.size:
                self._pictures[self.count], self._lam[self.count] = pictures[row], lam[row]
                self.count += 1
            elif earlier:
                for given, kept in ((pictures, self._pictures), (lam, self._lam)):
                    new = given[row].clone()
                    given[row] = kept[place]
                    kept[place] = new
        return pictures, lam

    def _begin_or_refuse(self, pictures: Tensor, lam: Tensor) -> None:
        """Make room for the first pictures; refuse later ones that do not fit. What was loaded moves to where they are."""
        for name, given, kept in (("pictures", pictures, self._pictures), ("λ", lam, self._lam)):
            if self.count and (kept.shape[1:], kept.dtype) != (given.shape[1:], given.dtype):
                raise ReaderError(
                    f"The pool keeps {name} {tuple(kept.shape[1:])} of {kept.dtype}; got {tuple(given.shape[1:])} of "
                    f"{given.dtype}. Use another pool for them."
                )
        if not self.count:
            self._pictures, self._lam = (part.new_zeros(self.size, *part.shape[1:]) for part in (pictures, lam))
        self._pictures, self._lam = self._pictures.to(pictures.device), self._lam.to(lam.device)

    def state_dict(self) -> dict[str, Any]:
        """``size``, ``seed``, and what is kept: ``pictures`` ``(count, C, H, W)`` and their ``lam``."""
        return {
            "size": self.size,
            "seed": self.seed,
            "pictures": self._pictures[: self.count].clone(),
            "lam": self._lam[: self.count].clone(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """The inverse of `state_dict`.

        Raises:
            ReaderError: if it is that of a pool of another size or seed.
        """
        for name in ("size", "seed"):
            if saved[name] != getattr(self, name):
                raise ReaderError(f"That pool's {name} is {saved[name]}, this one's {getattr(self, name)}.")
        self.count = len(saved["pictures"])
        self._pictures, self._lam = (
            part.new_zeros(self.size, *part.shape[1:]) for part in (saved["pictures"], saved["lam"])
        )
        self._pictures[: self.count], self._lam[: self.count] = saved["pictures"], saved["lam"]
