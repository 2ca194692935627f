"""What a codec refuses: pictures that are none, and weights that are none of its own."""

import numpy as np
import pytest
import torch
from small_codecs import corner, small_codec

from lossconditioning.codec import Codec, LamRange
from lossconditioning.errors import ReaderError
from lossconditioning.systems.compression import LAM_RANGE

LIMITS = LamRange(LAM_RANGE).limits


@pytest.fixture(scope="module")
def codec() -> Codec:
    return small_codec(8, 12)


@pytest.mark.parametrize(
    ("picture", "given"),
    [
        (torch.rand(3, 8, 8), r"torch.float32 \(3, 8, 8\)"),
        (torch.full((3, 8, 8), torch.nan), r"torch.float32 \(3, 8, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), r"torch.int64 \(3, 8, 8\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"torch.uint8 \(8, 8, 3\)"),
        (torch.zeros(1, 8, 8, dtype=torch.uint8), r"torch.uint8 \(1, 8, 8\)"),
        (torch.zeros(4, 8, 8, dtype=torch.uint8), r"torch.uint8 \(4, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"torch.uint8 \(1, 3, 8, 8\)"),
        (torch.zeros(8, 8, dtype=torch.uint8), r"torch.uint8 \(8, 8\)"),
        (np.zeros((3, 8, 8), dtype=np.uint8), "ndarray"),
        ("picture.png", "str"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(codec, picture, given):
    with pytest.raises(ReaderError, match=rf"uint8 tensor \(3, H, W\).*got {given}"):
        codec.compress(picture, 0.01)


@pytest.mark.parametrize("shape", [(3, 0, 8), (3, 8, 0), (3, 1, 65536), (3, 65536, 1)])
def test_a_picture_too_small_or_too_large_is_refused(codec, shape):
    with pytest.raises(ReaderError, match=rf"1 to 65,535 pixels a side; got \({shape[0]}, {shape[1]}, {shape[2]}\)"):
        codec.compress(torch.zeros(shape, dtype=torch.uint8), 0.01)


@pytest.mark.parametrize("lam", [0, -0.1, LIMITS[0] * 0.99, LIMITS[1] * 1.01, np.nan, np.inf, "0.01", None])
def test_what_is_no_weight_is_refused(codec, lam):
    for call in (
        lambda: codec.compress(corner(8, 8), lam),
        lambda: codec.symbols(corner(8, 8), lam),
        lambda: codec.picture(codec.symbols(corner(8, 8), 0.01), 8, 8, lam),
        lambda: codec.pack(codec.symbols(corner(8, 8), 0.01), 8, 8, lam),
    ):
        with pytest.raises(ReaderError, match=r"between 0\.00012 and 2\.6 .*; got"):
            call()
