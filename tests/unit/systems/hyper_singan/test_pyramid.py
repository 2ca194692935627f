"""Scales: how large they are, how pictures come to their sizes, and how a scale is painted on the one below."""

import pytest
import torch
import torch.nn.functional as F
from small_hyper import some

from lossconditioning import ReaderError
from lossconditioning.systems.hyper_singan.pyramid import noises, paint, pyramid, resized, scaled, sizes


def test_each_scale_is_wider_by_the_factor_and_three_quarters_as_high():
    assert sizes(28, 0.6, 4) == [(21, 28), (35, 47), (58, 78), (98, 130)]
    widths = [width for _, width in sizes(25, (25 / 256) ** (1 / 6), 7)]
    assert (widths[0], widths[-1], len(widths)) == (25, 256, 7)


def test_a_pyramid_of_another_size_has_the_same_proportions():
    grid = sizes(28, 0.6, 3)
    assert scaled(grid, grid[-1]) == grid
    assert scaled(grid, (58, 156)) == [(21, 56), (35, 94), (58, 156)]  # twice as wide
    assert scaled(grid, (116, 78)) == [(42, 28), (70, 47), (116, 78)]
    assert scaled(grid, (4, 4))[0] == (3, 3)  # one convolution at least


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (64, r"A size is \(height, width\) in pixels, such as \(58, 78\); got 64"),
        ((64, 64, 3), "A size is"),
        ((0, 64), "height must be a whole number of at least 1; got 0"),
        ((64, 64.5), "width must be"),
    ],
)
def test_what_is_no_size_is_said(size, said):
    with pytest.raises(ReaderError, match=said):
        scaled(sizes(28, 0.6, 3), size)


def test_smaller_pictures_are_averages_and_larger_ones_are_interpolated():
    stripes = torch.tensor([-1.0, 1, 1, -1]).repeat(8).expand(1, 3, 24, 32)
    inner = resized(stripes, (6, 8))[..., 1:-1]
    assert float(inner.abs().max()) < 1e-5  # the two pixels in the middle of four are 1
    picture = some(1)
    assert torch.equal(resized(picture, (24, 32)), F.interpolate(picture, (24, 32), mode="bilinear"))
    assert resized(picture, (12, 16)) is picture
    assert [tuple(level.shape[-2:]) for level in pyramid(picture, [(3, 4), (12, 16)])] == [(3, 4), (12, 16)]


def test_painting_is_equation_1():
    below, noise = some(2, (6, 8), seed=1), some(2, seed=2)

    def network(x):
        return 2 * x + 1

    assert torch.equal(paint(network, None, noise), 2 * noise + 1)
    enlarged = F.interpolate(below, (12, 16), mode="bilinear")
    torch.testing.assert_close(paint(network, below, noise), enlarged + 2 * (enlarged + noise) + 1)


def test_noise_is_standard_normal_and_its_generators_alone():
    grid = [(40, 50), (70, 80)]
    first, again = (noises(grid, 4, torch.Generator().manual_seed(3)) for _ in range(2))
    for one, other, size in zip(first, again, grid, strict=True):
        assert one.shape == (4, 3, *size)
        assert torch.equal(one, other)
        assert float(one.mean()) == pytest.approx(0, abs=0.03)
        assert float(one.std()) == pytest.approx(1, abs=0.03)
