"""Whose patches a generator makes: its own picture's, or those of others that were trained on with it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.evaluation.finiteness import all_finite

_MARGIN = 1e-6
"""Mean squared difference by which another picture must be nearer: less is rounding, or a patch that both have."""
_BLOCK = 4096


@torch.no_grad()
def leakage(samples: Tensor, own: Tensor, others: Tensor | Sequence[Tensor], patch: int = 11, stride: int = 4) -> float:
    """Share of generated patches that are another picture's: whose nearest patch, of all pictures', is not the own one's.

    Meta Internal Learning shows such leakage (section 5, Figure 2), where a discriminator is shared by the pictures of a
    batch, but has no number for it; this one is ours. Distances are Euclidean, between pixels; the search is exact, over all
    patches of all pictures at every offset. A patch that both have, such as plain sky, counts as the own one's.

    A generator that saw its own picture only scores above 0, too, where others have like patches: ten samples of SinGAN's score
    0.04 and ten of ConSinGAN's 0.03, each among four others of Places-50 (130 pixels wide); real scenery cut out larger 0.06.

    Args:
        samples: of one generator, ``(N, 3, H, W)``, RGB in [0, 1] or uint8.
        own: the picture it was trained on, ``(3, H', W')`` likewise.
        others: pictures that others of its batch were trained on, ``(M, 3, H', W')``, or some ``(3, h, w)`` of any sizes.
        patch: pixels a side, no more than any picture has.
        stride: pixels from one generated patch to the next.

    Returns:
        from 0, if all patches are the own picture's, to 1. For patches that have nothing to do with any of the pictures it is
        M / (M + 1) or so.

    Raises:
        ReaderError: for other shapes, no other picture, pictures smaller than a patch, or numbers that are not finite.
    """
    patch, stride, pictures = positive_int("patch", patch), positive_int("stride", stride), list(others)
    if not pictures:
        raise ReaderError("Leakage is between pictures: give one other picture or more.")
    if samples.ndim != 4 or not len(samples):
        raise ReaderError(f"Samples are (N, 3, H, W), at least one; got {tuple(samples.shape)}.")
    made = torch.cat([_patches(sample, patch, stride) for sample in samples])
    nearest = [_nearest(made, _patches(picture, patch, 1)) for picture in (own, *pictures)]
    theirs = torch.stack(nearest[1:]).amin(0)
    return float((theirs < nearest[0] - _MARGIN * made.shape[1]).double().mean())


def _patches(picture: Tensor, patch: int, stride: int) -> Tensor:
    """Patches of a picture, as rows ``(P, 3 patch²)`` in [−½, ½], where squares lose least to rounding."""
    if picture.ndim != 3 or picture.shape[0] != 3 or min(picture.shape[1:]) < patch:
        raise ReaderError(
            f"Pictures are (3, H, W), RGB, with sides of {patch} pixels, a patch's, or more; got {tuple(picture.shape)}."
        )
    picture = all_finite("Pixels", picture.detach())
    unit = picture.float() if picture.is_floating_point() else picture / 255
    return F.unfold(unit[None] - 0.5, patch, stride=stride)[0].T.contiguous()


def _nearest(made: Tensor, real: Tensor) -> Tensor:
    """Squared distance of each row ``(P, D)`` to the nearest of other rows ``(Q, D)``: ``(P,)``."""
    lengths, found = real.square().sum(1), []
    for some in made.split(_BLOCK):
        best = torch.full((len(some),), torch.inf, device=made.device)
        for part, length in zip(real.split(_BLOCK), lengths.split(_BLOCK), strict=True):
            best = torch.minimum(best, torch.addmm(length, some, part.T, alpha=-2).amin(1))
        found.append(best + some.square().sum(1))
    return torch.cat(found)
