#!/usr/bin/env bash
# torchmetrics 1.9.0 and pytorch-msssim 1.0.0: the same pictures, window and constants, and two values of SSIM.
#
# Guess: with an 11 x 11 Gaussian window of deviation 1.5, K1 = 0.01, K2 = 0.03 and data_range=1, which both have as their
#     defaults, the two agree to 1e-4.
# What happens: pytorch-msssim averages over the windows that lie inside the picture, as the authors of SSIM and
#     scikit-image do. torchmetrics mirrors five pixels at every side and averages over all pixels. The smaller the picture,
#     the more of it is border; and what happens in the border is counted two or three times.
# Seen, torchmetrics first: noise of 0.02 on a 64 x 64 picture with a plain margin: 0.862 and 0.918, on the scale of
#     -10 log10(1 - SSIM) 2.3 dB; noise in the five top rows of 32 x 32 pixels only: 0.76 and 0.87. On scikit-image's
#     photograph `camera` it is 0.94 dB at 64 x 64 and 0.03 dB at 512 x 512 (seen by hand). MS-SSIM is refused below 176
#     pixels and below 161.
# Source: torchmetrics/functional/image/ssim.py pads with mode="reflect" (and crops only the contrast map that MS-SSIM
#     uses); pytorch_msssim/ssim.py convolves with padding=0. Wang et al. 2004 publish code without padding.
# What bears on users: name the package beside every SSIM, and never subtract values of two packages. This course uses
#     pytorch-msssim throughout; figures of papers measured with torchmetrics lie lower on small pictures.
. "$(dirname "$0")/_environment.sh"
environment torchmetrics==1.9.0 pytorch-msssim==1.0.0 scikit-image==0.26.0 torch==2.12.0 numpy==2.4.6

"$python" - <<'END'
import math

import torch
from pytorch_msssim import ms_ssim, ssim
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)


def three(picture, other):
    arrays = picture[0, 0].numpy(), other[0, 0].numpy()
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return (
        float(structural_similarity_index_measure(other, picture, data_range=1.0)),
        float(ssim(other, picture, data_range=1.0)),
        float(structural_similarity(*arrays, data_range=1.0, **options)),
    )


def say(what, values):
    names = ("torchmetrics", "pytorch-msssim", "scikit-image")
    print(what, *(f"{name} {v:.4f} ({-10 * math.log10(1 - v):.2f} dB)" for name, v in zip(names, values)))


torch.manual_seed(0)
rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
# A disc with texture on a plain ground that ends in a plain border, as photographs of things have.
inside = ((rows - 31.5) ** 2 + (columns - 31.5) ** 2).sqrt() < 24
picture = (0.5 + inside * 0.3 * torch.sin(rows / 2) * torch.cos(columns / 3))[None, None]
noisy = picture + 0.02 * torch.randn_like(picture)
small = three(picture, noisy)
say("64 x 64, noise everywhere:", small)

flat = torch.full((1, 1, 32, 32), 0.5)
top = flat.clone()
top[..., :5, :] += 0.2 * torch.randn(5, 32)
border = three(flat, top)
say("32 x 32, noise in five rows:", border)

for theirs, ours, witness in (small, border):
    assert abs(ours - witness) < 1e-4, "pytorch-msssim and scikit-image agree"
    assert ours - theirs > 0.01, "torchmetrics counts more"
assert border[1] - border[0] > 0.05


def smallest(measure):
    for side in range(150, 200):
        try:
            measure(torch.rand(1, 1, side, side), torch.rand(1, 1, side, side), data_range=1.0)
        except (ValueError, AssertionError):
            continue
        return side


sides = smallest(multiscale_structural_similarity_index_measure), smallest(ms_ssim)
print("smallest picture of MS-SSIM: torchmetrics", sides[0], "pytorch-msssim", sides[1])
assert sides == (176, 161)
END
