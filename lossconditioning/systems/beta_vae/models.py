"""The β-VAE's networks, as appendix A.1 of "You Only Train Once" describes them, conditioned on β or not.

Where the text leaves room, these are the decisions; what the public code says is followed where it says something:

- *Standard deviations* come from a softplus (the text says softmax, which couples units that must be independent).
- *Shapes3D's 20 units* are ten means and ten standard deviations (the text says "two 64-dimensional vectors").
- *"Symmetric to the encoder"* is the exact mirror: the encoder's layers in reverse order, strides as transposed
  convolutions, the last one puts out the pixels. (The public code adds a further output convolution; A.1 does not.)
- *"The last layer of each block"* is conditioned after its convolution and before the non-linearity. The encoder's last
  block has no non-linearity, and the decoder's puts out pixels: both are conditioned all the same.
- *"1.5× wider layers"*: convolutions and fully connected layers; the latent vector keeps its size.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.conditioning import Concatenation, FiLM, InputConditioning, apply, condition
from lossconditioning.errors import one_of
from lossconditioning.priors import Prior

CONDITIONING = ("film", "concatenation", "input")
SLOPE = 0.3  # of the leaky ReLU; not in the text, the public code's value
STD_FLOOR = 2 / 255 / 12**0.5
"""Least standard deviation of a pixel: that of rounding to 8 bits, in pictures on [−1, 1]. Below it a density only models
the rounding, and its logarithm has no bound."""


class Architecture(NamedTuple):
    """A.1's numbers for one data set."""

    picture: int  # side of the square input, in pixels
    channels: tuple[int, ...]  # of each encoder block
    layers: int  # convolutions per block; the first has stride 2
    hidden: int  # units of the fully connected layer between convolutions and latent vector, in encoder and decoder
    latent: int  # size D of the latent vector
    gaussian: bool  # output with mean and standard deviation per pixel; else Bernoulli
    film_gain: float  # how far FiLM moves scales and shifts at the start (public code)

    @property
    def smallest(self) -> tuple[int, int, int]:
        """Shape of the features between convolutions and fully connected layers."""
        side = self.picture // 2 ** len(self.channels)
        return self.channels[-1], side, side

    def wider(self, width: float, hidden: int | None) -> Architecture:
        """The same with ``width`` times as many channels and units; of ``hidden`` units, where that is given."""
        channels = tuple(round(width * count) for count in self.channels)
        return self._replace(channels=channels, hidden=round(width * (hidden or self.hidden)))


ARCHITECTURES = {
    "cifar10": Architecture(32, (16, 32, 64), 2, 512, 64, gaussian=True, film_gain=0.1),
    "shapes3d": Architecture(64, (8, 16, 32, 64), 1, 256, 10, gaussian=False, film_gain=0.01),
}


def _block(convolutions: list[nn.Module]) -> nn.Sequential:
    """Convolutions with a leaky ReLU after each."""
    return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.LeakyReLU(SLOPE))))


class Encoder(nn.Sequential):
    """Pictures ``(B, 3, S, S)`` to the approximate posterior's mean and standard deviation, ``(B, 2·D)`` side by side.

    Blocks of 3×3 convolutions, the first of each with stride 2, then two fully connected layers (A.1).
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.blocks, hidden = nn.Sequential(), architecture.hidden
        for before, after in pairwise((3, *architecture.channels)):
            convolutions = [nn.Conv2d(before, after, 3, stride=2, padding=1)]
            convolutions += [nn.Conv2d(after, after, 3, padding=1) for _ in range(architecture.layers - 1)]
            self.blocks.append(_block(convolutions))
        del self.blocks[-1][-1]  # the last one has no non-linearity
        first, last = nn.Linear(math.prod(architecture.smallest), hidden), nn.Linear(hidden, 2 * architecture.latent)
        self.head = nn.Sequential(nn.Flatten(), first, nn.LeakyReLU(SLOPE), last)

    def forward(self, pictures: Tensor) -> Tensor:
        mean, spread = super().forward(pictures).chunk(2, dim=1)
        return torch.cat([mean, F.softplus(spread) + 1e-6], dim=1)


class Decoder(nn.Sequential):
    """Latent vectors ``(B, D)`` to the parameters of every pixel's distribution: the encoder's mirror image.

    Bernoulli: logits ``(B, 3, S, S)``. Gaussian: mean and pre-softplus standard deviation, ``(B, 6, S, S)``.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        smallest, hidden = architecture.smallest, architecture.hidden
        first, last = nn.Linear(architecture.latent, hidden), nn.Linear(hidden, math.prod(smallest))
        self.head = nn.Sequential(first, nn.LeakyReLU(SLOPE), last, nn.Unflatten(1, smallest))
        self.blocks = nn.Sequential()
        for before, after in pairwise((*reversed(architecture.channels), 6 if architecture.gaussian else 3)):
            convolutions = [nn.Conv2d(before, before, 3, padding=1) for _ in range(architecture.layers - 1)]
            convolutions.append(nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1))
            self.blocks.append(_block(convolutions))
        del self.blocks[-1][-1]  # the last one puts out pixels


class BetaVAE(nn.Module):
    """Encoder, reparameterised latent vector, decoder; loss-conditional if it is given a prior over β.

    Args:
        data: "cifar10" or "shapes3d": which of A.1's two architectures.
        width: 1 for the fixed-weight models and YOTO, 1.5 for "YOTO wider".
        prior: how β is encoded for the network; None for a fixed-weight model, which is not told β.
        conditioning: how β enters: "film" (both networks, last layer of each block), "concatenation" (both, what each
            block reads) or "input" (what the encoder and the decoder read).
        hidden: units of the fully connected layers, in place of A.1's.

    Attributes:
        prior: what β is drawn from in training; as given, where `build` does not say otherwise.
    """

    def __init__(
        self,
        data: str,
        width: float = 1.0,
        prior: Prior | None = None,
        conditioning: str = "film",
        hidden: int | None = None,
    ):
        super().__init__()
        architecture = ARCHITECTURES[one_of("data set", data, ARCHITECTURES)].wider(width, hidden)
        one_of("conditioning", conditioning, CONDITIONING)
        self.name, self.architecture, self.prior = data, architecture, prior
        self.encoder, self.decoder = Encoder(architecture), Decoder(architecture)
        if prior is not None:
            film = partial(FiLM, hidden=256, scale=architecture.film_gain, shift=architecture.film_gain)
            using = {"film": film, "concatenation": Concatenation, "input": InputConditioning}[conditioning]
            for part in ("encoder", "decoder"):
                sites = _sites(architecture, conditioning, part)
                setattr(self, part, condition(getattr(self, part), at=sites, using=using, prior=prior))

    def encode(self, pictures: Tensor, lam: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z | x), each ``(B, D)``. Pictures ``(B, 3, S, S)`` in [0, 1], β ``(B,)``."""
        if self.architecture.gaussian:
            pictures = 2 * pictures - 1
        return apply(self.encoder, pictures, lam).chunk(2, dim=1)

    def decode(self, latent: Tensor, lam: Tensor | None = None) -> Tensor:
        """Parameters of p(x | z) for latent vectors ``(B, D)`` and β ``(B,)``: ``(B, 3 or 6, S, S)``, see `Decoder`."""
        return apply(self.decoder, latent, lam)

    def forward(self, pictures: Tensor, lam: Tensor | None = None, noise: Tensor | None = None) -> tuple[Tensor, ...]:
        """Encode, sample, decode.

        Args:
            pictures: ``(B, 3, S, S)`` in [0, 1].
            lam: β, ``(B,)``; a fixed-weight model takes it and ignores it, so that all models are called alike.
            noise: standard normal ``(B, D)``, drawn here if not given.

        Returns:
            mean and standard deviation of q(z | x), ``(B, D)`` each, and the decoder's output for z = mean + std · noise.
        """
        mean, std = self.encode(pictures, lam)
        latent = mean + std * (torch.randn_like(mean) if noise is None else noise)
        return mean, std, self.decode(latent, lam)


def _sites(architecture: Architecture, conditioning: str, part: str) -> list[str]:
    """Names of the layers where β enters one of the two networks."""
    if conditioning == "input":
        return ["blocks.0.0"] if part == "encoder" else ["head.0"]
    layer = 2 * (architecture.layers - 1) if conditioning == "film" else 0  # every second one is a leaky ReLU
    return [f"blocks.{level}.{layer}" for level in range(len(architecture.channels))]
