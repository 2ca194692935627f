"""What samples of a single-picture GAN are worth: how like the picture in detail, and how unlike each other.

SIFID (Shaham, Dekel and Michaeli 2019, SinGAN, section 3) is the Fréchet distance between the features at all positions of one
real picture and those at all positions of one sample: do the same small patterns occur, and how often? A copy of the picture
scores 0, so that it says something only beside a measure of diversity.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.finiteness import all_finite
from lossconditioning.evaluation.gaussians import distance, gaussian
from lossconditioning.losses.perceptual import MEAN, STD, check_pictures
from lossconditioning.losses.squeezenet import squeezenet

_SCALE = 100.0
_CHUNK = 32
Features = Callable[[Tensor], Tensor]
"""Pictures ``(B, 3, H, W)``, RGB in [0, 1], to features at positions ``(B, C, h, w)``."""


class FirstLayer(nn.Module):
    """What SqueezeNet 1.1 (Iandola et al. 2016) sees before its first pooling: 64 features at every other pixel, frozen.

    SinGAN's code takes 64 features at every other pixel, too: those of an Inception network before its first pooling (another
    version of it: 192, before the second). These are another network's, and distances are other numbers. Activations are
    divided by 100, which brings distances to the size of the papers'.

    It ranks as the papers do. Of the samples that ConSinGAN's authors published, one a picture, the mean distance is 0.099 for
    SinGAN and 0.028 for ConSinGAN on Places-50, 0.24 and 0.088 on LSUN-50, and ConSinGAN's is the smaller one for 94 % and 90 %
    of the pictures. Of one sample a picture the mean estimates mSIFID, not SIFID: 0.15 and 0.08, 0.20 and 0.13 by Inception
    (Meta Internal Learning, Table 1). Plain colours rank the networks likewise, and so do the layers after this one up to the
    second pooling and VGG-19's up to relu3_1; this one tells the two samples of a picture apart most often. Where pictures are
    made small it does so less: for 70 % and 88 % at a width of 78 pixels.

    Args:
        weights: a safetensors file with torchvision's names, or a folder with a ``squeezenet1_1….safetensors``; "random" for
            random filters. See `losses.pretrained` for where weights are looked up without it.
        download: whether torchvision may fetch what is not at hand, 5 MB.

    Attributes:
        source: where the weights are from, in words: what a card says. With random filters distances are other numbers again.

    Raises:
        ReaderError: if the file is missing or damaged, or is another network's.
    """

    def __init__(self, weights: str | Path | None = None, *, download: bool = True):
        super().__init__()
        network, self.source, _ = squeezenet("squeezenet1_1", "features", weights, download)
        self.layers = network.features[:2]
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures ``(B, 3, H, W)``, RGB in [0, 1]: ``(B, 64, (H − 1) // 2, (W − 1) // 2)``."""
        check_pictures(pictures)
        # Not in place: torchvision's ReLU would write into what a reader may look at.
        return self.layers[0]((pictures.to(self.mean.dtype) - self.mean) / self.std).relu() / _SCALE

    def extra_repr(self) -> str:
        return self.source


@torch.no_grad()
def sifids(real: Tensor, samples: Tensor, features: Features) -> Tensor:
    """Single-image Fréchet distances between one picture and each of some samples: ``(N,)``, double precision.

    Args:
        real: ``(3, H, W)``, RGB in [0, 1] or uint8.
        samples: ``(N, 3, H', W')`` likewise, of its size or another. A distance is a little larger where there are few
            positions, so that only samples of one size compare.
        features: such as `FirstLayer`.

    Raises:
        ReaderError: for other shapes, or numbers that are not finite.
    """
    real, samples = _pictures(real, samples)
    own = _of_positions(features(real[None]))
    return torch.cat([distance(_of_positions(features(part)), own) for part in samples.split(_CHUNK)])


def sifid(real: Tensor, samples: Tensor, features: Features) -> float:
    """The smallest of the `sifids` of some samples.

    Meta Internal Learning, section 5, averages it over pictures, at 100 samples of each; it falls with their number.
    """
    return float(sifids(real, samples, features).min())


def msifid(real: Tensor, samples: Tensor, features: Features) -> float:
    """The mean of the `sifids` of some samples; their number does not shift it (Meta Internal Learning, section 5)."""
    return float(sifids(real, samples, features).mean())


@torch.no_grad()
def diversity(real: Tensor, samples: Tensor) -> float:
    """How much samples differ from each other, measured by how much a picture differs from place to place.

        mean_p std_n s_n(p) / std_p r(p)

    with the intensities s of samples and r of the real picture, the means of R, G and B; n runs over samples, p over pixels,
    and standard deviations are divided by the number, not one less. SinGAN, section 3; Meta Internal Learning, section 5, which
    takes 150 samples. 0 if all samples are one; about 1 if pixels are shuffled at random.

    Args:
        real: ``(3, H, W)``, RGB in [0, 1] or uint8.
        samples: ``(N, 3, H', W')`` likewise, 2 or more; few give a slightly smaller value.

    Raises:
        ReaderError: for other shapes, a single sample, numbers that are not finite, or a picture of constant intensity, of
            which there is no share.
    """
    real, samples = _pictures(real, samples)
    if len(samples) < 2:
        raise ReaderError(f"Diversity is between samples, 2 or more; got {len(samples)}.")
    intensity, spread = samples.double().mean(1), float(real.double().mean(0).std(correction=0))
    if spread < 1e-6:
        raise ReaderError(
            "The real picture is of one intensity all over: the diversity of its samples is a share of its standard deviation, "
            "which is 0. Give a picture that varies."
        )
    return float(intensity.std(0, correction=0).mean()) / spread


def _pictures(real: Tensor, samples: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float in [0, 1]."""
    if real.ndim != 3 or real.shape[0] != 3 or samples.ndim != 4 or samples.shape[1] != 3 or not len(samples):
        raise ReaderError(
            "A real picture is (3, H, W) and its samples are (N, 3, H, W), at least one, RGB in [0, 1] or uint8; got "
            f"{tuple(real.shape)} and {tuple(samples.shape)}."
        )
    return tuple(each if each.is_floating_point() else each / 255 for each in (_finite(real), _finite(samples)))


def _finite(pictures: Tensor) -> Tensor:
    return all_finite("Pixels", pictures.detach())


def _of_positions(features: Tensor):
    """The normal distributions of features ``(B, C, h, w)`` over positions."""
    return gaussian(features.flatten(2).mT)
