"""Layers of any network by name: which ones are meant, and what shape they put out."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, one_of

# Layers that say how many channels they put out, and where in the shape the channels stand.
_CHANNELS = {"out_channels": 1, "out_features": -1, "num_features": 1, "num_channels": 1, "normalized_shape": -1}


def outputs(
    module: nn.Module,
    at: str | type[nn.Module] | Iterable[str | type[nn.Module]],
    example: Tensor | tuple[Tensor, ...] | None = None,
) -> dict[str, tuple[int, int]]:
    """Where the channels of the named layers' outputs are, and how many: name → (channels, channel_dim).

    Args:
        module: any network.
        at: names as in ``module.named_modules()``, patterns with ``*`` within one level, or types.
        example: an input of the network, needed only where a layer does not say how many channels it puts out. One forward
            pass then measures it.
    """
    sites = _find(module, [at] if isinstance(at, (str, type)) else list(at))
    measured = {} if example is None else _measure(module, sites, example)
    idle = [name for name in sites if example is not None and name not in measured]
    if idle:
        raise ReaderError(
            f"The network never calls {idle} by itself (an attention layer reads its out_proj's weights, for instance), so "
            "a change there would do nothing. Leave them out: name the layers instead of a type."
        )
    return {name: measured.get(name) or _declared(name, module.get_submodule(name)) for name in sites}


def key(name: str) -> str:
    """A layer's path as a key of a ModuleDict, which takes neither dots nor the names of its own methods."""
    path = name.replace(".", "/")
    return f"{path}/" if hasattr(nn.ModuleDict, path) else path


def _find(module: nn.Module, at: list[str | type[nn.Module]]) -> list[str]:
    names = {name: layer for name, layer in module.named_modules() if name}
    sites: list[str] = []
    for wanted in at:
        if isinstance(wanted, type):
            found = [name for name, layer in names.items() if isinstance(layer, wanted)]
            if not found:
                kinds = sorted({type(layer).__name__ for layer in names.values()})
                raise ReaderError(f"The network has no {wanted.__name__} layer. It has: {', '.join(kinds)}.")
        else:
            found = [name for name in names if _matches(name, str(wanted))] or [one_of("layer", wanted, names)]
        sites += [name for name in found if name not in sites]
    if not sites:
        raise ReaderError("Name at least one layer: at=['layer1', …] or at=[nn.Conv2d].")
    return sites


def _matches(name: str, pattern: str) -> bool:
    """Whether a layer's path fits a pattern, level by level: ``layer*`` is layer1, but not layer1.0.conv1."""
    levels, patterns = name.split("."), pattern.split(".")
    return len(levels) == len(patterns) and all(map(fnmatch.fnmatchcase, levels, patterns))


def _attributes(layer: nn.Module) -> tuple[int, int] | None:
    """(channels, channel_dim) of a layer's output as its own attributes declare them, or None."""
    for attribute, channel_dim in _CHANNELS.items():
        value = getattr(layer, attribute, None)
        if isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, int):
            return value, channel_dim
    return None


def _own_layer_norm(layer: nn.Module) -> bool:
    """A LayerNorm of somebody's own kind, such as ConvNeXt's, may keep its channels elsewhere than a LayerNorm does."""
    return isinstance(layer, nn.LayerNorm) and type(layer) is not nn.LayerNorm


def _declared(name: str, layer: nn.Module) -> tuple[int, int]:
    declared = _attributes(layer)
    if declared and not _own_layer_norm(layer):
        return declared
    raise ReaderError(
        f"Layer {name!r} ({type(layer).__name__}) does not say how many channels it puts out. Pass an input of the "
        "network as example=…, and one forward pass will measure it."
    )


def _measure(module: nn.Module, sites: list[str], example: Tensor | tuple[Tensor, ...]) -> dict[str, tuple[int, int]]:
    """(channels, channel_dim) of each site's output, by running the network once on ``example``."""
    measured: dict[str, tuple[int, int]] = {}

    def watch(name: str):
        def hook(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
            if not isinstance(output, Tensor) or output.dim() < 2:
                raise ReaderError(f"Layer {name!r} does not put out a tensor (B, C, …); nothing can be added to it.")
            # (B, C) and (B, C, H, W) have the channels second, sequences (B, N, C) last, unless the layer says otherwise.
            channels, channel_dim = _attributes(layer) or (None, -1 if output.dim() == 3 else 1)
            if _own_layer_norm(layer) and output.shape[1] == channels:
                channel_dim = 1
            elif channels not in (None, output.shape[channel_dim]):
                channel_dim = 1 if output.shape[1] == channels else -1
            measured[name] = (output.shape[channel_dim], channel_dim)

        return hook

    hooks = [module.get_submodule(name).register_forward_hook(watch(name)) for name in sites]
    was_training = {layer: layer.training for layer in module.modules()}
    try:
        with torch.no_grad():
            module.eval()(*(example if isinstance(example, tuple) else (example,)))
    finally:
        for layer, training in was_training.items():
            layer.training = training
        for hook in hooks:
            hook.remove()
    return measured
