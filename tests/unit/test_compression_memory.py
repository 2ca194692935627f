"""A picture of twelve megapixels is coded in tiles, with bounded memory."""

import multiprocessing
import resource
import sys

import numpy as np
import pytest
import torch

from lossconditioning.systems import compression

LIMIT = 3e9  # bytes


def code_and_decode(name: str) -> tuple[int, float, float]:
    """Size of the file, PSNR, and the process's peak memory in bytes."""
    torch.set_num_threads(1)
    rows, columns = np.mgrid[:3000, :4000]
    waves = [127 + 60 * np.sin(rows / a) + 60 * np.cos(columns / b) for a, b in ((90, 70), (50, 110), (130, 40))]
    picture = torch.from_numpy(np.stack(waves).astype(np.uint8))
    codec = compression.open_codec(name)
    data = codec.compress(picture, 0.01)
    psnr = compression.quality(picture, codec.decompress(data), similarity=False)["psnr"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return len(data), psnr, peak


@pytest.mark.slow
def test_twelve_megapixels_take_less_than_three_gigabytes():
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        size, psnr, peak = pool.apply(code_and_decode, ("yoto_wider_batch16",))
    print(f"\n12 megapixels: {size:,} bytes, {psnr:.1f} dB, peak memory {peak / 1e9:.2f} GB")
    assert size < 3_000_000
    assert psnr > 30
    assert peak < LIMIT
