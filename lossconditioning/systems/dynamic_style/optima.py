"""The limit of what any network can reach: O = L_content + λ L_style of one picture, minimised over its pixels.

It takes minutes a picture, so what was reached is recorded (`record_optimum` makes the records) and read here.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.losses import PerceptualLoss, weighted
from lossconditioning.painting import Optima, minimised, recorded_in
from lossconditioning.paths import shipped
from lossconditioning.systems.dynamic_style.task import Targets, painted_terms

PAINTINGS = "the built-in paintings"
"""Where the styles of all records are from."""


def optimum(
    loss: PerceptualLoss,
    photograph: Tensor,
    style: Targets,
    lam: float,
    start: Tensor | None = None,
    *,
    tolerance: float = 0.01,
    most: int = 300,
) -> tuple[Tensor, list[float]]:
    """The picture whose objective is as low as minimising over its pixels brings it, see `painting.minimised`.

    Every pixel is kept in [0, 1], where pictures are shown.

    Args:
        loss: what pictures are compared by, see `task.painted_terms`.
        photograph: ``(3, S, S)`` in [0, 1].
        style: a painting's targets.
        lam: λ.
        start: the picture to start from, like the photograph, which it is if not given.
        tolerance: it ends when ten steps have lowered the cost by less than this share.
        most: or when the objective has been computed this many times.

    Returns:
        the picture, ``(3, S, S)`` in [0, 1]; and the cost of every picture that was tried, the start's first.
    """
    content = loss.content_targets(photograph[None])

    def cost(picture: Tensor) -> Tensor:
        return weighted(painted_terms(loss, picture, content, style), {"style": lam})

    return minimised(cost, photograph if start is None else start, tolerance=tolerance, most=most)


def place() -> Path:
    """The folder of the records: one file for each set of photographs."""
    return shipped("records") / "dynamic_style" / "optimum"


def recorded_optima(photographs: str, features: str, side: int, folder: Path | None = None) -> Optima:
    """What was recorded for these very photographs and features; an empty record where nothing was."""
    return recorded_in(folder or place(), photographs, PAINTINGS, features, side)


def recorded_cost(optima: Optima, photograph: str, painting: str, lam: float) -> float | None:
    """The cost that was reached for a photograph in the style of a painting under λ; None if there is none."""
    return optima.cost(photograph, painting, torch.tensor([lam]))
