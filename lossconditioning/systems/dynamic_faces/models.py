"""DCGAN's generator and discriminator (Radford et al. 2016, Figure 1), and a classifier of attributes to measure faces with.

Pictures are ``(B, 3, 64, 64)``, RGB in [−1, 1] as generators put them out; `pixels` makes them ones in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from lossconditioning.errors import ReaderError, one_of, positive_int

SIDE = 64
SLOPE = 0.2
"""Of the leaky ReLU in discriminators."""
NORMS = ("batch", "spectral")
"""In the discriminator: batch normalisation as in DCGAN, or spectral normalisation (Miyato et al. 2018)."""


def initialise(module: nn.Module) -> None:
    """DCGAN's initial weights: normal(0, 0.02) in convolutions, normal(1, 0.02) in batch normalisations; biases 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


class Up(nn.Sequential):
    """A transposed convolution, batch normalisation and ReLU; 4 times as high and wide from one pixel, else twice."""

    def __init__(self, inputs: int, outputs: int, first: bool = False):
        stride, padding = (1, 0) if first else (2, 1)
        convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Generator(nn.Module):
    """Latent codes ``(B, L)``, normally distributed, to faces ``(B, 3, 64, 64)`` in [−1, 1].

    Args:
        latent: L, 100 in DCGAN.
        widths: channels at 4, 8, 16 and 32 pixels; 1024, 512, 256, 128 in DCGAN. The layers are "up.0" to "up.3".
    """

    def __init__(self, latent: int = 100, widths: Sequence[int] = (1024, 512, 256, 128)):
        super().__init__()
        self.latent = positive_int("latent", latent)
        stages = pairwise((latent, *four(widths)))
        self.up = nn.Sequential(*(Up(*stage, first=number == 0) for number, stage in enumerate(stages)))
        self.last = nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1)
        self.apply(initialise)

    def forward(self, codes: Tensor) -> Tensor:
        if codes.dim() != 2 or codes.shape[1] != self.latent:
            raise ReaderError(f"Latent codes are (B, {self.latent}); got {tuple(codes.shape)}.")
        return torch.tanh(self.last(self.up(codes[:, :, None, None])))


class Discriminator(nn.Module):
    """Faces ``(B, 3, 64, 64)`` in [−1, 1] to the logit of each being real, ``(B,)``.

    Args:
        widths: channels at 32, 16, 8 and 4 pixels; 128, 256, 512, 1024 in DCGAN.
        norm: one of `NORMS`.
    """

    def __init__(self, widths: Sequence[int] = (128, 256, 512, 1024), norm: str = "batch"):
        super().__init__()
        spectral = one_of("norm", norm, NORMS) == "spectral"
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise((3, *four(widths)))):
            layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=spectral or number == 0))
            if not spectral and number:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(SLOPE))
        layers.append(nn.Conv2d(widths[-1], 1, 4))
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)
        if spectral:
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, SLOPE)  # only its direction counts
                    spectral_norm(layer)

    def forward(self, faces: Tensor) -> Tensor:
        return self.layers(faces).flatten()


class Classifier(nn.Module):
    """Faces ``(B, 3, 64, 64)`` in [−1, 1] to the logit of each attribute, ``(B, A)``.

    Args:
        names: of the A attributes.
        width: channels of the first layer, doubled twice.
    """

    def __init__(self, names: Sequence[str], width: int = 16):
        super().__init__()
        self.names = tuple(names)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((3, positive_int("width", width), 2 * width, 4 * width, 4 * width)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(4 * width * 16, len(self.names))

    def forward(self, faces: Tensor) -> Tensor:
        return self.last(self.layers(faces).flatten(1))


def pixels(faces: Tensor) -> Tensor:
    """Faces in [−1, 1] as pictures in [0, 1]."""
    return (faces.float() + 1) / 2


def signed(images: Tensor) -> Tensor:
    """Pictures, uint8 in 0…255, as faces in [−1, 1]."""
    return images.float() / 127.5 - 1


def four(widths: Sequence[int]) -> tuple[int, ...]:
    """Numbers of channels at four sizes, checked."""
    if len(widths) != 4 or not all(isinstance(width, int) and width > 0 for width in widths):
        raise ReaderError(f"widths are the channels at 4, 8, 16 and 32 pixels, four whole numbers; got {widths}.")
    return tuple(widths)
