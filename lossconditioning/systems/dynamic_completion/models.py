"""A small pix2pix (Isola et al. 2017): an encoder-decoder with skip connections, and a discriminator of patches."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.painting import doubled

LEVELS = 4
"""How often the generator halves a picture: sides are multiples of 16."""
_SLOPE = 0.2


class Up(nn.Module):
    """Twice the height and width by repeating pixels, then a 3×3 convolution and ReLU."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.out_channels = outputs  # where `tune` looks

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.convolution(doubled(features)))


class Completer(nn.Module):
    """Pictures with a hole to pictures without: the generator.

    As in pix2pix, but smaller, without dropout, and without normalisation: a picture's completion does not depend on which
    others it is completed with, and colours are not normalised away.

    Args:
        width: channels at half the height and width; twice and four times as many below.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        w = positive_int("width", width)
        self.down = nn.ModuleList(_halve(*pair) for pair in ((4, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 4 * w)))
        # Each but the first also gets what the encoder had at that size.
        self.up = nn.ModuleList([Up(4 * w, 4 * w), Up(8 * w, 2 * w), Up(4 * w, w), Up(2 * w, w)])
        self.last = nn.Conv2d(w, 3, 3, padding=1)
        _initialise(self)

    def forward(self, pictures: Tensor, hole: Tensor) -> Tensor:
        """Complete pictures.

        Args:
            pictures: ``(B, 3, H, W)``, RGB in [0, 1], sides multiples of 16; what they show in the hole is not looked at.
            hole: bool ``(B, 1, H, W)``, true where pixels are missing.

        Returns:
            ``(B, 3, H, W)``: within the hole what the network draws, in [0, 1]; elsewhere the pictures' own pixels, exactly.

        Raises:
            ReaderError: for other shapes, or a hole that is not boolean.
        """
        checked(pictures, hole)
        # Pictures in [-1, 1], grey in the hole, and the hole itself.
        now = torch.cat([(2 * pictures - 1).masked_fill(hole, 0.0), hole.to(pictures.dtype)], dim=1)
        skips = []
        for layer in self.down:
            now = F.leaky_relu(layer(now), _SLOPE)
            skips.append(now)
        now = self.up[0](skips.pop())
        for layer in self.up[1:]:
            now = layer(torch.cat([now, skips.pop()], dim=1))
        return torch.where(hole, self.last(now).sigmoid().to(pictures.dtype), pictures)


class PatchDiscriminator(nn.Module):
    """How real each patch of a completed picture looks: logits, positive for real.

    It is told where the hole is. That makes it conditional as pix2pix's is: the holed picture is the rest of the completed one.

    Args:
        width: channels of the first convolution, doubled at each that follows.
        depth: how many of them, each halving height and width; the more, the larger a patch.
    """

    def __init__(self, width: int = 32, depth: int = 2):
        super().__init__()
        w = positive_int("width", width)
        channels = [4, *(w * 2**i for i in range(positive_int("depth", depth)))]
        self.down = nn.ModuleList(_halve(*pair) for pair in pairwise(channels))
        self.same = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.last = nn.Conv2d(channels[-1], 1, 3, padding=1)
        _initialise(self)

    def forward(self, pictures: Tensor, hole: Tensor) -> Tensor:
        """Pictures ``(B, 3, H, W)``, holes, bool ``(B, 1, H, W)``, to logits of patches ``(B, 1, h, w)``.

        Only patches in the hole mean something, see `in_hole`: elsewhere real and completed pictures are the same.
        """
        checked(pictures, hole)
        now = torch.cat([2 * pictures - 1, hole.to(pictures.dtype)], dim=1)
        for layer in self.down:
            now = F.leaky_relu(layer(now), _SLOPE)
        return self.last(F.leaky_relu(self.same(now), _SLOPE))


def in_hole(values: Tensor, hole: Tensor) -> Tensor:
    """Mean over a hole: values ``(B, C, h, w)``, of pixels or of patches, and holes, bool ``(B, 1, H, W)``, to ``(B,)``.

    A patch counts by how much of it is missing.
    """
    share = F.adaptive_avg_pool2d(hole.float(), values.shape[-2:])
    return (values.float() * share).sum((1, 2, 3)) / (share.sum((1, 2, 3)) * values.shape[1])


def checked(pictures: Tensor, hole: Tensor) -> None:
    """Raise `ReaderError` unless pictures and holes are such as the networks take."""
    fits = pictures.dim() == 4 and pictures.shape[1] == 3 and min(pictures.shape[2:]) >= 16
    if not fits or pictures.shape[2] % 2**LEVELS or pictures.shape[3] % 2**LEVELS:
        raise ReaderError(
            f"Pictures are (B, 3, H, W), RGB in [0, 1], sides multiples of {2**LEVELS}; got {tuple(pictures.shape)}."
        )
    if hole.dtype != torch.bool or hole.shape != (len(pictures), 1, *pictures.shape[2:]):
        raise ReaderError(
            f"A hole is a mask of True and False, (B, 1, H, W) as the pictures {tuple(pictures.shape)}, True where pixels are "
            f"missing; got {hole.dtype} {tuple(hole.shape)}. See `hole_at` and `centre_hole`."
        )


def _halve(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)


def _initialise(network: nn.Module) -> None:
    """He's initial weights, under which features neither fade nor grow from layer to layer, as no normalisation sees to it.

    The last layer keeps PyTorch's: it begins with middling grey, or without an opinion.
    """
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and name != "last":
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
            nn.init.zeros_(layer.bias)
