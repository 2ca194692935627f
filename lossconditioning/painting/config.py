"""What the configurations of all painters have in common."""

from __future__ import annotations

from dataclasses import dataclass

from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.losses.perceptual import CONVOLUTIONS, layer_names
from lossconditioning.training import Config

FIRST_HALF = {"features": "vgg19", "style_layers": ("relu1_2", "relu2_2", "relu3_1", "relu3_3")}
"""Style in the layers that VGG-19's first half has, which is what fits a small download and two CPU cores."""


@dataclass(frozen=True, kw_only=True)
class PainterConfig(Config):
    """One experiment whose pictures are compared with photographs and paintings by a trained network's features.

    Attributes:
        features: network that style and content are compared in, "vgg16" or "vgg19".
        style_layers, content_layer: where; style at four layers.
        pretrained: whether that network has its trained weights; "smoke" does with random filters, and loads nothing.
        half: compute in bfloat16, which takes less time where the processor has it.
        side: of the photographs, in pixels.
        crops: photographs are this many fixed crops, whose targets are computed once; 0 for new ones in every step.
    """

    features: str = "vgg16"
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    content_layer: str = "relu3_3"
    pretrained: bool = True
    half: bool = False
    side: int = 256
    crops: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("network", self.features, CONVOLUTIONS)
        for layer in (*self.style_layers, self.content_layer):
            one_of(f"layer of {self.features}", layer, layer_names(self.features))
        if len(self.style_layers) != 4:
            raise ReaderError(f"Style is compared at four layers; got {self.style_layers}.")
        if positive_int("side", self.side) < 32:
            raise ReaderError(f"side is 32 pixels or more; got {self.side}.")
        if self.crops < 0:
            raise ReaderError(f"crops is 0 or more; got {self.crops}.")
