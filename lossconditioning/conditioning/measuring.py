"""How many channels a layer puts out, and along which axis, measured by running the network on an example.

Nothing is guessed. An axis is the channels' if the layer says so, if what the layer was given had them there, or if it is the
one whose size stays when pictures, or sequences, become larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.channels import Place, attributes, batch_dim, own_layer_norm
from lossconditioning.errors import ReaderError

Example = Tensor | tuple[Tensor, ...]
# Layers whose second axis is the channels'.
_SECOND = tuple(
    f"torch.nn.modules.{kind}" for kind in ("pooling", "upsampling", "padding", "instancenorm", "batchnorm")
)


def measure(module: nn.Module, sites: Mapping[str, int | None], example: Example) -> dict[str, Place]:
    """Where each site's output has its channels, by running the network on ``example``; without sites it never calls.

    Args:
        sites: name → the channels' axis, if the reader said so.

    Raises:
        ReaderError: if an output is no tensor ``(B, C, …)``, has other numbers of channels in other calls, has its examples
            elsewhere than first, or its channels' axis can not be told.
    """
    example = example if isinstance(example, tuple) else (example,)
    with _watched(module, sites) as watch, torch.no_grad():
        seen = watch(example)
        axes = {name: calls[0][1] if sites[name] is None else sites[name] for name, calls in seen.items()}
        batches = {name: batch_dim(module, name) for name in seen}
        _examples_first(watch, example, [name for name in seen if sites[name] is None and not batches[name]])
        if None in axes.values():
            grown = _unchanged(watch, example, {name: calls[0][0].shape for name, calls in seen.items()})
            axes = {name: grown.get(name) if axis is None else axis for name, axis in axes.items()}
    return {
        name: Place(_width(name, [output for output, _ in calls], axes[name]), axes[name], batches[name])
        for name, calls in seen.items()
    }


def _width(name: str, outputs: list[Tensor], axis: int | None) -> int:
    """How many channels the outputs of all calls of a layer have."""
    shape = tuple(outputs[0].shape)
    if axis is None:
        raise ReaderError(
            f"Layer {name!r} puts out {shape}, and it can not be told which axis holds the channels. Say it: "
            f"at={{{name!r}: 1}}, or -1 for the last."
        )
    if not -len(shape) <= axis < len(shape) or axis == 0:
        raise ReaderError(f"Layer {name!r} puts out {shape}: its channels can not be along axis {axis}.")
    counts = sorted({output.shape[axis] for output in outputs})
    if len(counts) > 1:
        raise ReaderError(
            f"Layer {name!r} is called with {counts} channels in one pass: name layers that have one width."
        )
    return counts[0]


class _Watch:
    """Runs a network on examples, and notes what its sites put out, and where known layers have their channels.

    Called, it gives each site's calls in order, (output, where its channels are known to be or None).
    """

    def __init__(self, module: nn.Module, sites: Mapping[str, int | None]):
        self.module, self.seen = module, {}
        self._known: dict[
            int, tuple[Tensor, int]
        ] = {}  # id of a tensor, which is kept so that it stays the only one → axis
        self._names = {module.get_submodule(name): name for name in sites}
        self.hooks = [layer.register_forward_hook(self._note) for layer in module.modules()]

    def __call__(self, example: tuple[Tensor, ...]) -> dict[str, list[tuple[Tensor, int | None]]]:
        self.seen, self._known = {}, {}
        # What a network draws is the same in every pass, and no generator of the reader's is touched.
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            torch.manual_seed(0)
            self.module(*example)
        return self.seen

    def _note(self, layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        name = self._names.get(layer)
        if not isinstance(output, Tensor) or output.dim() < 2:
            if name is not None:
                raise ReaderError(f"Layer {name!r} does not put out a tensor (B, C, …); nothing can be added to it.")
            return
        axis = self._axis(layer, inputs, output)
        if axis is not None:
            self._known[id(output)] = output, axis
        if name is not None:
            self.seen.setdefault(name, []).append((output, axis))

    def _axis(self, layer: nn.Module, inputs: tuple, output: Tensor) -> int | None:
        """What the layer says; or what is known of its output, or of an input of that shape, such as an activation's."""
        found = attributes(layer)
        if found is not None:
            count, axis = found
            other = -1 if axis == 1 else 1
            fits = [place for place in (axis, other) if output.shape[place] == count]
            return other if own_layer_norm(layer) and other in fits else next(iter(fits), None)
        if output.dim() == 2 or type(layer).__module__ in _SECOND:
            return 1
        for tensor in (output, *inputs[:1]):
            known, axis = self._known.get(id(tensor), (None, None))
            if known is not None and known.shape == output.shape and known.stride() == output.stride():
                return axis
        return None


@contextmanager
def _watched(module: nn.Module, sites: Mapping[str, int | None]) -> Iterator[_Watch]:
    """A network in evaluation mode, as it was afterwards."""
    was_training = {layer: layer.training for layer in module.modules()}
    watch = _Watch(module.eval(), sites)
    try:
        yield watch
    finally:
        for layer, training in was_training.items():
            layer.training = training
        for hook in watch.hooks:
            hook.remove()


# By trying ----------------------------------------------------------------------------------------------------------------


def _examples_first(watch: _Watch, example: tuple[Tensor, ...], names: list[str]) -> None:
    """Refuse sites whose first axis does not hold the examples: of two, changing one must leave the other alone."""
    pairs = [tuple(_two(part, changed) for part in example) for changed in (None, 1, 0)]
    try:
        alike, *changed = ({name: calls[-1][0] for name, calls in watch(pair).items()} for pair in pairs)
    except ReaderError:
        raise
    except Exception:  # a network for a batch of one size, or of certain numbers: there is nothing to compare
        return
    for name in names:
        shape = tuple(alike[name].shape)
        if shape[0] != 2:
            raise ReaderError(
                f"Layer {name!r} puts out {shape} for two examples: they do not stand first, where λ goes. Name other layers."
            )
        for one, outputs in enumerate(changed):
            if not torch.allclose(alike[name][one], outputs[name][one], rtol=1e-3, atol=1e-5):
                raise ReaderError(
                    f"What layer {name!r} puts out for one example depends on another: the first axis of the input does not "
                    "hold examples (sequences have them there with batch_first=True), or the network mixes them. λ is one for "
                    "each example. If the first axis of this layer does hold them, say where its channels stand: "
                    f"at={{{name!r}: -1}}."
                )


def _two(part: Tensor, changed: int | None) -> Tensor:
    """An example twice, another one in the place that is ``changed``."""
    if not isinstance(part, Tensor) or not part.dim():  # a number, which is the same for all examples
        return part
    first = part[:1]
    other = first.flip(-1) * 0.5 + 0.25 if first.is_floating_point() else first.roll(1, -1)
    return torch.cat([other if place == changed else first for place in (0, 1)])


def _unchanged(watch: _Watch, example: tuple[Tensor, ...], before: Mapping[str, torch.Size]) -> dict[str, int | None]:
    """Site → the one axis, but the first, whose size stays when pictures, or sequences, are twice as large; None if unclear.

    A sequence is tried both as (B, C, N) and as (B, N, C): a network that takes both tells nothing.
    """
    found: dict[str, int | None] = {}
    for channels_second in (True, False):
        with suppress(Exception):  # many networks take one size; what ran before they refused is seen all the same
            watch(tuple(_twice_as_large(part, channels_second) for part in example))
        for name, calls in watch.seen.items():
            same = [axis for axis in range(1, len(before[name])) if calls[0][0].shape[axis] == before[name][axis]]
            if len(same) != 1:
                continue
            if found.setdefault(name, same[0]) != same[0] and len(before[name]) == 3:
                found[name] = None
    return found


def _twice_as_large(part: Tensor, channels_second: bool) -> Tensor:
    """An example repeated along all axes but the first and the channels'."""
    if not isinstance(part, Tensor):
        return part
    axes = range(2, part.dim()) if channels_second else range(1, max(2, part.dim() - 1))
    for axis in axes if part.dim() > 1 else ():
        part = torch.cat([part, part], dim=axis)
    return part
