"""Large pictures are coded in tiles, with bounded memory."""

import resource
import sys

import numpy as np
import psutil
import pytest
import torch
from small_codecs import elsewhere

from lossconditioning.codec import tiles
from lossconditioning.systems import compression


def code_and_decode(height: int, width: int, tile: int) -> tuple[int, float, float, float]:
    """Size of the file, PSNR, the process's peak memory in bytes, and by how much it grew."""
    torch.set_num_threads(1)
    tiles.TILE = tile
    rows, columns = np.mgrid[:height, :width]
    waves = [127 + 60 * np.sin(rows / a) + 60 * np.cos(columns / b) for a, b in ((90, 70), (50, 110), (130, 40))]
    picture, codec = torch.from_numpy(np.stack(waves).astype(np.uint8)), compression.open_codec("yoto_wider_batch16")
    before = psutil.Process().memory_info().rss
    data = codec.compress(picture, 0.01)
    psnr = compression.quality(picture, codec.decompress(data), similarity=False)["psnr"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return len(data), psnr, peak, peak - before


def taken(height: int, width: int, tile: int) -> tuple[float, float]:
    """Peak memory and growth of a process that codes a picture and nothing else."""
    size, psnr, peak, grown = elsewhere(code_and_decode, height, width, tile)
    megapixels = height * width / 1e6
    print(
        f"\n{megapixels:g} megapixels: {size:,} bytes, {psnr:.1f} dB, peak memory {peak / 1e9:.2f} GB, {grown / 1e9:.2f} more"
    )
    assert size < height * width / 4
    assert psnr > 30
    return peak, grown


@pytest.mark.slow(10)
def test_tiles_take_less_memory_than_the_whole():
    assert taken(800, 1000, tile=256)[1] < 0.24e9  # in one piece 0.31 GB


@pytest.mark.thorough
def test_twelve_megapixels_take_less_than_three_gigabytes():
    assert taken(3000, 4000, tile=tiles.TILE)[0] < 3e9
