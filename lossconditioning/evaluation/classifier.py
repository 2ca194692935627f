"""What an image-classification network sees in pictures: the probabilities that a classifier score is made of."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.losses.perceptual import MEAN, STD, check_pictures
from lossconditioning.losses.squeezenet import squeezenet

SIDE = 224
"""Pixels a side that the network was trained at."""


class Classifier(nn.Module):
    """SqueezeNet 1.0 (Iandola et al. 2016) with its classifier of ImageNet's 1000 classes, frozen.

    Its weights are looked up as `losses.pretrained` says. Where they are not to be had, filters are random, always the same,
    and its probabilities say nothing of what is in a picture.

    Args:
        weights: a safetensors file with torchvision's names, or a folder with a ``squeezenet1_0….safetensors``; "random" for
            random filters.
        download: whether torchvision may fetch what is not at hand.

    Attributes:
        source: where the weights are from, in words: what a card says.

    Raises:
        ReaderError: if the file is missing or damaged, lacks the classifier, or is another network's.
    """

    def __init__(self, weights: str | Path | None = None, *, download: bool = True):
        super().__init__()
        self.network, self.source, _ = squeezenet("squeezenet1_0", "", weights, download)
        self.network.classifier[0] = nn.Identity()  # its dropout, which train() of a whole around it would wake
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Probabilities of ImageNet's classes.

        Args:
            pictures: ``(B, 3, H, W)``, RGB in [0, 1], H and W at least 16. All of a picture is brought to 224 × 224, whatever
                its shape, bilinearly (with antialiasing where it shrinks); nothing is cropped.

        Returns:
            ``(B, 1000)``; each row sums to 1.

        Raises:
            ReaderError: for pictures of other shapes.
        """
        check_pictures(pictures)
        pictures = pictures.to(self.mean.dtype)
        enlarged = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
        return self.network((enlarged - self.mean) / self.std).softmax(1)

    def extra_repr(self) -> str:
        return self.source
