"""Which α completes pictures best: what Figure 7 of "Dynamic-Net" shows on examples, measured."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import TuningBlocks, at_every_alpha
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation import as_metrics
from lossconditioning.evaluation.alphas import ALPHAS
from lossconditioning.systems.dynamic_completion.data import held_out_measure
from lossconditioning.systems.dynamic_completion.measures import Each, Measure
from lossconditioning.training import Run, Trained

Curves = dict[str, Tensor]
"""Measure → its value at every α of every picture, float64 ``(11, N)``."""


def best_alpha(distances: Tensor, alphas: tuple[float, ...] = ALPHAS) -> Tensor:
    """The α that is best for each picture: found automatically, as a reader finds it with a slider.

    Args:
        distances: ``(A, N)``, less is better: of each α (rows) and each picture (columns).
        alphas: the A values.

    Returns:
        ``(N,)``, float64; of equally good ones the smallest.

    Raises:
        ReaderError: if there is not one row for each α, or a distance is not a number.
    """
    if distances.dim() != 2 or len(distances) != len(alphas):
        raise ReaderError(f"One row for each of {len(alphas)} α, (A, N), expected; got {tuple(distances.shape)}.")
    if distances.isnan().any():
        raise ReaderError("Some distances are not a number (nan): no α can be called the best.")
    # argmin of equal values is any of them.
    least = (distances == distances.min(0).values).to(torch.uint8).argmax(0)
    return torch.tensor(alphas, dtype=torch.float64)[least.cpu()]


def histogram(best: Tensor, alphas: tuple[float, ...] = ALPHAS) -> list[int]:
    """For how many pictures each α is the best: A numbers."""
    return [int(torch.isclose(best, torch.tensor(alpha, dtype=best.dtype)).sum()) for alpha in alphas]


def tuned(main: nn.Module, blocks: TuningBlocks, measure: Measure) -> Curves:
    """A main network, its blocks turned from α = 0 to 1."""
    return _curves(at_every_alpha(main, {"tuned": blocks}, ALPHAS, measure.each))


def interpolated(sharp: nn.Module, smooth: nn.Module, measure: Measure) -> Curves:
    """Two networks' completions, blended: the share of the smooth one's is α."""
    first, second = measure.complete(sharp), measure.complete(smooth)
    return _curves([measure.each(torch.lerp(first, second, share)) for share in ALPHAS])


def gain(distances: Tensor) -> Tensor:
    """By which share the best α inside (0, 1) has a smaller distance than the better end; negative where it has not.

    Args:
        distances: ``(A,)`` or ``(A, N)``, the ends first and last.
    """
    ends = torch.minimum(distances[0], distances[-1])
    return 1 - distances[1:-1].min(0).values / ends


def compared(run: Run) -> tuple[str, ...]:
    """Both ends, and both ways between them."""
    return ("hole_sharp", "hole_smooth", "hole_blocks")


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Measure completion at every α, by tuning blocks and by blended pictures.

    Returns:
        ``completion_MEASURE_alpha_I`` and ``completion_pictures_MEASURE_alpha_I``, means at α = I / 10, measures as of
        `Measure.each`; ``completion_best_alpha``, where the mean distance is least, and ``completion_gain``, by which share it
        is less inside (0, 1) than at the better end (negative: it is not); ``completion_interior_beats_ends``, 1 or 0;
        ``completion_own_alpha_count_I``, for how many pictures α = I / 10 is best, ``completion_own_interior``, the share for
        which it is inside, and ``completion_own_gain``, by which share an α for each picture beats the one best for all; the
        same with ``completion_pictures_…``; ``completion_fixed_NAME_MEASURE`` of the other networks.
    """
    models = {name: item.model for name, item in trained.items()}
    measure, _ = held_out_measure(trained["hole_sharp"].config, run, models.get("hole_critic"))
    found: dict[str, float] = {"completion_count": len(measure.pictures)}
    found |= _numbers("completion", tuned(models["hole_sharp"], models["hole_blocks"], measure))
    found |= _numbers("completion_pictures", interpolated(models["hole_sharp"], models["hole_smooth"], measure))
    for name, item in trained.items():
        if item.config.kind == "network" and name != "hole_sharp":
            prefix = f"completion_fixed_{name.removeprefix('hole_')}"
            found |= {f"{prefix}_{key}": value for key, value in measure.means(item.model).items()}
    return found


def _numbers(prefix: str, curves: Curves) -> dict[str, float]:
    """What `compare` says of one way from sharp to smooth."""
    distances = curves["distance"]
    mean, own = distances.mean(1), best_alpha(distances)
    return {
        **as_metrics(prefix, {f"{name}_alpha": each.mean(1) for name, each in curves.items()}),
        f"{prefix}_best_alpha": float(best_alpha(mean[:, None])),
        f"{prefix}_gain": float(gain(mean)),
        f"{prefix}_interior_beats_ends": float(gain(mean) > 0),
        f"{prefix}_own_interior": float(((own > 0) & (own < 1)).double().mean()),
        f"{prefix}_own_gain": float(1 - distances.min(0).values.mean() / mean.min()),
        **as_metrics(prefix, {"own_alpha_count": histogram(own)}),
    }


def _curves(points: list[Each]) -> Curves:
    return {name: torch.stack([point[name] for point in points]) for name in points[0]}
