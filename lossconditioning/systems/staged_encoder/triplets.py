"""What the style encoder learns from: an anchor, a picture like it and one unlike it (StEP, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.training.randomness import generator

CLOSE, FAR = 5, 13
"""Sizes of the sets that positives and negatives are drawn from (A.1).

The set of negatives is larger for the sake of outliers, which are the farthest from almost every picture: as the only
negatives they would teach the encoder to set them apart, and nothing else.
"""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Numbers of the pictures that are most and least like each of N pictures, itself left out.

    Attributes:
        nearest: int64 ``(N, 5)``, the nearest first.
        farthest: int64 ``(N, 13)``, the farthest first.
    """

    nearest: Tensor
    farthest: Tensor

    def triplets(self, count: int, seed: int, step: int) -> Tensor:
        """Numbers of anchors, positives and negatives, int64 ``(3, count)``: a function of seed and step alone.

        Anchors are drawn from all N without replacement, anew at every step; for each a positive from its nearest and a
        negative from its farthest.

        Raises:
            ReaderError: for more than N.
        """
        if positive_int("count", count) > len(self.nearest):
            raise ReaderError(f"{len(self.nearest):,} pictures give as many triplets at a time; asked for {count:,}.")
        draw = generator(seed, step)
        anchors = torch.randperm(len(self.nearest), generator=draw)[:count]
        chosen = [
            numbers[anchors, torch.randint(numbers.shape[1], (count,), generator=draw)]
            for numbers in (self.nearest, self.farthest)
        ]
        return torch.stack([anchors, *chosen])


def neighbours(distances: Tensor, close: int = CLOSE, far: int = FAR) -> Neighbours:
    """The nearest and the farthest of all pictures, by their distances ``(N, N)``.

    Raises:
        ReaderError: for what is no such matrix, or where N is so small that a picture would be in both sets.
    """
    if distances.dim() != 2 or distances.shape[0] != distances.shape[1]:
        raise ReaderError(f"Distances of all pairs are (N, N); got {tuple(distances.shape)}.")
    if len(distances) < positive_int("close", close) + positive_int("far", far) + 1:
        raise ReaderError(
            f"The {close} nearest and the {far} farthest of each picture take at least {close + far + 1} pictures; got "
            f"{len(distances)}. Give more pictures, or ask for fewer neighbours."
        )
    nearest, farthest = [], []
    for numbers in torch.arange(len(distances), device=distances.device).split(1024):
        rows = distances[numbers].scatter(1, numbers[:, None], -1)  # oneself first, also where another is as near
        order = rows.argsort(dim=1, stable=True)
        nearest.append(order[:, 1 : close + 1])
        farthest.append(order[:, -far:].flip(1))
    return Neighbours(torch.cat(nearest), torch.cat(farthest))


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.1) -> Tensor:
    """max(‖z_a − z_p‖² − ‖z_a − z_n‖² + α, 0) of embeddings ``(B, Z)``, not normalised: ``(B,)`` (equation 1)."""
    near, far = ((anchor - other).square().sum(1) for other in (positive, negative))
    return (near - far + margin).clamp(min=0)


def l2(*embeddings: Tensor) -> Tensor:
    """L_reg of equation 1: ``(B,)``, the squared norm, averaged over the embeddings ``(B, Z)`` that are given.

    The paper does not say whether it is a sum; as a mean, its weight is the same whether three are given or one.
    """
    return torch.stack([each.square().sum(1) for each in embeddings]).mean(0)
