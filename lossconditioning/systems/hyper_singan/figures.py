"""Pictures that generated generators paint, in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import figure, picture_grid
from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.systems.hyper_singan.applications import blended, from_scale, injected, sample, within
from lossconditioning.systems.hyper_singan.data import seen
from lossconditioning.systems.hyper_singan.measures import unit
from lossconditioning.systems.hyper_singan.models import Generator, Weights
from lossconditioning.systems.hyper_singan.pyramid import Size, noises, resized
from lossconditioning.training.randomness import generator as generator_of


@torch.no_grad()
def written(model: Generator, picture: Tensor, side: int = 64) -> list[Weights]:
    """The generators that a hyper-generator writes for one picture ``(3, H, W)`` in [0, 1]."""
    return model.weights(_code(model, picture, side))


def _code(model: Generator, picture: Tensor, side: int) -> Tensor | None:
    """What a picture ``(3, H, W)`` in [0, 1] is embedded as, ``(1, Z)``."""
    if picture.ndim != 3 or picture.shape[0] != 3 or not picture.is_floating_point():
        raise ReaderError(
            f"A picture is (3, H, W), numbers in [0, 1]; got {tuple(picture.shape)} of {picture.dtype}. Divide bytes by 255."
        )
    return model.code(seen(2 * picture[None] - 1, side))


@torch.no_grad()
def samples_figure(
    models: Mapping[str, Generator], pictures: Mapping[str, Tensor], side: int = 64, count: int = 3
) -> Figure:
    """Pictures, and samples of their generators: a row for each sample.

    Args:
        models: label → hyper-generator; or, with one for each picture, picture's name → generator.
        pictures: name → ``(3, H, W)`` in [0, 1].
        count: samples of each model.
    """
    if not models or not pictures:
        raise ReaderError(f"Give one model and one picture or more; got {len(models)} and {len(pictures)}.")
    rows: dict[str, list[Tensor]] = {"picture": list(pictures.values())}
    own = set(models) == set(pictures)
    for label, model in [("", None)] if own else models.items():
        for number in range(positive_int("count", count)):
            blank = " " * (len(rows) + 1)
            rows[label if number == 0 and label else blank] = [
                unit(sample(one, written(one, picture, side), 1, number))[0]
                for name, picture in pictures.items()
                for one in [models[name] if own else model]
            ]
    return picture_grid(rows, list(pictures), side=1.3)


@torch.no_grad()
def interpolation_figure(
    model: Generator, one: Tensor, other: Tensor, starts: Sequence[int], steps: int = 6, side: int = 64, seed: int = 0
) -> Figure:
    """Figure 3: from the generator of one picture to that of another, from different scales on, under the same noise.

    Args:
        one, other: A and B, ``(3, H, W)`` in [0, 1].
        starts: the first scale that is blended, for each row, from 0.
    """
    if not starts:
        raise ReaderError("Give one scale or more where a row's blend begins, such as starts=[0].")
    codes = [_code(model, picture, side) for picture in (one, other)]
    noise, scales = noises(model.grid, 1, generator_of(seed, 87)), len(model.grid)
    alphas = torch.linspace(1, 0, positive_int("steps", steps)).tolist()
    rows = {
        f"from scale {start + 1}": [
            unit(model.generate(blended(*codes, from_scale(start, alpha, scales), model), noise)[-1])[0]
            for alpha in alphas
        ]
        for start in starts
    }
    return picture_grid(rows, [f"α = {alpha:.1f}" for alpha in alphas], side=1.3)


@torch.no_grad()
def edits_figure(
    model: Generator, edits: Mapping[str, tuple[Tensor, Tensor, Tensor]], start: int, side: int = 64, loud: float = 1.0
) -> Figure:
    """Naive edits, and what the original's generators make of them: harmonisation and editing (appendix E).

    Args:
        edits: name → original and edited picture ``(3, H, W)`` in [0, 1], and mask ``(H, W)``.
        start: the first scale that paints.
    """
    rows: dict[str, list[Tensor]] = {"original": [], "changed by hand": [], "painted anew": []}
    if not edits:
        raise ReaderError("Give one edit or more: name → original, edited picture and mask.")
    for name, (original, edited, mask) in edits.items():
        if mask.ndim != 2:
            raise ReaderError(f"A mask is (H, W); got {tuple(mask.shape)} for {name!r}.")
        size = model.grid[-1]
        given = resized(2 * edited[None] - 1, size)
        made = injected(model, written(model, original, side), given, start, loud=loud)
        mixed = within(made, given, resized(mask[None, None].float(), size)[0, 0])
        for row, picture in zip(rows.values(), (original, edited, unit(mixed)[0]), strict=True):
            row.append(picture)
    return picture_grid(rows, list(edits), side=2.2)


@torch.no_grad()
def sizes_figure(model: Generator, picture: Tensor, shapes: Sequence[Size], side: int = 64, seed: int = 0) -> Figure:
    """Pictures of other sizes and aspect ratios by one picture's generators, to one measure (D.12)."""
    weights = written(model, picture, side)
    painted = [unit(sample(model, weights, 1, seed, shape))[0] for shape in shapes]
    if not painted:
        raise ReaderError("Give one size or more, such as shapes=[(58, 78)].")
    made, axes = figure(len(shapes), size=(9.2, 3.6), width_ratios=[width for _, width in shapes])
    for axis, shown, (height, width) in zip(axes, painted, shapes, strict=True):
        axis.imshow(shown.permute(1, 2, 0).numpy(), extent=(0, width, 0, height))
        axis.set(anchor="NW", title=f"{width}×{height}")
        axis.axis("off")
    return made
