r"""Perceptual losses: how pictures differ in the eyes of a network that was trained to name what is in them.

The activations of an early layer say what is where; their Gram matrix, which sums over all places, only says which patterns
occur together: "content" and "style" (Gatys et al. 2016; Johnson et al. 2016). With F the ``(C, H·W)`` activations of a layer,

    content = mean (F − F')²,    style = mean (G − G')²,    G = F Fᵀ / (C·H·W).

Every loss here is per example, shape ``(B,)``: something for λ to weigh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.losses.pretrained import find_weights

CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions of each of the five blocks, between which pictures are halved."""
_CHANNELS = (64, 128, 256, 512, 512)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours: what these networks expect to be subtracted from, and divided out of, RGB in [0, 1]."""


def layer_names(network: str) -> dict[str, int]:
    """Layers that can be asked for, "relu1_1" to "relu5_4", each with the number of its convolution in torchvision's VGG."""
    names, index = {}, 0
    for block, count in enumerate(CONVOLUTIONS[one_of("network", network, CONVOLUTIONS)], start=1):
        for convolution in range(1, count + 1):
            names[f"relu{block}_{convolution}"] = index
            index += 2  # a convolution and its ReLU
        index += 1  # the pooling
    return names


def check_pictures(pictures: Tensor, called: str = "Pictures", side: int = 16) -> None:
    """Raise `ReaderError` unless a batch has the shape networks for pictures take: ``(B, 3, H, W)``, H and W ≥ ``side``."""
    shape = tuple(pictures.shape)
    if len(shape) != 4 or shape[1] != 3 or min(shape[2:]) < side:
        raise ReaderError(f"{called} are (B, 3, H, W), RGB in [0, 1], {side} pixels a side or more; got {shape}.")


class PerceptualFeatures(nn.Module):
    """The activations of a frozen VGG at named layers; it goes no deeper than the deepest of them.

    Args:
        layers: such as ``["relu1_2", "relu2_2"]``.
        network: "vgg16" or "vgg19".
        weights: a safetensors file with torchvision's names, or a folder with one; "random" for fixed random filters; see
            `losses.pretrained` for where weights are looked up without it. A file that ends early serves all layers it reaches.
        download: whether torchvision may fetch what is not at hand.
        dtype: what the network computes in. bfloat16 takes half the time where the processor has it, and changes losses by
            about one part in a hundred; activations come back as float32 in any case.

    Attributes:
        source: where the weights are from, in words: what a card says.

    Raises:
        ReaderError: for layers that are not there, or beyond the weights at hand.
    """

    def __init__(
        self,
        layers: Iterable[str],
        network: str = "vgg19",
        weights: str | Path | None = None,
        *,
        download: bool = True,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        known = layer_names(network)
        self.layers = tuple(one_of(f"layer of {network}", layer, known) for layer in layers)
        if not self.layers:
            raise ReaderError(f"Name at least one layer of {network}: {', '.join(known)}.")
        self._names = {index + 1: name for name, index in known.items()}  # of the ReLU
        self._depth = {name: index for index, name in self._names.items()}
        self.features = _vgg(network, max(self._depth[layer] for layer in self.layers))
        self.source = self._fill(network, weights, download)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.to(dtype=dtype, memory_format=torch.channels_last).eval().requires_grad_(False)

    def _fill(self, network: str, weights: str | Path | None, download: bool) -> str:
        wanted = {f"features.{name}" for name in self.features.state_dict()}
        found = find_weights(network, weights, wanted.__contains__, download)
        if found.tensors is None:
            return found.source
        if not set(found.tensors) >= wanted:
            reach = [name for index, name in self._names.items() if f"features.{index - 1}.weight" in found.tensors]
            raise ReaderError(
                f"The weights {found.source} reach up to layer {reach[-1] if reach else 'none'}; asked for "
                f"{', '.join(self.layers)}. Ask for earlier layers, or give a file that holds more of {network}."
            )
        try:
            self.load_state_dict(found.tensors, strict=True)
        except RuntimeError as error:
            raise ReaderError(
                f"The weights {found.source} are not those of {network} ({str(error).splitlines()[-1].strip()})."
            ) from None
        return found.source

    def forward(self, pictures: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Activations of pictures.

        Args:
            pictures: ``(B, 3, H, W)``, RGB in [0, 1], H and W at least 16.
            layers: which ones; all the network was made for if not given.

        Returns:
            layer → ``(B, C, H / 2^b, W / 2^b)``, float32, b being the block's number less one.
        """
        check_pictures(pictures)
        wanted = {one_of("layer", layer, self.layers) for layer in (layers or self.layers)}
        last = max(self._depth[layer] for layer in wanted)
        found, now = {}, (pictures.to(self.mean.dtype) - self.mean) / self.std
        now = now.contiguous(memory_format=torch.channels_last)
        for index, layer in enumerate(self.features[: last + 1]):
            now = layer(now)
            if self._names.get(index) in wanted:
                found[self._names[index]] = now.float()
        return {layer: found[layer] for layer in self.layers if layer in wanted}

    def extra_repr(self) -> str:
        return f"{', '.join(self.layers)}; {self.source}"


def _vgg(network: str, last: int) -> nn.Sequential:
    """torchvision's ``vggNN().features`` up to a layer, without its classifier; He's initial weights, always the same."""
    layers: list[nn.Module] = []
    inputs, seeded = 3, torch.Generator().manual_seed(0)
    for outputs, count in zip(_CHANNELS, CONVOLUTIONS[network], strict=True):
        for _ in range(count):
            convolution = nn.utils.skip_init(nn.Conv2d, inputs, outputs, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=seeded)
            nn.init.zeros_(convolution.bias)
            layers += [convolution, nn.ReLU()]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
        if len(layers) > last:
            break
    return nn.Sequential(*layers[: last + 1])


# Losses, one number per example -------------------------------------------------------------------------------------------


def gram(features: Tensor) -> Tensor:
    """Gram matrices of activations ``(B, C, H, W)``, divided by C·H·W: ``(B, C, C)``."""
    flat = features.flatten(2)  # (B, C, H·W)
    return torch.bmm(flat, flat.transpose(1, 2)) / (flat.shape[1] * flat.shape[2])


def content_loss(features: Tensor, others: Tensor) -> Tensor:
    """Mean squared difference of activations ``(B, C, H, W)``: ``(B,)``."""
    _same_shape("Activations", features, others)
    return (features - others).square().flatten(1).mean(1)


def style_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of the `gram` matrices of activations ``(B, C, H, W)`` and ``target`` ``(B, C, C)``: ``(B,)``."""
    found = gram(features)
    _same_shape("Gram matrices", found, target)
    return (found - target).square().flatten(1).mean(1)


def total_variation(pictures: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, across plus down, of pictures ``(B, C, H, W)``: ``(B,)``."""
    across, down = pictures.diff(dim=-1), pictures.diff(dim=-2)
    return across.square().flatten(1).mean(1) + down.square().flatten(1).mean(1)


def feature_distance(features: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> Tensor:
    """How differently two batches of pictures look: 0 for equal pictures, up to 1 for each layer; ``(B,)``.

    At every place the activations, of unit length, are compared; squared distances (halved: one minus the cosine) are averaged
    over places and summed over layers (Zhang et al. 2018, LPIPS, without its learned weights).

    Args:
        features, others: layer → ``(B, C, H, W)``, as `PerceptualFeatures` gives them.
    """
    if features.keys() != others.keys():
        raise ReaderError(f"The same layers are compared; got {list(features)} and {list(others)}.")
    total = 0
    for name, activations in features.items():
        _same_shape("Activations", activations, others[name])
        total = total + (1 - F.cosine_similarity(activations, others[name], dim=1)).flatten(1).mean(1)
    return total


def _same_shape(what: str, given: Tensor, other: Tensor) -> None:
    if given.shape != other.shape:
        raise ReaderError(
            f"{what} of one shape are compared; got {tuple(given.shape)} and {tuple(other.shape)}. One target per example?"
        )


class PerceptualLoss(nn.Module):
    """Content, style and total-variation losses against targets that are computed once and kept.

        loss = PerceptualLoss(PerceptualFeatures(["relu1_2", "relu2_2", "relu3_1"]), content="relu3_1")
        styles = loss.style_targets(paintings)                       # once
        terms = loss(pictures, loss.content_targets(photographs), styles)

    Args:
        features: the network.
        content: the layer that content is compared at.
        style: the layers that style is compared at; all of the network's if not given.
    """

    def __init__(self, features: PerceptualFeatures, content: str, style: Iterable[str] | None = None):
        super().__init__()
        self.features = features
        self.content = one_of("layer", content, features.layers)
        self.style = tuple(one_of("layer", layer, features.layers) for layer in (style or features.layers))

    @property
    def names(self) -> tuple[str, ...]:
        """The terms' names, in order: "style_1", "style_2", …, "content", "total_variation"."""
        return (*(f"style_{i + 1}" for i in range(len(self.style))), "content", "total_variation")

    @torch.no_grad()
    def content_targets(self, pictures: Tensor) -> Tensor:
        """Activations of pictures ``(B, 3, H, W)`` at the content layer."""
        return self.features(pictures, [self.content])[self.content]

    @torch.no_grad()
    def style_targets(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Gram matrices ``(B, C, C)`` of pictures ``(B, 3, H, W)``, one per style layer."""
        found = self.features(pictures, self.style)
        return tuple(gram(found[layer]) for layer in self.style)

    def forward(self, pictures: Tensor, content: Tensor, styles: Iterable[Tensor]) -> dict[str, Tensor]:
        """The terms of pictures ``(B, 3, H, W)`` against the targets of each, by `names`; each ``(B,)``."""
        styles = tuple(styles)
        if len(styles) != len(self.style):
            raise ReaderError(
                f"Style is compared at {len(self.style)} layers ({', '.join(self.style)}); got {len(styles)} targets."
            )
        found = self.features(pictures)
        parts = [style_loss(found[layer], target) for layer, target in zip(self.style, styles, strict=True)]
        values = (*parts, content_loss(found[self.content], content), total_variation(pictures))
        return dict(zip(self.names, values, strict=True))
