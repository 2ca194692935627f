"""The networks of SGN: CycleGAN's generator with three places for S, and its discriminator of patches (A.2, Table 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.conditioning import CCAM, CentralBiasing, Concatenation, FiLM, condition
from lossconditioning.errors import one_of, positive_int
from lossconditioning.losses.perceptual import check_pictures
from lossconditioning.painting import UPSAMPLING, LastConvolution, convolution, doubled
from lossconditioning.priors import Prior

PLACES = ("stem", "down", "blocks")
"""Where S enters: after the stem, after downsampling, after the residual blocks (SGN, Table 4)."""
NORMS = ("down.*.norm", "blocks.*.*.norm")
"""Where a bias enters: at the instance normalisations of downsampling and of the residual blocks (SGN, section 5.3)."""
UPSAMPLINGS = ("transposed", *UPSAMPLING)
"""By a transposed convolution, which is the paper's and leaves a checkerboard; or see `painting.doubled`."""
USUAL = 0.45
"""Deviation of a photograph's colours in [−1, 1], more or less."""
_SLOPE = 0.2


class Layer(nn.Module):
    """A convolution, instance normalisation, and ReLU unless it is a block's last."""

    def __init__(self, convolution: nn.Module, relu: bool = True):
        super().__init__()
        self.convolution, self.relu = convolution, relu
        self.norm = nn.InstanceNorm2d(convolution.out_channels)
        self.out_channels = convolution.out_channels  # where `condition` looks

    def forward(self, features: Tensor) -> Tensor:
        features = self.norm(self.convolution(features))
        return F.relu(features) if self.relu else features


class Residual(nn.Module):
    """Two layers around which the features also pass unchanged."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = Layer(convolution(channels, channels, 3))
        self.second = Layer(convolution(channels, channels, 3), relu=False)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.second(self.first(features))


class Up(nn.Module):
    """Twice the height and width: doubled, see `painting.doubled`, then a layer."""

    def __init__(self, inputs: int, outputs: int, upsampling: str):
        super().__init__()
        self.upsampling = upsampling
        self.layer = Layer(convolution(inputs, outputs, 3))

    def forward(self, features: Tensor) -> Tensor:
        return self.layer(doubled(features, self.upsampling))


class Stage(nn.Sequential):
    """Layers after the last of which S may enter."""

    def __init__(self, *layers: nn.Module, channels: int):
        super().__init__(*layers)
        self.out_channels = channels  # where `condition` looks


class Generator(nn.Module):
    """Pictures ``(B, 3, H, W)`` to pictures of the same shape, both in [0, 1] (SGN, Table 4).

    Convolutions reflect at the edges. With instance normalisation alone, whatever is added to all places of a channel before
    one is gone after it.

    So is how bright a picture is as a whole, and how rich in contrast: pictures that differ in nothing else come out the same,
    and none comes back as it was. With ``statistics``, which the paper does not have, mean and deviation of its colours stand
    at the end again, as far as the network says at every pixel.

    Args:
        width: channels of the first layer; doubled twice (64 in the paper).
        blocks: residual blocks, at a quarter of the height and width (9 in the paper).
        upsampling: how height and width are doubled, of `UPSAMPLINGS` ("transposed" in the paper).
        statistics: give the end mean and deviation of the picture's colours.
    """

    def __init__(self, width: int = 64, blocks: int = 9, upsampling: str = "transposed", statistics: bool = False):
        super().__init__()
        w, count = positive_int("width", width), positive_int("blocks", blocks)
        one_of("upsampling", upsampling, UPSAMPLINGS)
        self.stem = Layer(convolution(3, w, 7))  # (w, H, W)
        self.down = Stage(*(Layer(convolution(n, 2 * n, 3, stride=2)) for n in (w, 2 * w)), channels=4 * w)  # H/4, W/4
        self.blocks = Stage(*(Residual(4 * w) for _ in range(count)), channels=4 * w)
        self.up = nn.Sequential(*(_up(2 * n, n, upsampling) for n in (2 * w, w)))  # (w, H, W)
        self.statistics = statistics
        self.last = LastConvolution(w, 3 + 2 * statistics, 7)

    def forward(self, pictures: Tensor, lam: Tensor | None = None) -> Tensor:
        """Translate pictures, at least 16 pixels a side.

        ``lam`` is accepted and ignored, so that networks which are told S, by `condition`, and those which are not are called
        alike.
        """
        check_pictures(pictures)
        features = self.up(self.blocks(self.down(self.stem(pictures))))
        # Sides that are no multiple of 4 come out a little larger.
        features = features[..., : pictures.shape[-2], : pictures.shape[-1]]
        made = self.last(features)
        if self.statistics:
            made, of_mean, of_deviation = made.split((3, 1, 1), dim=1)
            mean, deviation = _colours(pictures)
            made = made * (1 + of_deviation * (deviation / USUAL - 1)) + of_mean * mean
        return (made.tanh() + 1) / 2


def _colours(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each colour in [−1, 1], over all places: ``(B, 3, 1, 1)`` each."""
    signed = 2 * pictures - 1
    mean = signed.mean((2, 3), keepdim=True)
    return mean, ((signed - mean).square().mean((2, 3), keepdim=True) + 1e-6).sqrt()


def _up(inputs: int, outputs: int, upsampling: str) -> nn.Module:
    if upsampling == "transposed":
        options = {"stride": 2, "padding": 1, "output_padding": 1, "bias": False}
        return Layer(nn.ConvTranspose2d(inputs, outputs, 3, **options))
    return Up(inputs, outputs, upsampling)


# How S enters -------------------------------------------------------------------------------------------------------------

CONDITIONING: dict[str, tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    "ccam": (CCAM, PLACES),
    "concatenation": (Concatenation, PLACES),
    "central_biasing": (partial(CentralBiasing, normalise=False), NORMS),
    "film": (partial(FiLM, hidden=64), PLACES),
}
"""Name → the conditioner, and where it stands. Concatenation is an addition to what the layer puts out, see its text."""


def told(generator: Generator, conditioning: str, prior: Prior, gain: float = 1.0) -> nn.Module:
    """A generator that is told S: called as ``model(pictures, lam)``, ``lam`` being ``(B, K)``.

    Args:
        gain: the initial weights of layers that read S are this many times as large as PyTorch's. S is between 0 and 1, and
            what it says is drowned at first by what the same gates read of the features.
    """
    using, at = CONDITIONING[one_of("conditioning", conditioning, CONDITIONING)]
    model = condition(generator, at, prior=prior, using=using)
    with torch.no_grad():
        for layer in model.conditioners.modules():
            if isinstance(layer, nn.Linear) and layer.in_features == prior.code_size:
                layer.weight *= gain
    return model


# Discriminators -----------------------------------------------------------------------------------------------------------


class PatchDiscriminator(nn.Module):
    """How real each patch of 70×70 pixels looks: near 1 for real, near 0 for not (CycleGAN's; Isola et al. 2017).

    Args:
        width: channels of the first convolution; doubled three times (64 in CycleGAN).
    """

    def __init__(self, width: int = 64):
        super().__init__()
        w = positive_int("width", width)
        layers: list[nn.Module] = [nn.Conv2d(3, w, 4, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
        for (inputs, outputs), stride in zip(pairwise((w, 2 * w, 4 * w, 8 * w)), (2, 2, 1), strict=True):
            layers += [nn.Conv2d(inputs, outputs, 4, stride, padding=1, bias=False), nn.InstanceNorm2d(outputs)]
            layers += [nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * w, 1, 4, padding=1))
        initialise(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures ``(B, 3, H, W)`` in [0, 1], at least 32 pixels a side, to patches ``(B, 1, H/8 − 2, W/8 − 2)``."""
        return self.layers(2 * pictures - 1)


class Opponents(nn.Module):
    """What a generator learns its adversarial losses from: a discriminator for each such domain.

    Attributes:
        discriminators: in the domains' order.
    """

    def __init__(self, count: int, width: int):
        super().__init__()
        self.discriminators = nn.ModuleList(PatchDiscriminator(width) for _ in range(count))

    def __iter__(self) -> Iterator[PatchDiscriminator]:
        return iter(self.discriminators)


def initialise(network: nn.Module) -> None:
    """CycleGAN's initial weights: normal, of deviation 0.02; no bias."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
