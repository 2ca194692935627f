"""The limit of what any network can reach: the full loss of one picture, minimised over its pixels (Gatys et al. 2016).

It takes minutes a picture, so what was reached is recorded (`record_optimum` makes the records) and read here.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lossconditioning.display import open_picture
from lossconditioning.losses import PerceptualLoss
from lossconditioning.painting import OPTIMUM_SIDE, Optima, minimised, recorded_in, style_targets
from lossconditioning.paths import shipped
from lossconditioning.systems.style_transfer.task import objective, painted_terms

SIDE = OPTIMUM_SIDE
"""Pixels a side of the pictures that are minimised, and that networks are held against."""


def optimum(
    loss: PerceptualLoss,
    photograph: Tensor,
    painting: Tensor,
    lam: Tensor,
    start: Tensor | None = None,
    *,
    tolerance: float = 0.01,
    most: int = 300,
) -> tuple[Tensor, list[float]]:
    """The picture whose objective is as low as minimising over its pixels brings it, see `painting.minimised`.

    Every pixel is kept in [0, 1], as a network's last layer does.

    Args:
        loss: what pictures are compared by, see `task.painted_terms`.
        photograph: ``(3, S, S)`` in [0, 1].
        painting: uint8 ``(3, H, W)``.
        lam: λ, in the paper's numbers, ``(5,)``.
        start: the picture to start from, like the photograph, which it is if not given.
        tolerance: it ends when ten steps have lowered the cost by less than this share.
        most: or when the objective has been computed this many times.

    Returns:
        the picture, ``(3, S, S)`` in [0, 1]; and the cost of every picture that was tried, the start's first.
    """
    content, styles = loss.content_targets(photograph[None]), style_targets(loss, [painting])

    def cost(picture: Tensor) -> Tensor:
        return objective(painted_terms(loss, picture, content, styles), lam)

    return minimised(cost, photograph if start is None else start, tolerance=tolerance, most=most)


# Records ------------------------------------------------------------------------------------------------------------------


def place() -> Path:
    """The folder of the records: one file for each set of photographs."""
    return shipped("records") / "style_transfer" / "optimum"


def recorded_optima(photographs: str, paintings: str, features: str, side: int, folder: Path | None = None) -> Optima:
    """What was recorded for these very pictures and features; an empty record where nothing was."""
    return recorded_in(folder or place(), photographs, paintings, features, side)


def optimal_pictures(folder: Path | None = None) -> dict[tuple[str, str], Tensor]:
    """The optima of built-in photographs at the default λ, (photograph, painting) → ``(3, 256, 256)`` in [0, 1]."""
    (record,) = (folder or place()).glob("built_in.json")
    names = {(each["photograph"], each["painting"]) for each in Optima.read(record).costs}
    files = {pair: record.with_name(f"{'-'.join(pair)}.jpg") for pair in sorted(names)}
    return {pair: open_picture(file) for pair, file in files.items() if file.exists()}
