"""How alike pictures are in style, all pairs of them (StEP, section 3.1), and what neighbours have in common.

The style distance of two pictures is the unweighted sum over VGG's layers of the mean squared difference of their Gram
matrices. It is a squared Euclidean distance of codes that are computed once for each picture, so that all pairs take
products of matrices, and no loop over pairs.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.errors import CheckpointError, ReaderError, positive_int
from lossconditioning.losses import PerceptualFeatures, gram
from lossconditioning.training import load_state, save_state

MOST = 8000
"""How many pictures distances are computed of at most: triplets of a subset suffice (section 3.1)."""
_AT_ONCE = 16  # pictures that VGG looks at
_ENTRIES, _WIDTH = 1 << 20, 512  # numbers in a block, which a cache then holds; and in its rows at least


@torch.no_grad()
def style_codes(pictures: Tensor, features: PerceptualFeatures) -> Tensor:
    """Rows whose squared Euclidean distances are style distances.

    A row holds the upper triangles of all layers' Gram matrices, which are symmetric: what stands beside the diagonal
    counts twice, hence is multiplied by √2. A layer of C channels is divided by C: its loss is a mean of C² squares.

    Args:
        pictures: uint8 ``(N, 3, S, S)``, RGB.
        features: whose layers are compared.

    Returns:
        ``(N, D)``, float32, on the device of ``features``. D is the sum of C (C + 1) / 2: 305,888 for VGG's five layers
        relu1_2 to relu5_2, which is 1.2 MB for each picture.

    Raises:
        ReaderError: for what is no such batch.
    """
    _check_pictures(pictures)
    codes = torch.empty(0)
    for begin in range(0, len(pictures), _AT_ONCE):
        part = pictures[begin : begin + _AT_ONCE].to(features.mean.device).float() / 255
        rows = torch.cat([_triangle(gram(found)) for found in features(part).values()], dim=1)
        if begin == 0:
            codes = rows.new_empty(len(pictures), rows.shape[1])
        codes[begin : begin + len(rows)] = rows
    return codes


def _triangle(grams: Tensor) -> Tensor:
    """Gram matrices of one layer ``(B, C, C)`` as rows ``(B, C (C + 1) / 2)``."""
    channels = grams.shape[1]
    row, column = torch.triu_indices(channels, channels, device=grams.device)
    scale = torch.where(row == column, 1.0, 2**0.5) / channels
    return grams.flatten(1).index_select(1, row * channels + column) * scale


@torch.no_grad()
def all_pairs(codes: Tensor, others: Tensor | None = None) -> Tensor:
    """Squared Euclidean distances ``(N, M)`` of codes ``(N, D)`` from others ``(M, D)``, or from one another.

    As ‖a‖² + ‖b‖² − 2 a·b, block by block of the D numbers. The codes' mean is subtracted first: Gram matrices have
    much in common, and the small difference of large, nearly equal numbers would be lost to rounding. What rounding
    leaves below 0 is set to 0, and a code's distance from itself is 0.

    Raises:
        ReaderError: unless both have the same D.
    """
    alone, others = others is None, codes if others is None else others
    if codes.dim() != 2 or others.dim() != 2 or codes.shape[1] != others.shape[1] or not len(codes):
        raise ReaderError(f"Codes are (N, D) and (M, D); got {tuple(codes.shape)} and {tuple(others.shape)}.")
    found = codes.new_zeros(len(codes), len(others))
    norms = [codes.new_zeros(len(each)) for each in (codes, others)]
    width = max(_WIDTH, _ENTRIES // max(found.shape))
    for one, other in zip(codes.split(width, dim=1), others.split(width, dim=1), strict=True):
        middle = one.mean(0)
        one = one - middle
        other = one if alone else other - middle
        found.addmm_(one, other.T, alpha=-2)
        for norm, part in zip(norms, (one, other), strict=True):
            norm += part.square().sum(1)
    found.add_(norms[0][:, None]).add_(norms[1]).clamp_(min=0)
    return found.fill_diagonal_(0) if alone else found


def style_distances(pictures: Tensor, features: PerceptualFeatures, folder: Path | None = None) -> Tensor:
    """Style distances ``(N, N)`` of all pairs of pictures, kept on disk.

    Args:
        pictures: uint8 ``(N, 3, S, S)``, RGB; at most 8,000.
        features: whose layers are compared.
        folder: where the distances are kept, in a file named by the pictures, the layers and VGG's weights; a damaged
            file is written anew. None to keep nothing.

    Raises:
        ReaderError: for more pictures, or for what are none.
    """
    _check_pictures(pictures)
    if len(pictures) > MOST:
        raise ReaderError(
            f"Style distances are of at most {MOST:,} pictures; got {len(pictures):,}. Take a subset, such as "
            f"pictures[:{MOST}]: triplets of a subset suffice (StEP, section 3.1)."
        )
    if folder is None:
        return all_pairs(style_codes(pictures, features)).cpu()
    file = Path(folder) / f"style_distances-{_digest(pictures, features)}.safetensors"
    with suppress(CheckpointError):  # not there yet, or damaged
        return load_state(file, keys=["distances"])["distances"]
    distances = all_pairs(style_codes(pictures, features)).cpu()
    save_state(file, {"distances": distances, "layers": list(features.layers), "source": features.source})
    return distances


def _digest(pictures: Tensor, features: PerceptualFeatures) -> str:
    """Of all that decides the distances; of the weights themselves, for two files of weights may have one name."""
    sha = hashlib.sha256(f"{tuple(pictures.shape)}{features.layers}".encode())
    sha.update(pictures.cpu().contiguous().numpy())
    for name, tensor in features.state_dict().items():
        sha.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.cpu().flatten().contiguous().view(torch.uint8).numpy())
    return sha.hexdigest()[:32]


def _check_pictures(pictures: Tensor) -> None:
    shape = tuple(pictures.shape)
    if pictures.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 3 or not len(pictures):
        raise ReaderError(f"Pictures are uint8 (N, 3, S, S), at least one; got {pictures.dtype} {shape}.")


# What neighbours share --------------------------------------------------------------------------------------------


def shared(nearest: Tensor, factors: Tensor) -> Tensor:
    """For each factor the share of neighbours that have the same value as the one they are next to, ``(F,)`` in [0, 1].

    Args:
        nearest: int64 ``(N, K)``, numbers of neighbours, such as `Neighbours.nearest`.
        factors: int64 ``(N, F)``, see `datasets.Pairs`.
    """
    _check_factors(len(nearest), factors)
    return (factors[nearest] == factors[:, None]).double().mean((0, 1)).float()


def shared_factors(codes: Tensor, factors: Tensor, k: int = 5) -> Tensor:
    """The same for the ``k`` nearest by Euclidean distance of codes ``(N, Z)``, oneself left out: ``(F,)``.

    Raises:
        ReaderError: if there are not that many others, or the factors are of other pictures.
    """
    if positive_int("k", k) >= len(codes):
        raise ReaderError(f"{k} neighbours of each take at least {k + 1} codes; got {len(codes)}.")
    distances = all_pairs(codes).fill_diagonal_(torch.inf)
    return shared(distances.topk(k, largest=False).indices, factors.to(codes.device)).cpu()


def all_shared(codes: Tensor, factors: Tensor, k: int = 5) -> float:
    """Share of the ``k`` nearest neighbours of each code that have the same value of every factor."""
    return float(shared_factors(codes, as_one(factors), k))


def chance(factors: Tensor) -> Tensor:
    """What `shared` is on average with neighbours chosen at random: ``(F,)``; for all factors at once, see `as_one`."""
    count = len(factors)
    _check_factors(max(count, 2), factors)
    values = [torch.unique(column, return_counts=True)[1].double() for column in factors.T]
    return torch.stack([(each * (each - 1)).sum() / (count * (count - 1)) for each in values]).float()


def as_one(factors: Tensor) -> Tensor:
    """All factors as one, ``(N, 1)``: rows have the same value where they agree in every factor."""
    return torch.unique(factors, dim=0, return_inverse=True)[1][:, None]


def _check_factors(count: int, factors: Tensor) -> None:
    if factors.dim() != 2 or len(factors) != count or not factors.shape[1]:
        raise ReaderError(f"Factors are ({count}, F), a row for each picture; got {tuple(factors.shape)}.")
