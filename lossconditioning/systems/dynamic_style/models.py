"""Fast style transfer: one network, one painting, one weight of the style (Johnson et al. 2016, supplement)."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from lossconditioning.conditioning import ConditionalInstanceNorm, Conditioned, condition
from lossconditioning.errors import one_of, positive_int
from lossconditioning.losses.perceptual import check_pictures
from lossconditioning.painting import UPSAMPLING, LastConvolution, convolution, doubled
from lossconditioning.priors import Prior


class Layer(nn.Sequential):
    """Convolution, reflecting at the edges; instance normalisation with a learned scale and shift; ReLU if asked for."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, relu: bool = True):
        parts = [convolution(inputs, outputs, kernel, stride), nn.InstanceNorm2d(outputs, affine=True)]
        super().__init__(*parts, *([nn.ReLU()] if relu else []))


class Residual(nn.Module):
    """Two layers around which the features also pass unchanged."""

    def __init__(self, channels: int):
        super().__init__()
        self.out_channels = channels  # said as convolutions say it, for those who add something behind
        self.first, self.second = Layer(channels, channels, 3), Layer(channels, channels, 3, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.second(self.first(features))


class Up(nn.Module):
    """Twice the height and width, see `painting.doubled`, then a layer."""

    def __init__(self, inputs: int, outputs: int, upsampling: str):
        super().__init__()
        self.out_channels, self.upsampling = outputs, upsampling
        self.layer = Layer(inputs, outputs, 3)

    def forward(self, features: Tensor) -> Tensor:
        return self.layer(doubled(features, self.upsampling))


class FastStyle(nn.Module):
    """Photographs ``(B, 3, H, W)`` in [0, 1] to paintings of the same shape, not clamped; sides 16 pixels or more.

    Args:
        width: channels of the first layer, doubled twice (32 in the paper's networks).
        blocks: residual blocks, at a quarter of the height and width (5).
        upsampling: how height and width are doubled, of `painting.UPSAMPLING` ("nearest").
    """

    def __init__(self, width: int = 32, blocks: int = 5, upsampling: str = "nearest"):
        super().__init__()
        w = positive_int("width", width)
        one_of("upsampling", upsampling, UPSAMPLING)
        self.down = nn.Sequential(Layer(3, w, 9), Layer(w, 2 * w, 3, stride=2), Layer(2 * w, 4 * w, 3, stride=2))
        self.residual = nn.Sequential(*(Residual(4 * w) for _ in range(positive_int("blocks", blocks))))
        self.up = nn.Sequential(Up(4 * w, 2 * w, upsampling), Up(2 * w, w, upsampling))
        self.last = LastConvolution(w, 3, 9)

    def forward(self, photographs: Tensor, lam: Tensor | None = None) -> Tensor:
        """``lam`` is accepted and ignored, so that all networks are called alike."""
        check_pictures(photographs, called="Photographs")
        painted = self.last(self.up(self.residual(self.down(photographs))))
        # Sides that are no multiple of 4 come out a little larger.
        return painted[..., : photographs.shape[-2], : photographs.shape[-1]]


def conditional(network: FastStyle, prior: Prior, hidden: int | None) -> Conditioned:
    """The same network, told the weights of its loss by conditional instance normalisation behind its own, which it overrules.

    Args:
        hidden: see `ConditionalInstanceNorm`; None for affine maps alone, as where the code names styles (Dumoulin et al.).
    """
    return condition(network, nn.InstanceNorm2d, prior=prior, using=partial(ConditionalInstanceNorm, hidden=hidden))
