"""What generators of single pictures are used for: other sizes, blends, edits, harmonisation, animation (5.2, E and F)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.systems.hyper_singan.models import Generator, Weights
from lossconditioning.systems.hyper_singan.pyramid import Size, noises, resized, scaled
from lossconditioning.training.randomness import generator as generator_of


def sample(
    model: Generator, weights: Sequence[Weights], count: int = 1, seed: int = 0, size: Size | None = None
) -> Tensor:
    """Pictures of new noise, ``(count, 3, H, W)``; of any size and aspect ratio, for the networks are convolutions (D.12).

    Args:
        weights: of one picture's generators, see `Generator.weights`; or of ``count`` pictures'.
        size: height and width in pixels; those of training if not given.
    """
    positive_int("count", count)
    grid = model.grid if size is None else scaled(model.grid, size)
    return model.generate(weights, noises(grid, count, generator_of(seed, 81)))[-1]


def blended(one: Tensor, other: Tensor, alpha: float | Sequence[float], model: Generator) -> list[Weights]:
    """Generators between those of two pictures, ``α e_A + (1 − α) e_B`` (section 5.2).

    Args:
        one, other: codes ``(1, Z)`` of the pictures A and B.
        alpha: from 1, the generator of A, to 0, that of B: for all scales, or for each.

    Raises:
        ReaderError: if the generators' weights are their own, and not made of codes; or for another number of α.
    """
    if model.embedding is None:
        raise ReaderError(
            "A SinGAN's weights are its own and can not be blended: give the generator of a hypernetwork."
        )
    alphas = [alpha] * len(model.grid) if isinstance(alpha, Real) else list(alpha)
    if len(alphas) != len(model.grid):
        raise ReaderError(f"One α for each of {len(model.grid)} scales, or one for all; got {len(alphas)}.")
    return [
        writer.weights(share * one + (1 - share) * other) for writer, share in zip(model.writers, alphas, strict=True)
    ]


def from_scale(start: int, alpha: float, scales: int) -> list[float]:
    """α of each scale where the finer ones, from ``start`` on, are blended, and the others are those of A (Figure 3).

    Args:
        start: the first scale that is blended; ``scales`` for none.
    """
    if not 0 <= start <= positive_int("scales", scales):
        raise ReaderError(f"start is a scale from 0 to {scales - 1}, or {scales} for none; got {start}.")
    return [1.0 if scale < start else alpha for scale in range(scales)]


def injected(
    model: Generator, weights: Sequence[Weights], picture: Tensor, start: int, seed: int = 0, loud: float = 1.0
) -> Tensor:
    """A picture painted anew by another's generators from one scale on: editing, harmonisation, painting to picture (E).

    Args:
        picture: ``(1, 3, H, W)`` in [−1, 1], of the finest scale's size or any other.
        start: the first scale that paints, 1 or more; the picture, as small as the scale below, stands in for what is below.
        loud: by what the noise is multiplied.
    """
    if not 1 <= start < len(model.grid):
        raise ReaderError(f"start is a scale from 1 to {len(model.grid) - 1}; got {start}.")
    if picture.dim() != 4 or picture.shape[1] != 3:
        raise ReaderError(f"The picture is (1, 3, H, W); got {tuple(picture.shape)}.")
    grid = scaled(model.grid, (picture.shape[-2], picture.shape[-1]))
    noise = [loud * z for z in noises(grid[start:], len(picture), generator_of(seed, 82))]
    return model.generate(weights, noise, resized(picture, grid[start - 1]), start)[-1]


def within(changed: Tensor, untouched: Tensor, mask: Tensor, soft: int = 5) -> Tensor:
    """What was changed inside of a mask ``(H, W)`` in [0, 1], the untouched picture outside; ``soft`` pixels between."""
    if not mask.shape == untouched.shape[-2:] == changed.shape[-2:]:
        raise ReaderError(
            f"A mask (H, W) goes with two pictures (B, 3, H, W) of its size; got {tuple(mask.shape)}, {tuple(changed.shape)} "
            f"and {tuple(untouched.shape)}."
        )
    edge = torch.nn.functional.avg_pool2d(mask[None, None].float(), 2 * soft + 1, 1, soft, count_include_pad=False)
    return torch.lerp(untouched, changed, edge)


def noise_walk(
    model: Generator,
    weights: Sequence[Weights],
    frames: int,
    start: int = 0,
    alpha: float = 0.1,
    beta: float = 0.9,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Frames ``(1, 3, H, W)`` of a walk in the noise's space that stays near a picture's reconstruction (SinGAN, section 4).

    Args:
        start: the first scale whose noise moves; the coarser ones stay the reconstruction's.
        alpha: how much each step returns to the reconstruction's noise.
        beta: how much a step continues the one before.
    """
    positive_int("frames", frames)
    if not 0 <= start < len(model.grid):
        raise ReaderError(f"start is a scale from 0 to {len(model.grid) - 1}; got {start}.")
    generator = generator_of(seed, 83)
    rest = [model.anchor, *(torch.zeros(1, 3, *size) for size in model.grid[1:])]
    now = [
        z + (0.0 if scale < start else 0.3) * torch.randn(z.shape, generator=generator) for scale, z in enumerate(rest)
    ]
    speed = [torch.zeros_like(z) for z in rest]
    for _ in range(frames):
        yield model.generate(weights, now)[-1]
        for scale in range(start, len(rest)):
            fresh = torch.randn(rest[scale].shape, generator=generator)
            before = now[scale]
            moved = before + beta * speed[scale] + (1 - beta) * fresh
            now[scale] = alpha * rest[scale] + (1 - alpha) * moved
            speed[scale] = now[scale] - before
