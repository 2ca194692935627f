"""Meeting a target by searching the one input: files that just fit, pictures just good enough."""

import math
import warnings

import pytest
import torch
from small_codecs import corner, small_codec

from lossconditioning import ReaderError
from lossconditioning.codec import OVERHEAD, LamRange, to_psnr, to_size
from lossconditioning.errors import WeightWarning
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems.compression import LAM_RANGE

LIMITS = LamRange(LAM_RANGE).limits
PICTURE = corner(192, 256)
pytestmark = pytest.mark.filterwarnings("ignore::lossconditioning.errors.WeightWarning")


@pytest.fixture(scope="module")
def codec():
    """Untrained, but FiLM stands still and the quantisation step follows λ: size and quality grow with it."""
    return small_codec(8, 32, gain=0.0)


def reached(codec, data, picture=PICTURE) -> float:
    return quality(picture, codec.decompress(data), similarity=False)["psnr"]


@pytest.fixture(scope="module")
def ends(codec):
    """Sizes and qualities at the ends of the range that is searched."""
    files = [codec.compress(PICTURE, lam) for lam in LAM_RANGE]
    return [len(data) for data in files], [reached(codec, data) for data in files]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.8, 0.99])
def test_a_file_of_a_target_size_just_fits(codec, ends, share):
    (low, high), _ = ends
    target = round(low * (high / low) ** share)
    found = to_size(codec, PICTURE, target)
    assert 0.99 * target - 4 <= len(found.data) <= target  # payloads grow by four bytes at a time
    assert found.data == codec.compress(PICTURE, found.lam)
    assert found.psnr == reached(codec, found.data)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.97])
def test_a_file_of_a_target_quality_is_just_good_enough(codec, ends, share):
    _, (low, high) = ends
    target = low + share * (high - low)
    found = to_psnr(codec, PICTURE, target)
    assert target <= found.psnr <= target + 0.05
    assert found.data == codec.compress(PICTURE, found.lam)
    assert found.psnr == reached(codec, found.data)
    less = codec.compress(PICTURE, max(LAM_RANGE[0], 0.97 * found.lam))
    assert found.lam == LAM_RANGE[0] or reached(codec, less) < target + 0.01


def test_two_targets_a_little_apart_are_told_apart(codec):
    """What a bank of fixed-weight models can not do."""
    sizes = [len(to_size(codec, PICTURE, target).data) for target in range(2000, 2100, 20)]
    assert len(set(sizes)) == 5
    assert sizes == sorted(sizes)


def test_a_target_beyond_the_largest_file_is_answered_with_it(codec, ends):
    found = to_size(codec, PICTURE, 10**7)
    assert (found.lam, len(found.data)) == (LAM_RANGE[1], ends[0][1])


def test_a_quality_below_the_smallest_file_is_answered_with_it(codec, ends):
    for target in (5.0, -3, 0):
        found = to_psnr(codec, PICTURE, target)
        assert (found.lam, len(found.data)) == (LAM_RANGE[0], ends[0][0])


def test_a_smaller_file_than_the_trained_range_makes_is_looked_for_beyond_it(codec, ends):
    target = ends[0][0] - 100
    found = to_size(codec, PICTURE, target)
    assert LIMITS[0] <= found.lam < LAM_RANGE[0]
    assert 0.99 * target - 4 <= len(found.data) <= target


def test_a_better_picture_than_the_trained_range_makes_is_looked_for_beyond_it(codec, ends):
    trained, beyond = ends[1][1], reached(codec, codec.compress(PICTURE, LIMITS[1]))
    assert trained < beyond
    found = to_psnr(codec, PICTURE, (trained + beyond) / 2)
    assert LAM_RANGE[1] < found.lam <= LIMITS[1]
    assert found.psnr >= (trained + beyond) / 2


def test_too_few_bytes_are_refused_with_the_smallest_size(codec):
    smallest = len(codec.compress(PICTURE, LIMITS[0]))
    assert len(to_size(codec, PICTURE, smallest).data) == smallest
    for target in (OVERHEAD + 1, smallest - 1):
        with pytest.raises(ReaderError, match=f"^{target:,} bytes are too few .* smallest file has {smallest:,}"):
            to_size(codec, PICTURE, target)


@pytest.mark.parametrize("target", [60, 99.5])
def test_too_high_a_quality_is_refused_with_the_highest(codec, target):
    best = max(reached(codec, codec.compress(PICTURE, lam)) for lam in (LAM_RANGE[1], LIMITS[1]))
    with pytest.raises(ReaderError, match=rf"^{target:g} dB can not be reached .* has {best:.2f} dB"):
        to_psnr(codec, PICTURE, target)


@pytest.mark.parametrize("target", [math.nan, math.inf, "32", None])
def test_what_is_no_quality_is_refused(codec, target):
    with pytest.raises(ReaderError, match="number of decibels, such as 32; got"):
        to_psnr(codec, PICTURE, target)


@pytest.mark.parametrize("target", [OVERHEAD, 0, -5, 2000.0, math.nan, "2000", None])
def test_what_is_no_size_is_refused(codec, target):
    with pytest.raises(ReaderError, match=rf"at least {OVERHEAD} bytes, of header; got a target of "):
        to_size(codec, PICTURE, target)


def test_a_picture_that_is_easily_met_has_any_quality(codec):
    flat = torch.zeros(3, 64, 64, dtype=torch.uint8)
    assert to_psnr(codec, flat, 40.0).psnr >= 40


def test_a_fixed_weight_model_has_one_size_and_is_refused_others():
    codec = small_codec(8, 32, conditional=False)
    size = len(codec.compress(PICTURE, 0.01))
    assert len(to_size(codec, PICTURE, size + 1000).data) == size
    with pytest.raises(ReaderError, match=f"smallest file has {size:,}"):
        to_size(codec, PICTURE, size - 1)


def test_the_trained_range_is_searched_first(codec):
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeightWarning)
        low, high = (len(codec.compress(PICTURE, lam)) for lam in LAM_RANGE)
        for target in (low, round((low * high) ** 0.5), high, 10 * high):
            found = to_size(codec, PICTURE, target)
            assert LAM_RANGE[0] <= found.lam <= LAM_RANGE[1]
            assert 0.99 * min(target, high) - 4 <= len(found.data) <= target


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
def test_the_tolerance_says_how_closely_the_weight_is_searched(codec, tolerance):
    found = to_size(codec, PICTURE, 2500, tolerance=tolerance)
    assert len(codec.compress(PICTURE, found.lam * (1 + 5 * tolerance))) > 2500 - 4
    assert len(found.data) <= 2500


def test_a_target_that_the_trained_range_meets_warns_of_nothing(codec):
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeightWarning)
        assert LAM_RANGE[0] < to_size(codec, PICTURE, 2500).lam < LAM_RANGE[1]
        assert LAM_RANGE[0] < to_psnr(codec, PICTURE, 27.0).lam < LAM_RANGE[1]


def test_beyond_the_trained_range_a_larger_file_is_not_taken_for_a_better_one():
    """A model extrapolates there, and may do so badly."""
    codec = small_codec(8, 32)  # with FiLM as it starts, its best picture is at λ = 0.04
    assert to_size(codec, PICTURE, 10**6).lam <= LAM_RANGE[1]
