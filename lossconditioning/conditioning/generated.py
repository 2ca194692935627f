"""Networks whose weights are given with the call: B of them at once, one for each example."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.utils import _pytree as pytree

from lossconditioning.errors import ReaderError
from lossconditioning.skeletons import Skeletons
from lossconditioning.tracing import traced

LARGE = 200_000
"""Features of one example (widest layer's channels × positions) from which B convolutions on a CPU go one by one: all at once
they no longer fit into its cache."""


class Primary(nn.Module):
    """A primary network h(z; θ) without weights of its own: ``primary(weights, *inputs)``, see `run_generated`.

    Args:
        network: left as it is; what is kept of it is its structure, and its buffers.

    Attributes:
        shapes: parameter's name → its shape, of what a call has to give.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        if not isinstance(network, nn.Module):
            raise ReaderError(f"A primary network is an nn.Module; got a {type(network).__name__}.")
        self.shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        _refuse(network, self.shapes)
        self._buffer_names = [name for name, _ in network.named_buffers()]
        kept = network.state_dict().keys()
        for name, buffer in network.named_buffers():
            self.register_buffer(name.replace(".", "/"), buffer, persistent=name in kept)
        self._widest = max((shape[0] for shape in self.shapes.values() if len(shape) > 2), default=0)
        self._skeletons = Skeletons(network)
        self.train(network.training)

    def forward(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
        """Example b of ``inputs`` through the network with weights b; see `run_generated`."""
        count = self._count(weights, inputs)
        skeleton = self._skeletons.take(self.training)
        if self.training:
            _refuse_training(skeleton)
        call = partial(
            self._call, skeleton, {name: getattr(self, name.replace(".", "/")) for name in self._buffer_names}
        )
        if count == 1:  # plain layers, for all examples at once
            outputs = call({name: value[0] for name, value in weights.items()}, *inputs)
        elif self._large(inputs):
            outputs = _in_turn(call, weights, inputs)
        else:
            outputs = _at_once(call, weights, inputs)
        self._skeletons.give_back(skeleton)
        return outputs

    def _call(
        self, skeleton: nn.Module, buffers: dict[str, Tensor], weights: dict[str, Tensor], *inputs: Tensor
    ) -> Any:
        return functional_call(skeleton, {**buffers, **weights}, inputs, tie_weights=False)

    def _count(self, weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> int:
        """How many sets of weights there are: 1, or B."""
        if not isinstance(weights, Mapping) or weights.keys() != self.shapes.keys():
            given = ", ".join(map(str, weights)) if isinstance(weights, Mapping) else f"a {type(weights).__name__}"
            raise ReaderError(
                f"The primary network takes weights by name, {', '.join(self.shapes)}; got {given or 'none'}."
            )
        for name, value in weights.items():
            if value.shape[1:] != self.shapes[name] or value.dim() == len(self.shapes[name]):
                expected = f"(B{''.join(f', {n}' for n in self.shapes[name])}{',' * (not self.shapes[name])})"
                raise ReaderError(
                    f"Weights {name!r} have shape {tuple(value.shape)}; expected {expected}, B sets of them."
                )
        if not inputs or not all(isinstance(value, Tensor) and value.dim() for value in inputs):
            raise ReaderError(
                "A generated network takes inputs whose first axis is that of the examples; got others, or none."
            )
        counts = {value.shape[0] for value in weights.values()} - {1}
        if (counts and {value.shape[0] for value in inputs} | counts != counts) or len(counts) > 1:
            examples, sets = sorted({value.shape[0] for value in inputs}), sorted(counts)
            raise ReaderError(
                f"{_listed(examples)} examples came with {_listed(sets)} sets of weights: one for each example expected, or one "
                "for all."
            )
        return counts.pop() if counts else 1

    def _large(self, inputs: tuple[Tensor, ...]) -> bool:
        first = inputs[0]
        if traced() or first.device.type != "cpu" or not self._widest:
            return False
        return self._widest * math.prod(first.shape[2:]) >= LARGE


def run_generated(primary: nn.Module, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
    """Run B networks of one architecture at once: h(z_b; θ_b) for b = 1 … B (section 2.2; B.1 calls for it).

    The same numbers, to rounding, as one network after the other; differentiable, also twice, in weights and inputs.

    Args:
        primary: the architecture; its own parameters are neither used nor changed. Its buffers are used as they are. Where it
            is called often, give a `Primary`, which spares a copy at every call.
        weights: parameter's name → ``(B, *shape)``. Those with ``(1, *shape)`` are shared by all examples; if all are, a batch
            of any size goes through one plain network.
        inputs: each ``(B, …)``.

    Returns:
        what the network puts out, ``(B, …)``.

    Raises:
        ReaderError: for weights or inputs that do not fit, and for layers in training mode that change their buffers, or that
            mix examples, such as batch norm.
    """
    return (primary if isinstance(primary, Primary) else Primary(primary))(weights, *inputs)


def _at_once(call: Any, weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    """All at once: vmap makes grouped convolutions of B convolutions, and batched matrix products of B linear layers."""
    shared = {name: value[0] for name, value in weights.items() if value.shape[0] == 1}
    own = {name: _channels_last(value) for name, value in weights.items() if name not in shared}

    def one(member: dict[str, Tensor], *example: Tensor) -> Any:
        return call({**shared, **member}, *example)

    # Every example keeps an axis of its own in front: a batch of one.
    outputs = vmap(one, randomness="different")(own, *(value.unsqueeze(1) for value in inputs))
    return pytree.tree_map(lambda value: value.squeeze(1), outputs)


def _in_turn(call: Any, weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    # One unbind per tensor: its gradient is written once, where B selections would write it B times.
    views = {name: value.expand(inputs[0].shape[0], *value.shape[1:]).unbind() for name, value in weights.items()}
    outputs = []
    for index in range(inputs[0].shape[0]):
        example = (_channels_last(value[index : index + 1]) for value in inputs)
        outputs.append(call({name: view[index] for name, view in views.items()}, *example))
    return pytree.tree_map(lambda *parts: torch.cat(parts), *outputs)


def _channels_last(value: Tensor) -> Tensor:
    """Numbers as they are, but with channels next to each other in memory: a CPU's convolutions are quicker so."""
    if value.device.type != "cpu" or value.dim() < 4:
        return value
    axis = 2 if value.dim() == 5 else 1
    return value.movedim(axis, -1).contiguous().movedim(-1, axis)


def _refuse(network: nn.Module, shapes: Mapping[str, torch.Size]) -> None:
    if not shapes:
        raise ReaderError("The primary network has no parameters, so there are no weights to generate for it.")
    if len(list(network.named_parameters(remove_duplicate=False))) > len(shapes):
        raise ReaderError(
            "The primary network has tied weights, one parameter under two names. Untie them: give each its own."
        )


def _refuse_training(network: nn.Module) -> None:
    for name, layer in network.named_modules():
        mixes = isinstance(layer, _BatchNorm)
        if layer.training and (
            mixes or (isinstance(layer, _NormBase) and layer.track_running_stats) or isinstance(layer, _SpectralNorm)
        ):
            raise ReaderError(
                f"Layer {name!r} of the primary network, {type(layer).__name__}, is in training mode, where it "
                f"{'normalises over a batch' if mixes else 'changes its buffers'}; every generated network sees one example. "
                "Take GroupNorm or InstanceNorm, or .eval() the primary network to use the buffers as they are."
            )


def _listed(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers)) or "no"
