"""The limit of what any network can reach: the objective of one picture, minimised over its pixels (Gatys et al. 2016).

It takes minutes a picture, so what was reached is recorded, and read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

OPTIMUM_SIDE = 256
"""Pixels a side of the pictures that are minimised, and that networks are held against."""
_WINDOW, _STRIDE, _MEMORY = 10, 0.05, 10


def minimised(
    objective: Callable[[Tensor], Tensor], start: Tensor, *, tolerance: float = 0.01, most: int = 300
) -> tuple[Tensor, list[float]]:
    """The picture whose objective is as low as minimising over its pixels brings it.

    L-BFGS-B keeps every pixel in [0, 1]. The objective is not convex: what is found is a local minimum, and so an upper bound
    of the lowest cost there is.

    Args:
        objective: pictures ``(1, 3, H, W)`` → what they cost, ``(1,)``.
        start: the picture to start from, ``(3, H, W)``; cut off at 0 and 1.
        tolerance: it ends when ten steps have lowered the cost by less than this share.
        most: or when the objective has been computed this many times.

    Returns:
        the picture, ``(3, H, W)`` in [0, 1]; and the cost of every picture that was tried, the start's first.
    """
    first = start.clamp(0, 1)
    costs: list[float] = []
    lowest: list[float] = []  # after each step

    def cost(pixels: np.ndarray) -> tuple[float, np.ndarray]:
        picture = torch.from_numpy(pixels.astype(np.float32)).view(1, *first.shape).requires_grad_(True)
        value = objective(picture).sum()
        (gradient,) = torch.autograd.grad(value, picture)
        costs.append(float(value.detach()))
        return costs[-1], gradient.double().numpy().ravel()

    def settled(_: np.ndarray) -> None:
        lowest.append(min(costs))
        if len(lowest) > _WINDOW and lowest[-1] > (1 - tolerance) * lowest[-1 - _WINDOW]:
            raise StopIteration

    best = _minimise(cost, first.double().numpy().ravel(), settled, most)
    return torch.from_numpy(best).float().clamp(0, 1).view_as(first), costs


def _minimise(cost: Callable, first: np.ndarray, settled: Callable, most: int) -> np.ndarray:
    """L-BFGS-B over pixels in [0, 1]; the objective is scaled so that its first step moves a pixel by `_STRIDE` or so."""
    steepness = np.sqrt(np.mean(cost(first)[1] ** 2))
    scale = _STRIDE / steepness if steepness > 0 else 1.0

    def scaled(pixels: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = cost(pixels)
        return scale * value, scale * gradient

    limits = {"maxfun": max(1, most - 1), "maxiter": most, "maxcor": _MEMORY, "ftol": 0.0, "gtol": 0.0}
    found = minimize(
        scaled, first, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * len(first), callback=settled, options=limits
    )
    return found.x


# Records ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Optima:
    """What minimising over pixels reached, for some pictures.

    Attributes:
        photographs, paintings, features: where they are from, in words, as networks' cards have them.
        side: pixels a side.
        costs: of each picture: ``photograph`` and ``painting``, their names; ``lam``, λ; ``cost``, the objective reached;
            ``evaluations``, how many pictures were tried for it.
    """

    photographs: str
    paintings: str
    features: str
    side: int = OPTIMUM_SIDE
    costs: list[dict] = field(default_factory=list)

    def cost(self, photograph: str, painting: str, lam: Tensor) -> float | None:
        """The cost that was reached for a photograph in the style of a painting under λ ``(K,)``; None if there is none."""
        for each in self.costs:
            same = (each["photograph"], each["painting"]) == (photograph, painting)
            if same and torch.allclose(torch.tensor(each["lam"]), lam.float().cpu(), rtol=1e-3):
                return each["cost"]
        return None

    def keep(self, photograph: str, painting: str, lam: Sequence[float], costs: Sequence[float]) -> dict:
        """Add what `minimised` reached for a picture under λ, given all that it tried; the entry that was added."""
        one = {"photograph": photograph, "painting": painting, "lam": list(lam)}
        self.costs.append({**one, "cost": round(min(costs), 6), "evaluations": len(costs)})
        return self.costs[-1]

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Optima:
        """The inverse of `as_json`, from a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def recorded_in(folder: Path, photographs: str, paintings: str, features: str, side: int) -> Optima:
    """What was recorded in a folder for these very pictures and features; an empty record where nothing was."""
    asked = (photographs, paintings, features, side)
    for path in sorted(folder.glob("*.json")):
        found = Optima.read(path)
        if (found.photographs, found.paintings, found.features, found.side) == asked:
            return found
    return Optima(*asked)
