"""Comparing codecs: the Bjøntegaard delta rate, by hand and by its symmetries, PSNR, and MS-SSIM in decibels."""

import math

import numpy as np
import pytest
import torch
from small_codecs import corner

from lossconditioning import ReaderError
from lossconditioning.evaluation import bd_rate, ms_ssim, similarity_decibels
from lossconditioning.evaluation.rate_distortion import psnr, quality, squared_error

# BD-rate --------------------------------------------------------------------------------------------------------------

RATE, QUALITY = torch.tensor([0.1, 0.25, 0.5, 1.0, 2.2]), torch.tensor([26.0, 29.5, 32.0, 35.5, 39.0])


def test_equal_curves_have_bd_rate_0_in_whatever_order_the_points_come():
    assert bd_rate(RATE, QUALITY, RATE, QUALITY) == 0
    order = torch.tensor([3, 0, 4, 2, 1])
    assert bd_rate(RATE[order], QUALITY[order], RATE, QUALITY) == pytest.approx(0, abs=1e-9)
    ours, shuffled = bd_rate(RATE * 1.3, QUALITY + 1, RATE, QUALITY), (RATE[order] * 1.3, QUALITY[order] + 1)
    assert bd_rate(*shuffled, RATE, QUALITY) == pytest.approx(ours)


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0, 1.2, 3.0])
def test_a_codec_that_takes_a_share_of_the_bits_has_that_bd_rate(share):
    assert bd_rate(share * RATE, QUALITY, RATE, QUALITY) == pytest.approx(100 * (share - 1), abs=1e-4)


def test_two_points_give_what_one_gets_by_hand():
    # log₂ rate: 0 to 2 over 30 to 40 dB, and 1 to 2 over 32 to 38 dB. Between 32 and 38 dB their means are 1 and 1.5.
    found = bd_rate(torch.tensor([2.0, 4.0]), torch.tensor([32.0, 38.0]), torch.tensor([1.0, 4.0]), [30.0, 40.0])
    assert found == pytest.approx(100 * (2**0.5 - 1))


def test_a_shift_in_quality_is_the_slope_of_the_curve():
    # A tenfold rate for every 20 dB; 1 dB better is 10^(−1/20) of the rate.
    quality = torch.linspace(20, 40, 9)
    rate = 10 ** (quality / 20 - 1.5)
    assert bd_rate(rate, quality + 1, rate, quality) == pytest.approx(100 * (10**-0.05 - 1), rel=1e-4)
    assert bd_rate(rate, quality - 1, rate, quality) == pytest.approx(100 * (10**0.05 - 1), rel=1e-4)


def test_dense_curves_give_the_trapezoid_rule():
    quality = np.linspace(25, 40, 400)
    ours, theirs = np.exp(0.01 * (quality - 10) ** 1.9 / 2 - 4), np.exp(0.2 * (quality - 28) - 1.5)
    found = bd_rate(*(torch.from_numpy(v) for v in (ours, quality, theirs[:300], quality[:300])))
    difference = np.log(ours[:300] / theirs[:300])
    mean = (difference[:-1] + difference[1:]).sum() / 2 / 299
    assert found == pytest.approx(100 * math.expm1(mean), rel=1e-4)


def test_to_and_fro_cancel():
    there, back = bd_rate(RATE * 1.5, QUALITY + 2, RATE, QUALITY), bd_rate(RATE, QUALITY, RATE * 1.5, QUALITY + 2)
    assert (1 + there / 100) * (1 + back / 100) == pytest.approx(1)


@pytest.mark.parametrize("shift", [13.0, 20.0, -20.0])
def test_curves_without_a_common_quality_can_not_be_compared(shift):
    assert math.isnan(bd_rate(RATE, QUALITY + shift, RATE, QUALITY))


@pytest.mark.parametrize(
    ("rate", "quality", "said"),
    [
        (RATE[:1], QUALITY[:1], r"two or more points.*got \(1,\) and \(1,\)"),
        (RATE, QUALITY[:4], r"got \(5,\) and \(4,\)"),
        (RATE[None], QUALITY[None], r"got \(1, 5\)"),
        (RATE * torch.tensor([0, 1, 1, 1, 1]), QUALITY, "Rates are positive and finite"),
        (-RATE, QUALITY, "Rates are positive and finite"),
        (RATE, QUALITY / torch.tensor([1, 1, 1, 1, 0]), "and qualities finite; point"),
        (RATE, QUALITY * math.nan, "and qualities finite; point"),
        (RATE, QUALITY.flip(0), "quality falls somewhere while the rate grows"),
        (RATE, QUALITY.clamp(max=33), "quality stays the same somewhere.*33.0 at rate 1.0, 33.0 at rate 2.2"),
        ([1.0, 1.00001, 2.0], [31.0, 30.9999, 40.0], r"falls somewhere.*31.0 at rate 1.0, 30.9999 at rate 1.00001\.$"),
        ([1.0, 2.0, 2.0], [30.0, 40.0, 40.0], "Two points of .* are one, rate 2.0 and quality 40.0"),
    ],
    ids=str,
)
def test_what_is_no_curve_is_refused(rate, quality, said):
    for call in (lambda: bd_rate(rate, quality, RATE, QUALITY), lambda: bd_rate(RATE, QUALITY, rate, quality)):
        with pytest.raises(ReaderError, match=said):
            call()


def test_points_of_one_rate_stand_in_whatever_order():
    found = {
        bd_rate(torch.tensor([1.0, 1.0, 4.0])[order], torch.tensor([30.0, 32.0, 38.0])[order], RATE, QUALITY)
        for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0])
    }
    assert len(found) == 1
    assert math.isfinite(found.pop())


def test_a_message_says_whose_point_it_is():
    odd = RATE * torch.tensor([1, 1, 1, math.nan, 1])
    for whose, curves in (
        ("the codec", (odd, QUALITY, RATE, QUALITY)),
        ("the reference", (RATE, QUALITY, odd, QUALITY)),
    ):
        with pytest.raises(ReaderError, match=f"point 3 of {whose} has rate nan and quality 35.5"):
            bd_rate(*curves)


# MS-SSIM --------------------------------------------------------------------------------------------------------------


def test_ms_ssim_of_equal_pictures_is_1_and_less_for_others():
    pictures = torch.stack([corner(176, 200), corner(176, 200, "china")]) / 255
    noise = 0.05 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))
    assert ms_ssim(pictures, pictures).tolist() == pytest.approx([1.0, 1.0])
    near, far = ms_ssim(pictures + noise, pictures), ms_ssim(pictures + 4 * noise, pictures)
    assert near.shape == (2,)
    assert (far < near).all()
    assert (near < 1).all()
    assert near[1] == pytest.approx(ms_ssim(pictures[1:] + noise[1:], pictures[1:]).item(), rel=1e-5)


def test_pictures_of_160_pixels_and_less_have_no_ms_ssim():
    pictures = torch.rand(2, 3, 161, 200, generator=torch.Generator().manual_seed(0))
    for large in (pictures, pictures.mT):
        assert ms_ssim(large, large).tolist() == pytest.approx([1.0, 1.0])
        small = large[:, :, :160] if large is pictures else large[..., :160]
        with pytest.raises(ReaderError, match=r"MS-SSIM halves a picture four times.*160"):
            ms_ssim(small, small)


def test_a_similarity_in_decibels():
    found = similarity_decibels(torch.tensor([0.0, 0.9, 0.99, 1.0], dtype=torch.float64))
    assert found.tolist() == pytest.approx([0, 10, 20, math.inf])


def test_a_similarity_above_1_is_rounding_or_refused():
    assert similarity_decibels(torch.tensor([1 + 2e-7])).tolist() == [math.inf]
    with pytest.raises(ReaderError, match=r"at most 1; got 1\.5"):
        similarity_decibels(torch.tensor([0.5, 1.5]))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_quality(odd):
    pictures = torch.rand(2, 3, 161, 161, generator=torch.Generator().manual_seed(0))
    broken = pictures.clone()
    broken[1, 2, 0, 5] = odd
    for pair in ((broken, pictures), (pictures, broken)):
        with pytest.raises(ReaderError, match=rf"ictures.*{odd} at index 1, 2, 0, 5"):
            ms_ssim(*pair)
    for call in (similarity_decibels, psnr):
        with pytest.raises(ReaderError, match=f"{odd} at index 1"):
            call(torch.tensor([0.5, odd]))
    with pytest.raises(ReaderError, match="not negative; got -1"):
        psnr(torch.tensor([4.0, -1.0]))


def test_pictures_of_different_shapes_are_not_compared():
    with pytest.raises(ReaderError, match=r"one shape .*got \(1, 3, 161, 170\) and \(1, 3, 170, 161\)"):
        ms_ssim(torch.zeros(1, 3, 161, 170), torch.zeros(1, 3, 170, 161))
    with pytest.raises(ReaderError, match="one shape"):
        quality(corner(20, 20), corner(1, 20), similarity=False)


# Squared errors -------------------------------------------------------------------------------------------------------


def test_a_picture_off_by_one_grey_level_has_distortion_1():
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.9
    others = pictures.clone()
    others[0] += 1 / 255
    others[1, :, :4] += 2 / 255  # half of the pixels, by two: four times a half
    assert squared_error(others, pictures).tolist() == pytest.approx([1.0, 2.0], rel=1e-3)
    assert squared_error(pictures, pictures).tolist() == [0, 0]


def test_psnr_is_that_of_grey_levels():
    found = psnr(torch.tensor([255.0**2, 1.0, 65.025, 0.0]))
    assert found.tolist() == pytest.approx([0.0, 20 * math.log10(255), 30.0, math.inf], abs=1e-4)


def test_quality_is_that_of_grey_levels():
    picture = corner(177, 180)
    other = picture.clone()
    other[:, ::2] ^= 1  # every other row off by one grey level
    found = quality(picture, other)
    assert found["distortion"] == pytest.approx(89 / 177, rel=1e-5)
    assert found["psnr"] == pytest.approx(10 * math.log10(255**2 * 177 / 89), rel=1e-5)
    assert found["ms_ssim"] > 20
    assert set(quality(picture, other, similarity=False)) == {"distortion", "psnr"}
    assert quality(picture, picture)["psnr"] == math.inf


@pytest.mark.parametrize("side", [1, 10, 160, 161, 175])
def test_the_quality_of_small_pictures_has_no_ms_ssim(side):
    found = quality(corner(side, 200), corner(side, 200, "china"))
    assert math.isnan(found["ms_ssim"]) == (side <= 160)
