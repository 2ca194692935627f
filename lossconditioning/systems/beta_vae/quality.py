"""How good a β-VAE's reconstructions are to look at: their PSNR, and whether the object keeps its shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import torch
from torch import Tensor

from lossconditioning.datasets.shapes3d import FACTORS, factors_of, index_of
from lossconditioning.evaluation import mean_psnr
from lossconditioning.systems.beta_vae.data import Pictures, as_float
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.task import pixel_mean

SHARPEST, MODERATE = 0.5, 8.0
"""β under which reconstructions are judged: the least of both ranges, and one where nats already have to be saved."""
LOOKED_AT = 500
"""Held-out pictures in which the object's shape is looked for."""
_SHAPE = list(FACTORS).index("shape")


def network_for_pictures(data: str, finished: Collection[str]) -> str:
    """The experiment that panels and figures of pictures show: the play network where it is finished, YOTO where it is not.

    Args:
        data: "cifar10" or "shapes3d".
        finished: names of finished experiments.
    """
    play = f"{data}_play"
    return play if play in finished else f"{data}_yoto"


@torch.inference_mode()
def reconstructed(model: BetaVAE, pictures: Tensor, lam: float, at_once: int = 250) -> Tensor:
    """Pictures encoded and decoded under β: every pixel's mean, for z at the mean of q(z | x).

    Args:
        pictures: uint8 ``(N, 3, S, S)``.
        lam: β.
        at_once: pictures at a time.

    Returns:
        ``(N, 3, S, S)`` in [0, 1].
    """
    parts = []
    for part in pictures.split(at_once):
        told = torch.full((len(part),), lam)
        mean, _ = model.encode(as_float(part), told)
        parts.append(pixel_mean(model.decode(mean, told)))
    return torch.cat(parts)


def psnr(model: BetaVAE, pictures: Tensor, lam: float = SHARPEST) -> float:
    """Peak signal-to-noise ratio of reconstructions in dB, the mean over pictures, whose values go from 0 to 1.

    Args:
        pictures: uint8 ``(N, 3, S, S)``.
        lam: β.
    """
    return mean_psnr(reconstructed(model, pictures, lam), as_float(pictures))


def shape_accuracy(model: BetaVAE, numbers: Tensor, look_up: Callable[[Tensor], Tensor], lam: float) -> float:
    """The share of 3-D Shapes pictures whose reconstruction shows the object in its true shape.

    A reconstruction is held against the four pictures that have its five other factors; it is right where the nearest of them,
    by mean squared error, is the one with the true shape.

    Args:
        numbers: of the pictures, ``(N,)``.
        look_up: numbers → uint8 pictures.
        lam: β.
    """
    factors = factors_of(numbers)  # (N, 6)
    made, errors = reconstructed(model, look_up(numbers), lam), []
    for shape in range(FACTORS["shape"]):
        candidates = factors.clone()
        candidates[:, _SHAPE] = shape
        rendered = as_float(look_up(index_of(candidates)))  # (N, 3, 64, 64)
        errors.append((made - rendered).square().flatten(1).mean(1))
    nearest = torch.stack(errors).argmin(0)  # (N,)
    return float((nearest == factors[:, _SHAPE]).double().mean())


def never_trained_on(found: Pictures, count: int = LOOKED_AT) -> Tensor:
    """Numbers of 3-D Shapes pictures that no network is trained on, from all over the data set: ``(count,)``."""
    free = torch.ones(math.prod(FACTORS.values()), dtype=torch.bool)
    free[found.training] = False
    numbers = free.nonzero().squeeze(1)
    return numbers[torch.linspace(0, len(numbers) - 1, count).long()]


def quality(data: str, model: BetaVAE, found: Pictures) -> dict[str, float]:
    """How good reconstructions of held-out pictures are.

    Args:
        data: "cifar10" or "shapes3d".
        model: a loss-conditional network for it.
        found: its pictures.

    Returns:
        ``psnr`` at β = 0.5, in dB; and of 3-D Shapes ``shape_accuracy`` at β = 0.5 and ``shape_accuracy_8`` at β = 8.
    """
    metrics = {"psnr": psnr(model, found.held_out)}
    if data == "shapes3d":
        numbers = never_trained_on(found, min(LOOKED_AT, len(found.held_out)))
        for key, lam in (("shape_accuracy", SHARPEST), ("shape_accuracy_8", MODERATE)):
            metrics[key] = shape_accuracy(model, numbers, found.look_up, lam)
    return metrics
