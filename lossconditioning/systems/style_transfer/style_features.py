"""How a painting is described to the model: features of an image-classification network, averaged over the painting.

Ghiasi et al. take Inception-v3's layer Mixed_6e. Where its weights can not be had, VGG-19's relu3_3 serves: a configuration
says which, for the model's size depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.losses.pretrained import RANDOM, find_weights

SIZES = {"inception_v3": 768, "vgg": 256}
"""Network → how many numbers it describes a painting with."""
_VGG_LAYER = "relu3_3"


@lru_cache(maxsize=4)
def describer(described_by: str, weights: str | Path | None = None) -> tuple[nn.Module, str]:
    """The network that describes paintings, ``(B, 3, H, W)`` in [0, 1] to ``(B, F)``; and where its weights are from.

    Args:
        described_by: "inception_v3" or "vgg".
        weights: see `PerceptualFeatures`; "random" for random filters, which otherwise do not stand in for Inception-v3.

    Raises:
        ReaderError: if the weights are another network's, or Inception-v3's can not be had.
    """
    if one_of("description of a style", described_by, SIZES) == "vgg":
        features = PerceptualFeatures([_VGG_LAYER], weights=weights)
        return _Vgg(features), features.source
    found = find_weights(described_by, weights, lambda name: not name.startswith(("AuxLogits", "fc")), download=True)
    if found.tensors is None and weights != RANDOM:
        raise ReaderError(
            "Inception-v3's weights can not be had, and random filters would say little of a painting. Put "
            "inception_v3….safetensors into the folder of weights, or describe styles by VGG's features: "
            "dataclasses.replace(config, described_by='vgg')."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random filters are always the same
        network = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    if found.tensors is not None:
        try:
            missing, unknown = network.load_state_dict(found.tensors, strict=False)
        except RuntimeError:  # of other shapes
            missing, unknown = [], found.tensors
        if unknown or any(not name.startswith("fc.") for name in missing):
            raise ReaderError(f"The weights {found.source} are not those of torchvision's Inception-v3.")
    return _Inception(network), found.source


@torch.no_grad()
def describe(paintings: Iterable[Tensor], network: nn.Module) -> Tensor:
    """Descriptions of paintings, uint8 ``(3, H, W)`` each, of any sizes: ``(S, F)``."""
    return torch.cat([network(picture[None].float() / 255) for picture in paintings])


class _Vgg(nn.Module):
    def __init__(self, features: PerceptualFeatures):
        super().__init__()
        self.features = features

    def forward(self, pictures: Tensor) -> Tensor:
        return self.features(pictures)[_VGG_LAYER].mean((2, 3))


class _Inception(nn.Module):
    """Inception-v3 up to Mixed_6e."""

    def __init__(self, network: nn.Module):
        super().__init__()
        names = [name for name, _ in network.named_children()]
        kept = names[: names.index("Mixed_6e") + 1]
        self.layers = nn.Sequential(*(network.get_submodule(name) for name in kept)).eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> Tensor:
        # Not ImageNet's mean and deviation: torchvision's trained weights undo them (transform_input) to read [-1, 1].
        return self.layers(2 * pictures - 1).mean((2, 3))
