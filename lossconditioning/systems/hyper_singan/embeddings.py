"""What a hypernetwork sees of a picture: E_g and E_d (equations 7 and 10)."""

from __future__ import annotations

import torch.nn.functional as F
import torchvision
from torch import Tensor, nn


class Embedding(nn.Module):
    """Pictures ``(B, 3, S, S)`` in [−1, 1] to codes ``(B, Z)``.

    Args:
        backbone: pictures to ``(B, F)``; its attribute ``features`` is F.
        code_size: Z.
        depth: linear layers from features to codes, with leaky ReLU between them.
        normalised: whether codes are brought to a mean square of 1, as the initialisation of the heads supposes.
    """

    def __init__(self, backbone: nn.Module, code_size: int, depth: int = 1, normalised: bool = True):
        super().__init__()
        self.backbone, self.normalised = backbone, normalised
        parts: list[nn.Module] = []
        for layer in range(depth):
            parts += [nn.LeakyReLU(0.2)] if layer else []
            parts.append(nn.Linear(code_size if layer else backbone.features, code_size))
        self.layers = nn.Sequential(*parts)

    def forward(self, images: Tensor) -> Tensor:
        codes = self.layers(self.backbone(images))
        return F.rms_norm(codes, codes.shape[-1:]) if self.normalised else codes


class Small(nn.Sequential):
    """Five halvings by 3×3 convolutions, then the mean of each quarter of the picture: 256 numbers, for two CPU cores."""

    features = 256

    def __init__(self):
        parts: list[nn.Module] = []
        for before, after in ((3, 16), (16, 32), (32, 48), (48, 64), (64, 64)):
            parts += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.LeakyReLU(0.2)]
        super().__init__(*parts, nn.AdaptiveAvgPool2d(2), nn.Flatten())


class ResNet34(nn.Module):
    """ResNet-34 without its classifier (B.1), trained from the start: 512 numbers."""

    features = 512

    def __init__(self):
        super().__init__()
        self.network = torchvision.models.resnet34(weights=None)
        self.network.fc = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)


class Frozen(nn.Module):
    """SqueezeNet 1.1's features, averaged over the picture: 512 numbers. Trained before, and left as it is (appendix C)."""

    features = 512

    def __init__(self):
        super().__init__()
        self.layers = torchvision.models.squeezenet1_1(weights=None).features.requires_grad_(False)
        for name, values in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, self.layers[0].weight.new_tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(((images + 1) / 2 - self.mean) / self.std).mean((2, 3))


BACKBONES = {"resnet34": ResNet34, "small": Small, "frozen": Frozen}
