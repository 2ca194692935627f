"""Many models trained at once, as stacked parameters.

A frontier's fixed-weight baselines are K networks of one shape, trained on the same data under different objectives. Run
one after another, small networks leave a machine mostly idle; stacked, they are one batched network (`torch.func`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.utils import _pytree as pytree

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.skeletons import Skeletons
from lossconditioning.tracing import exporting
from lossconditioning.training.attempts import Before, without_hooks

LAYOUTS = ("auto", "batched", "loop")


class Ensemble(nn.Module):
    """M modules of one architecture as one module: every parameter has a leading axis M.

    Called with arguments that have a leading axis M, it applies member m to slice m. Member m's gradient depends on member
    m's outputs alone, and element-wise optimizers (SGD, Adam, AdamW) treat each number by itself: one step on the *sum* of
    the members' losses is one step of each. (Clipping the gradient norm is not element-wise; clip per member.)

    Args:
        members: modules that agree in everything but the values of their parameters and buffers. (What is neither, a prior
            for instance, is that of member 0 for all.) Parameters must not be shared within a member.
        layout: "batched" runs all members as one network (`torch.func.vmap`), which pays wherever a member alone leaves
            the machine idle: small layers, any GPU. "loop" runs member after member on views of the stacked parameters;
            convolutions on a CPU want that, for batched they are slower than one by one. "auto" takes "loop" for networks
            with convolutions on a CPU, "batched" otherwise; and "loop" where something in a member can not be batched, such as
            a GRU, or a spectral norm in training: vmap has no rule for it, which the first call finds out. (So do graphs
            that are exported, or compiled before any call.)

    Raises:
        ReaderError: for members that can not be stacked: of different architectures, with tied weights, or with a tensor beside
            their parameters that is computed from them. When called: for inputs without the leading axis, and under
            layout="batched" for members that can not be batched.

    Several threads may call one ensemble at once. (In training, batch norms count all calls, as one module's would.)

    Attributes:
        stacked: a module of the members' class whose parameters have the leading axis M, under the members' names.

    Example:
        >>> models = Ensemble([nn.Linear(1, 1) for _ in range(5)])
        >>> models(torch.zeros(5, 16, 1)).shape
        torch.Size([5, 16, 1])
    """

    def __init__(self, members: Sequence[nn.Module], layout: str = "auto"):
        super().__init__()
        self.layout = one_of("layout", layout, LAYOUTS)
        if isinstance(members, nn.Module) or not all(isinstance(member, nn.Module) for member in members):
            raise ReaderError("An ensemble is made of a list of networks, such as [build() for _ in range(5)].")
        if not members:
            raise ReaderError("An ensemble needs at least one member.")
        shapes = [(str(m), {name: (p.shape, p.dtype) for name, p in m.state_dict().items()}) for m in members]
        odd = next((i for i, s in enumerate(shapes) if s != shapes[0]), None)
        if odd is not None:
            raise ReaderError(f"All members of an ensemble need one architecture; member {odd} differs from member 0.")
        if len(list(members[0].parameters())) < len(list(members[0].named_parameters(remove_duplicate=False))):
            raise ReaderError("The members share parameters between layers (tied weights), which can not be stacked.")
        _refuse_computed(members[0])
        self._members = len(members)
        self._convolves = any(isinstance(layer, nn.modules.conv._ConvNd) for layer in members[0].modules())
        self._attends = any(isinstance(layer, nn.MultiheadAttention) for layer in members[0].modules())
        self._batches: dict[tuple[bool, bool], bool] = {}  # (training?, gradients?) → whether vmap was found to do
        parameters, buffers = stack_module_state(list(members))
        self.stacked = copy.deepcopy(members[0])
        for name, parameter in parameters.items():
            _assign(self.stacked, name, nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad))
        for name, buffer in buffers.items():
            _assign(self.stacked, name, buffer)
        self.train(members[0].training)
        self._skeletons = Skeletons(members[0])
        # Where each parameter and buffer lives, looked up once: walking the module tree costs as much as a small layer. In the
        # module, not in its dictionary, for torch.export puts other dictionaries in their place.
        self._places = [
            (name, self.stacked.get_submodule(name.rpartition(".")[0]), kind, name.rpartition(".")[2])
            for kind, values in (("_parameters", parameters), ("_buffers", buffers))
            for name in values
        ]

    def __len__(self) -> int:
        return self._members

    def forward(self, *inputs: Tensor) -> Any:
        """Apply member m to ``inputs[m]``; all inputs and outputs (a tensor, or a tuple of them) have the leading axis M."""
        for value in inputs:
            if not isinstance(value, Tensor) or value.shape[:1] != (len(self),):
                got = tuple(value.shape) if isinstance(value, Tensor) else f"a {type(value).__name__}"
                raise ReaderError(
                    f"An ensemble of {len(self)} members takes inputs with a leading axis of {len(self)}; got {got}. To give "
                    f"all members the same input: x.expand({len(self)}, *x.shape)."
                )
        values = {name: getattr(owner, kind)[leaf] for name, owner, kind, leaf in self._places}
        skeleton = self._skeletons.take(self.training)
        outputs = self._apply_members(skeleton, values, inputs)
        self._skeletons.give_back(skeleton)
        return outputs

    def _apply_members(self, skeleton: nn.Module, values: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
        mode = skeleton.training, torch.is_grad_enabled()
        if self._one_by_one(mode, values):
            return _in_turn(len(self), skeleton, values, inputs)
        if self._batches.get(mode) or torch.compiler.is_dynamo_compiling():
            return _together(skeleton, values, inputs)
        return self._try_together(mode, skeleton, values, inputs)

    def _try_together(
        self, mode: tuple[bool, bool], skeleton: nn.Module, values: dict[str, Tensor], inputs: tuple[Tensor, ...]
    ) -> Any:
        """The first batched call: what vmap has no rule for is found out, and run member after member."""
        before = Before(values)
        try:
            with without_hooks():
                outputs = _together(skeleton, values, inputs)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ReaderError) as error:
            before.restore(values)
            outputs = _in_turn(
                len(self), skeleton, values, inputs
            )  # whose error it is, if the fault is the members' own
            if self.layout == "batched":
                before.restore(values)
                raise ReaderError(
                    "Something in these members can not be batched, which layout='batched' asks for; layout='auto' and "
                    f"layout='loop' run member after member. What is missing: {str(error).partition('. ')[0]}."
                ) from error
            self._batches[mode] = False
        else:
            self._batches[mode] = True
        return outputs

    def _one_by_one(self, mode: tuple[bool, bool], values: dict[str, Tensor]) -> bool:
        if self.layout != "auto":
            return self.layout == "loop"
        if self._convolves and all(value.device.type == "cpu" for value in values.values()):
            return True
        # In evaluation, attention takes a quick form that has no gradient if it sees none asked for; vmap hides that it is.
        if self._attends and mode == (False, True):
            return True
        # An attempt that fails while a graph is made stays in it; and what vmap leaves in one, other runtimes do not know.
        known = self._batches.get(mode, not torch.compiler.is_compiling())
        return not known or exporting()

    def member(self, index: int) -> nn.Module:
        """Member ``index`` as an ordinary module of its own (a copy)."""
        if not -len(self) <= index < len(self):
            raise ReaderError(f"There is no member {index} in an ensemble of {len(self)}.")
        one = copy.deepcopy(self.stacked)
        for name, parameter in list(one.named_parameters()):
            _assign(one, name, nn.Parameter(parameter.detach()[index].clone(), requires_grad=parameter.requires_grad))
        for name, buffer in list(one.named_buffers()):
            _assign(one, name, buffer[index].clone())
        return one


def _together(skeleton: nn.Module, values: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    """All members as one batched network."""

    def call(member: dict[str, Tensor], *arguments: Tensor) -> Any:
        given = dict(member)
        outputs = functional_call(skeleton, member, arguments, tie_weights=False)
        if any(member[name] is not value for name, value in given.items()):
            raise ReaderError("A member assigns a buffer anew, which is lost in a batched call. Use layout='loop'.")
        return outputs

    return vmap(call, randomness="different")(values, *inputs)


def _in_turn(count: int, skeleton: nn.Module, values: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
    """Member after member, on views of the stacked values."""
    outputs = []
    # One unbind per parameter: its gradient is written once, where M selections would write it M times.
    views = {name: value.unbind() for name, value in values.items()}
    for index in range(count):
        member = {name: view[index] for name, view in views.items()}
        outputs.append(functional_call(skeleton, member, tuple(value[index] for value in inputs), tie_weights=False))
        for name, value in member.items():
            if value is not views[name][index]:  # a buffer that is assigned anew, not changed in place
                with torch.no_grad():
                    views[name][index].copy_(value)
    return pytree.tree_map(lambda *parts: torch.stack(parts), *outputs)


def _refuse_computed(member: nn.Module) -> None:
    for path, layer in member.named_modules():
        for name, value in vars(layer).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                raise ReaderError(
                    f"The members' {f'layer {path!r}' if path else 'class'} has a tensor {name!r} that is computed, neither a "
                    "parameter nor a buffer, so it can not be stacked: torch.nn.utils.weight_norm makes such ones, "
                    "torch.nn.utils.parametrizations.weight_norm does not; after pruning, call torch.nn.utils.prune.remove."
                )


def _assign(module: nn.Module, name: str, value: Tensor) -> None:
    *path, leaf = name.split(".")
    owner = module.get_submodule(".".join(path))
    if isinstance(value, nn.Parameter):
        owner._parameters[leaf] = value
    else:
        owner._buffers[leaf] = value
