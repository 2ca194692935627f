"""The networks of StEP: a style encoder, a generator that is told the style, a discriminator at three scales (A.1)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.losses.perceptual import check_pictures
from lossconditioning.painting import doubled

SCALES = 3
"""At how many sizes, each half of the one before, the discriminator looks at a picture (A.1)."""
_SLOPE = 0.2


class EqualisedConv2d(nn.Conv2d):
    """A convolution whose weights are standard normal at the start and are scaled by He's constant whenever they are used.

    So Adam, which moves every weight by about the same, moves all layers alike: "equalised learning rates" (Karras et al. 2018,
    section 4.1; the public code of StEP).
    """

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        scale = math.sqrt(2 / self.weight[0].numel())
        return self._conv_forward(features, self.weight * scale, self.bias)


def pixel_norm(features: Tensor) -> Tensor:
    """Features ``(B, C, H, W)`` divided by their root mean square at each place (Karras et al. 2018, section 4.2).

    Instance normalisation would take a code away again that is the same at all places.
    """
    return features * (features.float().square().mean(1, keepdim=True) + 1e-8).rsqrt().to(features.dtype)


class StyleCode(NamedTuple):
    """What an encoder says of pictures: ``z`` ``(B, Z)``, and the logarithm of its variance, which only a VAE has use for."""

    z: Tensor
    log_variance: Tensor


class StyleEncoder(nn.Module):
    """Pictures to their style z: DRIT's attribute encoder (Lee et al. 2018), without any normalisation.

    Args:
        width: channels of the first layer; doubled twice (64 in DRIT).
        levels: halvings (4 in DRIT).
        z_size: numbers of a code (8 in the paper).
    """

    def __init__(self, width: int = 64, levels: int = 4, z_size: int = 8):
        super().__init__()
        w, self.z_size = positive_int("width", width), positive_int("z_size", z_size)
        channels = [w * min(2**level, 4) for level in range(positive_int("levels", levels) + 1)]
        layers: list[nn.Module] = [EqualisedConv2d(3, w, 7, padding=3), nn.LeakyReLU(_SLOPE)]
        for inputs, outputs in pairwise(channels):
            layers += [EqualisedConv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        self.z, self.log_variance = (EqualisedConv2d(channels[-1], self.z_size, 1) for _ in range(2))

    def forward(self, pictures: Tensor) -> StyleCode:
        """Pictures ``(B, 3, H, W)`` in [0, 1], sides of 16 or more."""
        check_pictures(pictures)
        features = self.layers(2 * pictures - 1)
        return StyleCode(self.z(features).flatten(1).float(), self.log_variance(features).flatten(1).float())


class Layer(nn.Module):
    """A convolution, leaky ReLU and `pixel_norm`."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.convolution = EqualisedConv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.out_channels = outputs  # where `condition` looks

    def forward(self, features: Tensor) -> Tensor:
        return pixel_norm(F.leaky_relu(self.convolution(features), _SLOPE))


class Generator(nn.Module):
    """A layout and a style to a picture: an encoder-decoder with skips; z joins the input of every layer of the first half.

    Args:
        width: channels at full size, doubled at each halving (64 in pix2pixHD).
        levels: halvings.
        blocks: residual blocks at the smallest size (9 in pix2pixHD).
        most: channels that no layer exceeds.
        z_size: numbers of a code.
    """

    def __init__(self, width: int = 64, levels: int = 4, blocks: int = 9, most: int = 512, z_size: int = 8):
        super().__init__()
        channels = [min(positive_int("width", width) * 2**i, most) for i in range(positive_int("levels", levels) + 1)]
        self.z_size, self.multiple = z_size, 2**levels
        self.stem = Layer(3 + z_size, channels[0])
        self.down = nn.ModuleList(Layer(n + z_size, m, stride=2) for n, m in pairwise(channels))
        last = channels[-1]
        self.blocks = nn.ModuleList(nn.Sequential(Layer(last, last), Layer(last, last)) for _ in range(blocks))
        self.up = nn.ModuleList(Layer(m + n, n) for n, m in reversed(list(pairwise(channels))))
        self.last = EqualisedConv2d(channels[0], 3, 1)

    def forward(self, layouts: Tensor, z: Tensor, lam: Tensor | None = None) -> Tensor:
        """Layouts ``(B, 3, H, W)`` in [0, 1], sides multiples of 2^levels, and codes ``(B, Z)`` to pictures as large.

        ``lam`` is accepted and ignored, so that generators which are told λ, by `condition`, and those which are not are called
        alike.

        Raises:
            ReaderError: for other shapes.
        """
        check_pictures(layouts, "Layouts")
        if layouts.shape[-2] % self.multiple or layouts.shape[-1] % self.multiple:
            raise ReaderError(f"Sides of a layout are multiples of {self.multiple}; got {tuple(layouts.shape[-2:])}.")
        if z.shape != (len(layouts), self.z_size):
            raise ReaderError(
                f"One code of {self.z_size} numbers per layout, {(len(layouts), self.z_size)}; got {tuple(z.shape)}."
            )
        features, skips = self.stem(joined(2 * layouts - 1, z)), []
        for layer in self.down:
            skips.append(features)
            features = layer(joined(features, z))
        for block in self.blocks:
            features = features + block(features)
        for layer in self.up:
            features = layer(torch.cat([doubled(features), skips.pop()], 1))
        return (self.last(features).tanh() + 1) / 2


def joined(features: Tensor, z: Tensor) -> Tensor:
    """Features ``(B, C, H, W)`` and codes ``(B, Z)``, the same at every place: ``(B, C + Z, H, W)``."""
    return torch.cat([features, z.to(features.dtype)[:, :, None, None].expand(-1, -1, *features.shape[2:])], 1)


class Translator(nn.Module):
    """A style encoder and a generator.

    Args:
        opponent: the discriminator of the two, where they are to be trained further against the same one.
    """

    def __init__(self, encoder: StyleEncoder, generator: nn.Module, opponent: nn.Module | None = None):
        super().__init__()
        self.encoder, self.generator, self.opponent = encoder, generator, opponent

    def forward(self, layouts: Tensor, pictures: Tensor, lam: Tensor | None = None) -> Tensor:
        """Layouts in the styles of pictures, both ``(B, 3, H, W)`` in [0, 1]; ``lam`` ``(B,)`` where λ is told."""
        return self.generator(layouts, self.encoder(pictures).z, lam)


class Discriminator(nn.Module):
    """How real patches of a picture look beside its layout, at three scales (pix2pixHD; A.1).

    Args:
        width: channels of the first convolution; doubled at each one after it, up to eight times (64 in pix2pixHD).
        layers: halvings (3 in pix2pixHD).
    """

    def __init__(self, width: int = 64, layers: int = 3):
        super().__init__()
        self.scales = nn.ModuleList(_patches(positive_int("width", width), layers) for _ in range(SCALES))

    def forward(self, layouts: Tensor, pictures: Tensor) -> Tensor:
        """Layouts and pictures ``(B, 3, H, W)`` in [0, 1] to scores ``(B, P)``, of which each scale has the same share."""
        both, scores = 2 * torch.cat([layouts, pictures], 1) - 1, []
        for scale in self.scales:
            scores.append(scale(both).flatten(1))
            both = F.avg_pool2d(both, 2)
        most = scores[0].shape[1]
        return torch.cat([each.repeat_interleave(most // each.shape[1], 1) for each in scores], 1)


def _patches(width: int, layers: int) -> nn.Sequential:
    channels = [6, *(width * min(2**i, 8) for i in range(layers + 1))]
    made: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(channels)):
        down = number < layers
        made += [EqualisedConv2d(inputs, outputs, 4 if down else 3, 2 if down else 1, padding=1), nn.LeakyReLU(_SLOPE)]
    return nn.Sequential(*made, EqualisedConv2d(channels[-1], 1, 3, padding=1))
