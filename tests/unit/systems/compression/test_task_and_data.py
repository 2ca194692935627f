"""Compression's units and patches: what the two terms measure, and what they are trained on."""

import pytest
import torch
from small_codecs import corner, small_codec

from lossconditioning import ReaderError
from lossconditioning.evaluation.rate_distortion import squared_error
from lossconditioning.systems import compression
from lossconditioning.systems.compression import LAM_RANGE
from lossconditioning.systems.compression.models import Output

# The weight -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 5, 9])
def test_the_grid_goes_from_end_to_end_in_equal_ratios(count):
    grid = compression.lam_grid(count)
    assert (grid.dtype, grid.shape) == (torch.float32, (count,))
    assert (grid[0].item(), grid[-1].item()) == pytest.approx(LAM_RANGE, rel=1e-6)
    ratio = (LAM_RANGE[1] / LAM_RANGE[0]) ** (1 / (count - 1))
    assert (grid[1:] / grid[:-1]).tolist() == pytest.approx([ratio] * (count - 1), rel=1e-5)


# The terms ------------------------------------------------------------------------------------------------------------


def test_the_rate_is_bits_per_pixel_and_every_picture_has_its_own():
    def known(pictures, lam, noise):
        y, z = torch.full((2, 8, 8, 8), 0.5), torch.full((2, 4, 2, 2), 0.25)
        y[1] = 0.125
        return Output(pictures + lam[:, None, None, None], y, z)

    found = compression.terms(known, torch.zeros(2, 3, 128, 128), torch.tensor([1 / 255, 3 / 255]))
    # 512 latents of one or three bits, and 16 hyper-latents of two, over 128² pixels.
    assert found["rate"].tolist() == pytest.approx([(512 + 32) / 128**2, (3 * 512 + 32) / 128**2])
    assert found["distortion"].tolist() == pytest.approx([1.0, 9.0], rel=1e-5)


@pytest.mark.parametrize("lam", [0.002, 0.1])
def test_the_terms_of_rounded_latents_are_those_of_the_file(lam):
    codec, picture = small_codec(), corner(128, 192)
    with torch.inference_mode():
        found = compression.terms(codec.model, picture[None] / 255, torch.tensor([lam]))
        seen = codec.model(picture[None] / 255, torch.tensor([lam])).picture
    bits = codec.estimate(codec.symbols(picture, lam))
    assert found["rate"].item() == pytest.approx(bits / (128 * 192), rel=1e-3)
    assert torch.equal(found["distortion"], squared_error(seen, picture[None] / 255))
    shown = codec.decompress(codec.compress(picture, lam))  # in whole grey levels
    assert (shown - (255 * seen[0]).clamp(0, 255)).abs().max() <= 0.51


# Patches --------------------------------------------------------------------------------------------------------------


def plan(height: int, width: int, number: int) -> torch.Tensor:
    """A picture whose pixels say where they are: row, column, and which picture it is."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns, torch.full_like(rows, number)]).to(torch.uint8)


PLANS = [plan(70, 90, 0), plan(64, 64, 1), plan(63, 200, 2), plan(110, 66, 3)]


def test_patches_are_cut_anywhere_from_any_photograph_and_mirrored_half_of_the_time():
    batch = compression.patches(PLANS, 64, 400, seed=0)(0)
    assert (batch.dtype, tuple(batch.shape)) == (torch.float32, (400, 3, 64, 64))
    cut = (255 * batch).round().to(torch.uint8)
    mirrored, places = 0, {0: set(), 1: set(), 3: set()}
    for patch in cut:
        flipped = bool(patch[1, 0, 0] > patch[1, 0, 1])
        upright = patch.flip(-1) if flipped else patch
        mirrored += flipped
        top, left, number = (int(value) for value in upright[:, 0, 0])
        assert torch.equal(upright, PLANS[number][:, top : top + 64, left : left + 64])
        places[number].add((top, left))
    assert 160 <= mirrored <= 240
    assert places[1] == {(0, 0)}
    for number, last in ((0, (6, 26)), (3, (46, 2))):
        for axis in (0, 1):
            found = {place[axis] for place in places[number]}
            assert min(found) <= 1
            assert last[axis] - 1 <= max(found) <= last[axis]


def test_patches_are_a_function_of_seed_and_step():
    make = compression.patches(PLANS, 64, 8, seed=3)
    fifth = make(5)
    torch.manual_seed(99)
    make(0)
    assert torch.equal(make(5), fifth)
    assert torch.equal(compression.patches(PLANS, 64, 8, seed=3)(5), fifth)
    assert not torch.equal(make(6), fifth)
    assert not torch.equal(compression.patches(PLANS, 64, 8, seed=4)(5), fifth)
    before = torch.get_rng_state()
    make(7)
    assert torch.equal(torch.get_rng_state(), before)


def test_photographs_that_are_too_small_are_left_out_or_refused():
    assert set(compression.patches(PLANS, 64, 100, seed=0)(0)[:, 2].unique().mul(255).tolist()) == {0.0, 1.0, 3.0}
    for none in (PLANS, []):
        with pytest.raises(ReaderError, match="No photograph is 128 pixels wide and high"):
            compression.patches(none, 128, 4, seed=0)
