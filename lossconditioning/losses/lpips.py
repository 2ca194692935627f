r"""LPIPS, the learned distance of pictures: activations compared with weights fitted to what people judged alike.

Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", equation 1. With û and v̂ the
activations of two pictures at a layer, of unit length at every place, and w ≥ 0 the layer's weight of each channel,

    d = Σ_layers mean_places Σ_channels w (û − v̂)².

The network is SqueezeNet 1.1, "squeeze" in the authors' code. Most papers' tables have AlexNet's values ("alex"), which are
other numbers: compare within one network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError
from lossconditioning.losses.perceptual import check_pictures
from lossconditioning.losses.squeezenet import squeezenet

CHANNELS = {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512}
"""Place of each compared layer in torchvision's ``squeezenet1_1().features`` → its channels."""
SMALLEST = 17
"""Pixels a side below which the last pooling has nothing left."""
# Of RGB in [-1, 1], in the authors' code: ImageNet's mean and deviation, rounded.
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_TINY = 1e-8  # under the root of a length, so that its gradient is finite where all activations are 0


class Lpips(nn.Module):
    """The LPIPS distance of pictures, on a frozen SqueezeNet 1.1; a measure, or a loss of ``pictures``.

    SqueezeNet's weights are looked up as `losses.pretrained` says; the weights of its channels are those that torchmetrics
    ships, the authors' own. Where no trained SqueezeNet is to be had, its filters are random, always the same,
    and every channel weighs ½: each layer then counts one minus the cosine, as in `feature_distance`.

    Args:
        weights: a safetensors file with torchvision's names, or a folder with a ``squeezenet1_1….safetensors``; "random" for
            random filters.
        download: whether torchvision may fetch what is not at hand.

    Attributes:
        source: where both kinds of weights are from, in words: what a card says.

    Raises:
        ReaderError: if the file is missing or damaged, or another network's.
    """

    def __init__(self, weights: str | Path | None = None, *, download: bool = True):
        super().__init__()
        network, source, trained = squeezenet("squeezenet1_1", "features", weights, download)
        self.features = network.features
        linear = _of_torchmetrics() if trained else [torch.full((count,), 0.5) for count in CHANNELS.values()]
        for place, each in zip(CHANNELS, linear, strict=True):
            self.register_buffer(f"linear_{place}", each[:, None, None])
        self.register_buffer("shift", torch.tensor(_SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None])
        weighed = "channels weighed as torchmetrics ships them" if trained else "all channels weighed alike"
        self.source = f"LPIPS on {source}, {weighed}"
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor, others: Tensor) -> Tensor:
        """Distances of pictures, one by one.

        Args:
            pictures, others: ``(B, 3, H, W)``, RGB in [0, 1], H and W at least 17.

        Returns:
            ``(B,)``, not negative; 0 for equal pictures, and with the authors' weights seldom above 1. Gradients flow to both.

        Raises:
            ReaderError: for pictures of other or of different shapes, or smaller ones.
        """
        check_pictures(pictures, side=SMALLEST)
        check_pictures(others, "The other pictures", SMALLEST)
        if pictures.shape != others.shape:
            raise ReaderError(
                f"Pictures are compared one by one, in batches of one shape; got {tuple(pictures.shape)} and "
                f"{tuple(others.shape)}. Repeat or resize one of them."
            )
        total = 0
        for place, ours, theirs in zip(CHANNELS, self._activations(pictures), self._activations(others), strict=True):
            squares = (_unit(ours) - _unit(theirs)).square()
            total = total + (self.get_buffer(f"linear_{place}") * squares).sum(1).mean((1, 2))
        return total

    def _activations(self, pictures: Tensor) -> list[Tensor]:
        """What is compared: for each of `CHANNELS`, ``(B, C, h, w)``."""
        found, now = [], (2 * pictures.to(self.shift.dtype) - 1 - self.shift) / self.scale
        for place, layer in enumerate(self.features):
            now = layer(now)
            if place in CHANNELS:
                found.append(now)
        return found

    def extra_repr(self) -> str:
        return self.source


def _unit(activations: Tensor) -> Tensor:
    return activations / (activations.square().sum(1, keepdim=True) + _TINY).sqrt()


def _of_torchmetrics() -> list[Tensor]:
    """The authors' weights of channels, of each layer ``(C,)``, from the file inside torchmetrics, which reads it itself."""
    from torchmetrics.functional.image.lpips import _LPIPS  # takes seconds, so only where it is needed

    with torch.random.fork_rng(devices=[]):  # it draws random filters, which are not used
        tensors = _LPIPS(net="squeeze", pnet_rand=True).state_dict()
    return [tensors[f"lin{number}.model.1.weight"].flatten() for number in range(len(CHANNELS))]
