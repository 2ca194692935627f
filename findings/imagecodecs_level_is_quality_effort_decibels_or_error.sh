#!/usr/bin/env bash
# imagecodecs 2026.3.6: `level` is a quality in one codec, in the next the effort, decibels or the error allowed.
#
# Guess: level=10 makes a small, poor file and level=90 a larger, better one, in every lossy codec; 100 is the best.
# What happens:
#   jpeg    a quality, as guessed.
#   avif    a quality, and 100 is lossless.
#   jpegxl  a quality, and 100 is not lossless; lossless, and smaller, is leaving it out.
#   webp    the effort of lossless coding: every level from 0 to 100 is lossless, and the size hardly moves. Lossy coding
#           has to be asked for with lossless=False.
#   jpeg2k  the PSNR to aim at in dB: 10 leaves almost nothing of the picture, and 0 is lossless.
#   jpegls  the largest error allowed in a pixel, so that more is worse and 0 is lossless.
# Seen: the table that the script prints (a 128 x 128 test picture): PSNR and bytes by level.
# Source: stubs and docstrings of imagecodecs give `level` a type and no meaning; each codec hands it on to its library
#     (imagecodecs/_webp.pyx, _jpeg2k.pyx, _jpegls.pyx, _jpegxl.pyx, _avif.pyx). In _webp.pyx of 2020, level was WebP's
#     lossy quality, so that code of that time now writes lossless files without a word.
# What bears on users: a rate-distortion curve swept over `level` in a loop over codecs is wrong for three of six. Check
#     each curve for falling distortion. This course's reference codecs are written by Pillow, one by one.
. "$(dirname "$0")/_environment.sh"
environment imagecodecs==2026.3.6 numpy==2.4.6

"$python" - <<'END'
import imagecodecs
import numpy as np

rows, columns = np.mgrid[0:128, 0:128]
waves = np.stack([np.sin(rows / 9) + np.cos(columns / 7), np.sin((rows + columns) / 11), np.cos(rows * columns / 900)], -1)
noise = np.random.default_rng(0).normal(0, 6, waves.shape)
picture = np.clip(128 + 50 * waves + noise, 0, 255).astype(np.uint8)


def measure(codec, level, **options):
    data = getattr(imagecodecs, f"{codec}_encode")(picture, level=level, **options)
    shown = getattr(imagecodecs, f"{codec}_decode")(data)[..., :3]
    error = np.mean((shown.astype(float) - picture) ** 2)
    return (np.inf if error == 0 else 10 * np.log10(255**2 / error)), len(data)


LEVELS = (None, 0, 10, 50, 90, 100)
psnr, size = {}, {}
for codec in ("jpeg", "avif", "jpegxl", "webp", "jpeg2k", "jpegls"):
    for level in LEVELS:
        psnr[codec, level], size[codec, level] = measure(codec, level)
    print(f"{codec:7}", "  ".join(f"{level}: {psnr[codec, level]:.1f} dB {size[codec, level]:,}" for level in LEVELS))

assert psnr["jpeg", 10] < psnr["jpeg", 50] < psnr["jpeg", 90] < psnr["jpeg", 100] < np.inf
assert psnr["avif", 10] < psnr["avif", 90] < psnr["avif", 100] == np.inf
assert psnr["jpegxl", 10] < psnr["jpegxl", 90] < psnr["jpegxl", 100] < np.inf == psnr["jpegxl", None]
assert size["jpegxl", None] < size["jpegxl", 100]
assert all(psnr["webp", level] == np.inf for level in LEVELS)
assert measure("webp", 10, lossless=False)[0] < 40
assert psnr["jpeg2k", 0] == np.inf and psnr["jpeg2k", 10] < 20 and psnr["jpeg2k", 50] > 45
assert psnr["jpegls", 0] == np.inf > psnr["jpegls", 10] > psnr["jpegls", 50] > psnr["jpegls", 90]
END
