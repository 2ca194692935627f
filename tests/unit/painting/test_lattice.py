"""Regular patterns are found at the period they have, and nowhere else."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.painting import lattice


def noise(side: int = 64, count: int = 1) -> torch.Tensor:
    return 0.5 + 0.1 * torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(2))


def checkerboard(period: int, side: int = 64) -> torch.Tensor:
    """1 and −1 in squares of half a period."""
    steps = torch.arange(side) // (period // 2)
    return (1.0 - 2.0 * ((steps[:, None] + steps) % 2)).expand(1, 3, -1, -1)


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("side", [32, 64, 130])
def test_a_checkerboard_stands_out_at_its_own_period(period, side):
    found = lattice(noise(side) + 0.1 * checkerboard(period, side))
    other = {2: 4, 4: 2}[period]
    assert found[period].item() > 10
    assert 0.5 < found[other].item() < 2


def test_the_stronger_the_pattern_the_higher_the_peak():
    peaks = [lattice(noise() + share * checkerboard(2))[2].item() for share in (0.0, 0.03, 0.1, 0.3)]
    assert peaks == sorted(peaks)
    assert peaks[0] < 2


@pytest.mark.parametrize("axis", [2, 3])
def test_stripes_of_one_direction_are_found(axis):
    stripes = (1.0 - 2.0 * (torch.arange(64) % 2)).view([1, 1, *(64 if axis == i else 1 for i in (2, 3))])
    assert lattice(noise() + 0.1 * stripes)[2].item() > 10


def test_every_picture_of_a_batch_has_its_own_number():
    pictures = noise(count=3)
    pictures[1] += 0.2 * checkerboard(4)[0]
    found = lattice(pictures)
    assert {period: tuple(value.shape) for period, value in found.items()} == {2: (3,), 4: (3,)}
    assert found[4].argmax() == 1
    torch.testing.assert_close(found[4][:1], lattice(pictures[:1])[4])


def test_one_colour_has_no_pattern():
    for value in lattice(torch.full((1, 3, 40, 48), 0.25)).values():
        torch.testing.assert_close(value, torch.ones(1, dtype=torch.float64), rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 3, 31, 64)])
def test_what_is_no_batch_of_pictures_is_refused(shape):
    with pytest.raises(ReaderError, match="32 pixels a side or more"):
        lattice(torch.zeros(shape))
