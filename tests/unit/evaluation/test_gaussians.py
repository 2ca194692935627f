"""The Fréchet distance between normal distributions, where it is known."""

import math

import pytest
import scipy.linalg
import torch

from lossconditioning import ReaderError
from lossconditioning.evaluation import frechet
from lossconditioning.evaluation.gaussians import distance, gaussian, gaussian_of


def features(seed, count, width):
    draw = torch.Generator().manual_seed(seed)
    mixed = torch.randn(width, width, generator=draw, dtype=torch.float64)
    return torch.randn(count, width, generator=draw, dtype=torch.float64) @ mixed + seed


def test_the_frechet_distance_is_that_of_two_normal_distributions():
    mean, one, other = (
        torch.tensor([3.0, 4.0]),
        torch.diag(torch.tensor([2.0, 1.0])),
        torch.diag(torch.tensor([1.0, 4.0])),
    )
    white = torch.randn(50_000, 2).double()
    white = (white - white.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(white.T.cov()).T)
    ours, theirs = white @ one.double(), white @ other.double() + mean
    assert frechet(ours, theirs) == pytest.approx(25 + (2 - 1) ** 2 + (1 - 4) ** 2)
    assert frechet(theirs, ours) == pytest.approx(35)
    assert frechet(ours, ours.flip(0)) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_correlated_features_is_scipys():
    ours, theirs = torch.randn(40, 7).double() @ torch.randn(7, 7).double(), torch.randn(40, 7).double() + 0.3
    one, other = ours.T.cov(), theirs.T.cov()
    root = torch.from_numpy(scipy.linalg.sqrtm((one @ other).numpy()).real)
    expected = (ours.mean(0) - theirs.mean(0)).square().sum() + (one + other - 2 * root).trace()
    assert frechet(ours, theirs) == pytest.approx(float(expected))


def test_sets_of_two_sizes_have_no_frechet_distance():
    with pytest.raises(ReaderError, match="one size, 2 or more, have a Fréchet distance; got 4 and 3"):
        frechet(torch.zeros(4, 2), torch.zeros(3, 2))


def test_moments_give_what_their_features_give():
    ours, theirs = features(1, 60, 5), features(2, 40, 5)  # of two sizes
    known = [gaussian_of(each.mean(0), each.T.cov()) for each in (ours, theirs)]
    assert float(distance(*known)) == pytest.approx(float(distance(gaussian(ours), gaussian(theirs))))


def test_distances_of_many_are_those_of_each():
    many, one = torch.stack([features(seed, 30, 4) for seed in range(3)]), features(9, 50, 4)
    found = distance(gaussian(many), gaussian(one))
    assert found.shape == (3,)
    assert found.tolist() == pytest.approx([float(distance(gaussian(each), gaussian(one))) for each in many])


def test_fewer_rows_than_features_do_no_harm():
    """In a plane of twelve dimensions the distance is that within the plane."""
    ours, theirs = features(1, 40, 2), features(2, 40, 2)
    turned = torch.linalg.qr(features(3, 12, 12)).Q[:2]
    flat = frechet(ours, theirs)
    assert frechet(ours @ turned, theirs @ turned) == pytest.approx(flat)
    assert frechet(ours[:3] @ turned, theirs[:3] @ turned) == pytest.approx(frechet(ours[:3], theirs[:3]))
    moments = [gaussian_of((e @ turned).mean(0), (e @ turned).T.cov()) for e in (ours, theirs)]
    assert float(distance(*moments)) == pytest.approx(flat, rel=1e-5)


def test_one_distribution_is_at_no_distance_from_itself():
    for count in (3, 100):
        own = features(4, count, 20)
        assert 0 <= frechet(own, own) < 1e-9
    constant = torch.ones(5, 3)
    assert frechet(constant, constant) == 0
    assert frechet(constant, constant + 2) == pytest.approx(12)


def test_single_precision_is_computed_in_double():
    """Far from the origin single precision would lose the spread."""
    ours, theirs = features(1, 50, 3), features(1, 50, 3) * 2
    far = frechet((ours + 1000).float(), (theirs + 1000).float())
    assert far == pytest.approx(frechet(ours, theirs), rel=1e-2)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(ReaderError, match=r"Features are \(\.\.\., N, C\), N at least 2; got \(1, 3\)"):
        gaussian(torch.zeros(1, 3))
    with pytest.raises(ReaderError, match=r"Features .* must be finite"):
        gaussian(torch.tensor([[0.0], [math.nan]]))
    with pytest.raises(ReaderError, match=r"A mean \(\.\.\., C\) has a covariance .*got \(3,\) and \(2, 2\)"):
        gaussian_of(torch.zeros(3), torch.eye(2))
    for wrong in ([[1.0, 0.5], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]):
        with pytest.raises(ReaderError, match="symmetric and has no negative eigenvalue"):
            gaussian_of(torch.zeros(2), torch.tensor(wrong))
    with pytest.raises(ReaderError, match="the same features are compared; got 2 and 3"):
        distance(gaussian(features(1, 9, 2)), gaussian(features(1, 9, 3)))
