#!/usr/bin/env bash
# scikit-image 0.26.0: one pixel a trillionth below zero in the reference adds 6.02 dB to the PSNR.
#
# Guess: a change of 1e-12 in one pixel changes the PSNR by nothing to speak of; the range of a floating point
#     picture is 1, or 2, always.
# What happens: without data_range, the range of a float picture is taken to be 1 if the reference has no negative value
#     and 2 if it has one. The same error in the same picture is then four times as good: 20 log10(2) = 6.02 dB.
# Seen: 26.00 dB, and 32.02 dB after the pixel at the corner went from 0 to -1e-12.
# Source: skimage/metrics/simple_metrics.py, peak_signal_noise_ratio: data_range is dmax if the smallest value of
#     image_true is not negative, else dmax - dmin, and floats range from -1 to 1 in dtype_range. The docstring only says
#     that it is estimated from the data type.
# What bears on users: decoders, upscalers and centred pictures overshoot zero, and interpolated references do. A point of
#     a rate-distortion curve may so jump by 6 dB. Always give data_range. This course computes its PSNR from the mean
#     squared error of 0 to 255.
. "$(dirname "$0")/_environment.sh"
environment scikit-image==0.26.0 numpy==2.4.6

"$python" - <<'END'
import math

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

random = np.random.default_rng(0)
reference = random.random((256, 256))
reference[0, 0] = 0.0
noisy = reference + random.normal(0, 0.05, reference.shape)
overshot = reference.copy()
overshot[0, 0] = -1e-12

before, after = peak_signal_noise_ratio(reference, noisy), peak_signal_noise_ratio(overshot, noisy)
print(f"PSNR {before:.2f} dB, and {after:.2f} dB with one pixel at -1e-12")
assert abs(after - before - 20 * math.log10(2)) < 1e-3

given = [peak_signal_noise_ratio(picture, noisy, data_range=1.0) for picture in (reference, overshot)]
print(f"with data_range=1: {given[0]:.2f} dB and {given[1]:.2f} dB")
assert abs(given[0] - given[1]) < 1e-9 and abs(given[0] - before) < 1e-9
END
