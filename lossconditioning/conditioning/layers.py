"""Layers of any network by name: which ones are meant, and what shape they put out."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from lossconditioning.conditioning.channels import Place, declared
from lossconditioning.conditioning.measuring import Example, measure
from lossconditioning.errors import ReaderError, one_of

At = str | type[nn.Module] | Iterable[str | type[nn.Module]] | Mapping[str, int]
"""Names as in ``module.named_modules()``, patterns with ``*`` within one level, or types; with names, their channels' axis."""


def outputs(module: nn.Module, at: At, example: Example | None = None) -> dict[str, Place]:
    """Where the named layers' outputs have their channels, and how many.

    Args:
        module: any network.
        at: which layers. An axis that is given, ``{"blocks.*": -1}``, is taken as given; others are found out, or refused.
        example: an input of the network, needed only where a layer does not say how many channels it puts out. A few forward
            passes then measure it.
    """
    _refuse_compiled(module)
    named = at if isinstance(at, Mapping) else dict.fromkeys([at] if isinstance(at, (str, type)) else at)
    axes = {site: axis for wanted, axis in named.items() for site in _find(module, wanted)}
    if not axes:
        raise ReaderError("Name at least one layer: at=['layer1', …] or at=[nn.Conv2d].")
    if example is None:
        return {name: declared(module, name, axis) for name, axis in axes.items()}
    measured = measure(module, axes, example)
    idle = [name for name in axes if name not in measured]
    if idle:
        raise ReaderError(
            f"The network never calls {idle} by itself (an attention layer reads its out_proj's weights, for instance), so "
            "a change there would do nothing. Leave them out: name the layers instead of a type."
        )
    return {name: measured[name] for name in axes}


def key(name: str) -> str:
    """A layer's path as a key of a ModuleDict, which takes neither dots nor the names of its own methods."""
    path = name.replace(".", "/")
    return f"{path}/" if hasattr(nn.ModuleDict, path) else path


def _refuse_compiled(module: nn.Module) -> None:
    """What was compiled or scripted has its layers' hooks built in, or none: those added later would do nothing."""
    for name, layer in [("the network", module), *module.named_modules()]:
        compiled = isinstance(layer, torch._dynamo.OptimizedModule) or layer._compiled_call_impl is not None
        forward = getattr(layer.forward, "_torchdynamo_orig_callable", None)
        if compiled or forward is not None or isinstance(layer, torch.jit.ScriptModule):
            kind = "scripted" if isinstance(layer, torch.jit.ScriptModule) else "compiled"
            raise ReaderError(
                f"{name or 'The network'} is {kind} already, so that what is added to its layers would do nothing. Give the "
                f"network as it was before, and have the result {kind} instead."
            )


def _find(module: nn.Module, wanted: str | type[nn.Module]) -> list[str]:
    names = {name: layer for name, layer in module.named_modules() if name}
    if not isinstance(wanted, type):
        return [name for name in names if _matches(name, str(wanted))] or [one_of("layer", wanted, names)]
    found = [name for name, layer in names.items() if isinstance(layer, wanted)]
    if not found:
        kinds = sorted({type(layer).__name__ for layer in names.values()})
        raise ReaderError(f"The network has no {wanted.__name__} layer. It has: {', '.join(kinds)}.")
    return found


def _matches(name: str, pattern: str) -> bool:
    """Whether a layer's path fits a pattern, level by level: ``layer*`` is layer1, but not layer1.0.conv1."""
    levels, patterns = name.split("."), pattern.split(".")
    return len(levels) == len(patterns) and all(map(fnmatch.fnmatchcase, levels, patterns))
