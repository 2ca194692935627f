"""Scores of a set of pictures as a whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.finiteness import all_finite

FEWEST = 10
"""Pictures that a classifier score is made of at least: packages that score ten parts say 1 or nan of fewer."""


def classifier_score(probabilities: Tensor) -> float:
    """The inception score's formula: how surely pictures are of some class, and of how many classes they are together.

        exp mean_x KL(p(y|x) ‖ p(y)),    p(y) = mean_x p(y|x)

    Salimans et al. 2016, section 4; natural logarithms, in double precision. It is an inception score only if the
    probabilities are Inception's. All pictures are scored at once, not in ten parts, and the score grows with their number:
    state it, and compare at equal numbers.

    Args:
        probabilities: of K classes, of N pictures, ``(N, K)``, such as `Classifier` gives; N at least 10.

    Returns:
        from 1, where pictures do not differ, to the smaller of N and K, where each is surely of a class of its own.

    Raises:
        ReaderError: for fewer pictures, other shapes, and rows that are no probabilities.
    """
    shape = tuple(probabilities.shape)
    if len(shape) != 2 or shape[1] == 0:
        raise ReaderError(f"Probabilities of K classes are (N, K), a row for each picture; got {shape}.")
    if shape[0] < FEWEST:
        raise ReaderError(
            f"A classifier score of fewer than {FEWEST} pictures says nothing, and packages disagree about it; got "
            f"{shape[0]}. Give more pictures."
        )
    each = all_finite("Probabilities (N, K)", probabilities.detach()).double()
    sums = each.sum(1)
    odd = ((each < 0).any(1) | ((sums - 1).abs() > 1e-3)).nonzero().flatten().tolist()
    if odd:
        raise ReaderError(
            f"Each picture's probabilities are not negative and sum to 1; row {odd[0]} has a least one of "
            f"{float(each[odd[0]].min()):g} and sums to {float(sums[odd[0]]):g}. Give the softmax of logits."
        )
    # xlogy counts 0 log 0 as 0; p(y) is 0 only where every p(y|x) is.
    divergence = torch.xlogy(each, each) - torch.xlogy(each, each.mean(0))
    return math.exp(float(divergence.sum(1).mean()))
