"""How much of each domain a picture shows: what Figures 8 and 11 of SGN let readers judge by eye, in numbers.

What a domain looks like is what a separate network makes that was trained for it alone. By least squares, a picture's patterns
(`Measure.look`) are made up of those of the three: with a, b and c the looks of the three separate networks' pictures of the
same photograph, shares α + β + γ = 1 are such that αa + βb + γc comes closest. One set of shares is found for all photographs
together, so that one of them where two domains look alike does not decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.systems.mixed_domain.measures import Measure
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3

EDGES = tuple(lam for lam in TABLE_3 if sum(weight == 0 for weight in lam) == 1)
"""The S of Table 3 at which one domain has no weight."""


def shares(look: Tensor, domains: Sequence[Tensor]) -> Tensor:
    """How much of each domain pictures show: ``(K,)``, float64, sum 1; below 0 for less than nothing.

    Args:
        look: of the pictures, ``(N, F)``.
        domains: K looks of what each domain makes of the same N photographs, ``(N, F)`` each.

    Raises:
        ReaderError: if looks have other shapes, or domains can not be told apart.
    """
    if any(domain.shape != look.shape for domain in domains) or len(domains) < 2:
        raise ReaderError(
            f"A look (N, F) and two or more domains' of the same shape expected; got {tuple(look.shape)} and "
            f"{[tuple(domain.shape) for domain in domains]}."
        )
    origin = domains[0].double()
    away = torch.stack([(domain.double() - origin).flatten() for domain in domains[1:]], dim=1)  # (N·F, K − 1)
    normal = away.T @ away
    if float(torch.linalg.cond(normal)) > 1e10:
        raise ReaderError("The domains look alike: nobody can say how much of each a picture shows.")
    found = torch.linalg.solve(normal, away.T @ (look.double() - origin).flatten())
    return torch.cat([1 - found.sum(0, keepdim=True), found])


class Looks:
    """Shares of domains in what networks make, by the separate networks of a measure's domains.

    Args:
        measure: with a perceptual loss.
        separate: S → the network trained for it, at the three corners at least.
    """

    def __init__(self, measure: Measure, separate: Mapping[tuple[float, ...], nn.Module]):
        self.measure = measure
        self.domains = [measure.look(separate[corner], corner) for corner in CORNERS]

    def shares(self, model: nn.Module, lam: tuple[float, ...]) -> Tensor:
        """Of what a network makes of the photographs under one S, ``(3,)``."""
        return shares(self.measure.look(model, lam), self.domains)

    def response(self, model: nn.Module) -> float:
        """How far a network's pictures follow S from corner to corner.

        Of each domain, its share at its own corner less its mean share at the two others; averaged over domains. It is 1 for
        the separate networks, and 0 for a network whose pictures do not depend on S.
        """
        found = torch.stack([self.shares(model, corner) for corner in CORNERS])  # row: corner, column: domain
        own = found.diagonal()
        others = (found.sum(0) - own) / (len(CORNERS) - 1)
        return float((own - others).mean())

    def interference(self, model: nn.Module) -> float:
        """How much a domain of weight zero shows: the mean size of its share, at the three `EDGES`; 0 for not at all."""
        found = [self.shares(model, lam)[lam.index(0.0)].abs() for lam in EDGES]
        return float(torch.stack(found).mean())
