"""How many channels a layer puts out, and along which axis, as the layer itself declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from lossconditioning.errors import ReaderError


class Place(NamedTuple):
    """How many channels an output has, along which axis, and along which the examples stand."""

    channels: int
    channel_dim: int
    batch_dim: int = 0


# Layers that say how many channels they put out, and where in the shape the channels stand.
_CHANNELS = {"out_channels": 1, "out_features": -1, "num_features": 1, "num_channels": 1, "normalized_shape": -1}


def declared(module: nn.Module, name: str, axis: int | None = None) -> Place:
    """Where a layer's output has its channels, as its own attributes say.

    Args:
        axis: the channels', if the reader said so.

    Raises:
        ReaderError: if they do not say, or if the examples may stand second.
    """
    layer = module.get_submodule(name)
    found = attributes(layer)
    if found is None or own_layer_norm(layer):
        raise ReaderError(
            f"Layer {name!r} ({type(layer).__name__}) does not say how many channels it puts out. Pass an input of the "
            "network as example=…, and a few forward passes will measure it."
        )
    count, own = found
    batch = batch_dim(module, name)
    beside = _sequence_first(module, name) if (own, axis, batch) == (-1, None, 0) else None
    if beside is not None:
        raise ReaderError(
            f"Layer {name!r} stands beside a {beside} with batch_first=False: its examples may stand second, and λ goes with "
            "the first axis. Build that with batch_first=True; or pass an input of the network as example=…, and it is looked "
            f"at; or, if you know that examples stand first here, say where the channels are: at={{{name!r}: -1}}."
        )
    return Place(count, own if axis is None else axis, batch)


def attributes(layer: nn.Module) -> tuple[int, int] | None:
    """How many channels a layer says it puts out, and where its kind has them."""
    for attribute, channel_dim in _CHANNELS.items():
        value = getattr(layer, attribute, None)
        if isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, int):
            return value, channel_dim
    return None


def own_layer_norm(layer: nn.Module) -> bool:
    """A LayerNorm of somebody's own kind, such as ConvNeXt's, may keep its channels elsewhere than a LayerNorm does."""
    return isinstance(layer, nn.LayerNorm) and type(layer) is not nn.LayerNorm


def _around(module: nn.Module, name: str) -> Iterator[nn.Module]:
    """What a layer stands in, from the network itself inwards."""
    levels = name.split(".")
    return (module.get_submodule(".".join(levels[:depth])) for depth in range(len(levels)))


def batch_dim(module: nn.Module, name: str) -> int:
    """Where a layer's examples stand: second within PyTorch's own transformers that were built so, else first."""
    kinds = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
    layers = [layer for layer in _around(module, name) if isinstance(layer, kinds)]
    return int(not layers[0].self_attn.batch_first) if layers else 0


def _sequence_first(module: nn.Module, name: str) -> str | None:
    """The class of what a layer stands in or beside whose sequences have their examples second."""
    for around in _around(module, name):
        for layer in (around, *around.children()):
            if getattr(layer, "batch_first", True) is False:
                return type(layer).__name__
    return None
