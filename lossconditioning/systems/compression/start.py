"""Where training starts: from principal components instead of noise.

With usual initial weights the untrained latents drown in the noise that stands for rounding, and a short training is over
before any transform is found. Principal components are a good one to begin with: stage by stage, each layer of g_a
takes blocks of 2×2 positions to the directions in which photographs vary most, and the mirrored layer of g_s takes them
back. The networks are what they were; only their first weights differ.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.codec import GDN
from lossconditioning.systems.compression.models import ScaleHyperprior

LATENT_GAIN = 8.0
"""Latents per unit of grey value, so that rounding them to whole numbers errs by about 30 of 255 grey levels."""


@torch.no_grad()
def start_from_principal_components(model: ScaleHyperprior, pictures: Tensor) -> None:
    """Set a model's first weights, from photographs ``(B, 3, H, W)`` in [0, 1], H and W multiples of 16; 8 or more do."""
    # Without their conditioning, which starts near the identity.
    g_a, g_s, h_a, h_s = (getattr(part, "network", part) for part in (model.g_a, model.g_s, model.h_a, model.h_s))
    for layer in (*g_a, *g_s):
        if isinstance(layer, GDN):
            layer.gamma_root.mul_(0.3)  # GDN and its inverse undo each other where they are nearly linear
    features = pictures
    for index in range(0, len(g_a), 2):
        last = index == len(g_a) - 1
        _take_components(g_a[index], g_s[len(g_a) - 1 - index], features, LATENT_GAIN if last else 1.0)
        features = g_a[index].forward(features)  # not called, for that would ask for λ
        if not last:
            features = g_a[index + 1](features)
    for transform in (h_a, h_s):
        for layer in transform[::2]:
            _preserve_variance(layer)
    h_s[-2].weight.mul_(0.1)
    h_s[-2].bias.copy_(features.std(dim=(0, 2, 3)))  # σ starts as each channel's own deviation


def _take_components(down: nn.Conv2d, up: nn.ConvTranspose2d, features: Tensor, gain: float) -> None:
    """Make ``down`` project 2×2 blocks of features onto their principal components, and ``up`` its transpose."""
    channels = down.in_channels
    blocks = F.unfold(features, 2, stride=2).transpose(0, 1).flatten(1).double()  # (4C, n)
    mean = blocks.mean(dim=1)
    directions = torch.linalg.eigh(torch.cov(blocks)).eigenvectors.flip(1)  # columns, by falling variance
    count = min(down.out_channels, 4 * channels)
    components = directions[:, :count].T.float()  # (count, 4C)
    kernels = components.reshape(count, channels, 2, 2)
    down.weight[:count], up.weight[:count] = 0, 0
    up.weight[count:] *= 0.1  # channels beyond the components start as noise that hardly counts
    down.weight[:count, :, 2:4, 2:4] = gain * kernels  # of 5×5 taps, those at a block's own four positions
    up.weight[:count, :, 2:4, 2:4] = kernels / gain
    down.bias[:count] = -gain * components @ mean.float()
    up.bias.copy_(mean.float().reshape(channels, 4).mean(dim=1))


def _preserve_variance(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Weights under which a layer's output varies about as much as its input."""
    overlap = layer.stride[0] * layer.stride[1] if isinstance(layer, nn.ConvTranspose2d) else 1
    fan_in = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1] / overlap
    nn.init.normal_(layer.weight, std=fan_in**-0.5)
    nn.init.zeros_(layer.bias)
