"""B chains of convolutions as one chain of grouped convolutions (Meta Internal Learning, B.1), laid out as a CPU wants it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ELEMENTWISE = (nn.Identity, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Sigmoid, nn.Tanh)

Chain = list[tuple[str, nn.Module]]
"""Layers in their order, each with what its parameters' names begin with; convolutions without values."""


def chain(network: nn.Module) -> Chain | None:
    """The layers of an ``nn.Sequential`` of convolutions and element-wise activations; None for any other network.

    A 1×1 convolution makes a chain another network: with a single thread, PyTorch computes it by a kernel whose gradient is
    wrong for grouped convolutions in channels-last layout (`slow_conv2d`; PyTorch 2.12).
    """
    layers = list(_layers(network, ""))
    if not all(_known(layer) for _, layer in layers):
        return None
    return [(prefix, copy.deepcopy(layer).to("meta")) for prefix, layer in layers]


def suits(x: Tensor) -> bool:
    """Whether oneDNN convolves such inputs on a CPU, whose kernels are quicker with channels last."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or x.dim() != 4:
        return False
    return torch.backends.mkldnn.is_available() and not torch.is_autocast_enabled("cpu")


def run_chain(layers: Chain, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Example b of ``x``, ``(B, C, H, W)``, through the chain with weights b, each ``(B, *shape)`` or ``(1, *shape)``."""
    count = x.shape[0]
    layout = torch.channels_last if suits(x) else torch.contiguous_format
    own = {name: value.expand(count, *value.shape[1:]).flatten(0, 1) for name, value in weights.items()}
    h = x.reshape(1, -1, *x.shape[2:]).contiguous(memory_format=layout)  # (1, B·C, H, W)
    for prefix, layer in layers:
        if not isinstance(layer, nn.Conv2d):
            h = layer(h)
            continue
        weight = own[f"{prefix}weight"].contiguous(memory_format=layout)  # (B·C_out, C_in, K, K)
        how = layer.stride, layer.padding, layer.dilation, count * layer.groups
        h = F.conv2d(h, weight, own.get(f"{prefix}bias"), *how)
    return h.reshape(count, -1, *h.shape[2:])


def _layers(network: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    if type(network) is not nn.Sequential or _hooked(network):
        yield prefix, network
        return
    for name, layer in network.named_children():
        yield from _layers(layer, f"{prefix}{name}.")


def _known(layer: nn.Module) -> bool:
    if _hooked(layer):
        return False
    if type(layer) is nn.Conv2d:
        return layer.padding_mode == "zeros" and layer.kernel_size != (1, 1)
    return type(layer) in _ELEMENTWISE


def _hooked(layer: nn.Module) -> bool:
    """Whether something else looks at a layer's call, to which its features would look strange."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)
