"""Networks whose weights are given with the call: B of them at once, one for each example."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.utils import _pytree as pytree

from lossconditioning.conditioning.grouped import chain, run_chain, suits
from lossconditioning.errors import ReaderError
from lossconditioning.skeletons import Skeletons
from lossconditioning.tracing import exporting, traced

LARGE = 200_000
"""Features of one example (widest layer's channels × positions) from which a CPU runs B networks of convolutions one by one:
together they no longer fit into its cache."""


class Primary(nn.Module):
    """A primary network h(z; θ) without weights of its own: ``primary(weights, *inputs)``, see `run_generated`.

    Args:
        network: left as it is; what is kept of it is its structure, and its buffers.

    Attributes:
        shapes: parameter's name → its shape: what a call has to give.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        if not isinstance(network, nn.Module):
            raise ReaderError(f"A primary network is an nn.Module; got a {type(network).__name__}.")
        self.shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        _refuse(network, self.shapes)
        kept = network.state_dict().keys()
        self._fixed = {
            name: f"buffer/{name.replace('.', '/')}" for name, _ in network.named_buffers(remove_duplicate=False)
        }
        for name, place in self._fixed.items():
            self.register_buffer(place, network.get_buffer(name), persistent=name in kept)
        # See _several.
        self._chain = chain(network)
        self._widest = max((shape[0] for shape in self.shapes.values() if len(shape) > 2), default=0)
        self._grouped = any(isinstance(layer, nn.GroupNorm) for layer in network.modules())
        self._skeletons = Skeletons(network)
        self.train(network.training)

    def forward(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
        """Example b of ``inputs`` through the network with weights b; see `run_generated`."""
        count = self._count(weights, inputs)
        skeleton = self._skeletons.take(self.training)
        _refuse_what_mixes(skeleton)
        call = partial(self._call, skeleton, {name: getattr(self, place) for name, place in self._fixed.items()})
        if count == 1:  # plain layers, for all examples at once
            outputs = call({name: value[0] for name, value in weights.items()}, *inputs)
        elif not traced() and not count:  # nothing to compute but a shape
            outputs = call({name: value.sum(0) for name, value in weights.items()}, *inputs)
        else:
            outputs = self._several(call, weights, inputs)
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
        sizes = [value.shape[0] for value in weights.values()]
        count = next((size for size in sizes if size != 1), 1)
        examples = [value.shape[0] for value in inputs]
        # No sets: while a graph is made for batches of any size, sizes are symbols.
        fits = all(size in (1, count) for size in sizes) and all(count == 1 or size == count for size in examples)
        if not fits or any(size != examples[0] for size in examples):
            raise ReaderError(
                f"{_listed(examples)} examples came with {_listed(sizes)} sets of weights: one for each example expected, "
                "or one for all."
            )
        return count

    def _several(self, call: Callable[..., Any], weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
        """Grouped convolutions of chains, vmap of others; in turn what is quicker so, or what vmap can not do."""
        first = inputs[0]
        chained = self._chain is not None and len(inputs) == 1 and first.dim() == 4 and not traced()
        large = not traced() and suits(first) and self._widest * math.prod(first.shape[2:]) >= LARGE
        # Within vmap there is no autocast; GroupNorm can not be exported there, nor anything with strict=True (PyTorch 2.12).
        refused = torch.is_autocast_enabled(first.device.type) or (
            exporting() and (self._grouped or torch.compiler.is_dynamo_compiling())
        )
        if large or (refused and not chained):
            return _in_turn(call, weights, inputs)
        return run_chain(self._chain, weights, first) if chained else _at_once(call, weights, inputs)


def run_generated(primary: nn.Module, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
    """Run B networks of one architecture at once: h(z_b; θ_b) for b = 1 … B (section 2.2; B.1 calls for it).

    The same numbers, to rounding, as one network after the other; differentiable, also twice, in weights and inputs. To save
    memory, checkpoint the whole call: a `torch.utils.checkpoint` within the primary network fails in its backward pass, when
    the network has no weights any longer.

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


def _at_once(call: Callable[..., Any], weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    """With vmap, which makes grouped convolutions of B convolutions, and batched matrix products of B linear layers."""
    shared = {name: value[0] for name, value in weights.items() if value.shape[0] == 1}
    # Contiguous: in another layout, gradients of grouped convolutions can be wrong, see `chain`.
    own = {name: value.contiguous() for name, value in weights.items() if name not in shared}

    def one(member: dict[str, Tensor], *example: Tensor) -> Any:
        return call({**shared, **member}, *example)

    # Every example is a batch of one.
    outputs = vmap(one, randomness="different")(own, *(value.unsqueeze(1).contiguous() for value in inputs))
    return pytree.tree_map(lambda value: value.squeeze(1), outputs)


def _in_turn(call: Callable[..., Any], weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    count = inputs[0].shape[0]
    # One unbind per tensor: its gradient is written once, where B selections would write it B times.
    views = {name: value.expand(count, *value.shape[1:]).unbind() for name, value in weights.items()}
    if not traced():
        inputs = tuple(_laid_out(value) for value in inputs)
    examples = zip(*(value.split(1) for value in inputs), strict=True)
    outputs = [call({name: view[b] for name, view in views.items()}, *example) for b, example in enumerate(examples)]
    return pytree.tree_map(lambda *parts: torch.cat(parts), *outputs)


def _laid_out(value: Tensor) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last) if suits(value) else value


def _refuse(network: nn.Module, shapes: Mapping[str, torch.Size]) -> None:
    if not shapes:
        raise ReaderError("The primary network has no parameters, so there are no weights to generate for it.")
    if len(list(network.named_parameters(remove_duplicate=False))) > len(shapes):
        raise ReaderError(
            "The primary network has tied weights, one parameter under two names. Untie them: give each its own."
        )


def _refuse_what_mixes(network: nn.Module) -> None:
    """A generated network sees one example: it has no batch to normalise over, and no buffers of its own to change."""
    for name, layer in network.named_modules():
        if not isinstance(layer, (_NormBase, _SpectralNorm)):
            continue
        follows = layer.training and getattr(layer, "track_running_stats", True)
        if not follows and not (isinstance(layer, _BatchNorm) and (layer.training or layer.running_mean is None)):
            continue
        raise ReaderError(
            f"{type(layer).__name__} {name!r} of the primary network reads statistics of a batch, or changes its buffers; a "
            "generated network sees one example. Take GroupNorm, or InstanceNorm without running statistics; or call .eval() "
            "on the hypernetwork's primary, which uses the buffers as they are."
        )


def _listed(sizes: list[int]) -> str:
    return " or ".join(map(str, sorted(set(sizes))))
