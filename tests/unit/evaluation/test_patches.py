"""Leakage: patches that are another picture's, where it is known whose they are."""

import math

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import scenery
from lossconditioning.evaluation import leakage


@pytest.fixture(scope="module")
def pictures():
    return scenery(5, size=64)


def shuffled(picture, tile=12):
    """Tiles of a picture, at other places: ``(1, 3, H, W)``."""
    rows = [picture[:, top : top + tile, left : left + tile] for top in (0, 12, 24, 36) for left in (0, 12, 24, 36, 48)]
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0)).tolist()
    tiles = [rows[place] for place in order]
    return torch.cat([torch.cat(tiles[line : line + 5], dim=2) for line in range(0, 20, 5)], dim=1)[None]


def test_the_own_picture_leaks_nothing_whole_or_in_tiles(pictures):
    assert leakage(pictures[:1], pictures[0], pictures[1:]) == 0
    assert leakage(shuffled(pictures[0]), pictures[0], pictures[1:], patch=12, stride=12) == 0


def test_another_picture_leaks_all(pictures):
    assert leakage(pictures[1:], pictures[0], pictures[1:]) == 1


def test_half_of_another_picture_leaks_half(pictures):
    half = pictures[0].clone()
    half[:, :, 32:] = pictures[3][:, :, 32:]
    assert leakage(half[None], pictures[0], pictures[1:], patch=8, stride=8) == 0.5


def test_nothing_leaks_from_a_picture_that_is_not_among_the_others(pictures):
    """The search is over the pictures of the batch only."""
    assert leakage(pictures[3][None], pictures[3], pictures[:3]) == 0


def test_noise_leaks_by_chance_and_other_views_of_the_own_picture_little(pictures):
    """The reference: what a faithful sample would score, jittered or cut out larger."""
    own, others = pictures[4], pictures[:4]
    draw = torch.Generator().manual_seed(0)
    jittered = (own / 255 + 0.03 * torch.randn(2, *own.shape, generator=draw)).clamp(0, 1)
    enlarged = torch.nn.functional.interpolate(
        own[None, :, 6:42, 8:56] / 255, size=own.shape[1:], mode="bicubic"
    ).clamp(0, 1)
    assert leakage(jittered, own, others) < 0.1
    assert leakage(enlarged, own, others) < 0.25
    assert leakage(enlarged, own, others) < 0.5 * leakage(enlarged, others[1], [own, *others[2:]])


def test_what_both_pictures_have_is_the_own_ones():
    plain = torch.full((3, 20, 20), 0.7)
    assert leakage(plain[None], plain, plain[None]) == 0
    assert leakage(plain[None], plain + 1e-5, plain[None]) == 0  # nearer by less than rounding


def test_the_search_is_exact(pictures):
    """As by all differences, one by one."""
    sample, own, others = pictures[2][:, :20, :24], pictures[0][:, :21, :22], pictures[[1, 3]][..., :19, :30]
    made, mine, *theirs = (
        torch.nn.functional.unfold(each[None].double() / 255, 7, stride=step)[0].T
        for each, step in ((sample, 3), (own, 1), (others[0], 1), (others[1], 1))
    )
    nearest = [(made[:, None] - real[None]).square().sum(2).amin(1) for real in (mine, *theirs)]
    expected = (torch.stack(nearest[1:]).amin(0) < nearest[0] - 1e-4).double().mean()
    assert 0 < expected < 1
    assert leakage(sample[None], own, others, patch=7, stride=3) == pytest.approx(float(expected))


def test_others_may_have_any_sizes_and_numbers_any_type(pictures):
    others = [pictures[1], pictures[2][:, :30], pictures[3][..., :40]]
    assert leakage(pictures[2:3] / 255, pictures[0], others, stride=8) == leakage(
        pictures[2:3], pictures[0] / 255, [other / 255 for other in others], stride=8
    )


def test_what_can_not_be_compared_is_refused(pictures):
    with pytest.raises(ReaderError, match="give one other picture or more"):
        leakage(pictures[:1], pictures[0], pictures[:0])
    with pytest.raises(ReaderError, match=r"Samples are \(N, 3, H, W\), at least one; got \(3, 48, 64\)"):
        leakage(pictures[0], pictures[0], pictures[1:])
    with pytest.raises(ReaderError, match="with sides of 60 pixels"):
        leakage(pictures[:1], pictures[0], pictures[1:], patch=60)
    with pytest.raises(ReaderError, match="Pixels must be finite"):
        leakage(torch.full((1, 3, 20, 20), math.inf), pictures[0], pictures[1:])
    for name in ("patch", "stride"):
        with pytest.raises(ReaderError, match=f"{name} must be a whole number"):
            leakage(pictures[:1], pictures[0], pictures[1:], **{name: 0})
