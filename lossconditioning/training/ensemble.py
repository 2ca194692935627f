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
            with convolutions on a CPU, "batched" otherwise.

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
        self._members = len(members)
        self._convolves = any(isinstance(layer, nn.modules.conv._ConvNd) for layer in members[0].modules())
        parameters, buffers = stack_module_state(list(members))
        self.stacked = copy.deepcopy(members[0])
        for name, parameter in parameters.items():
            _assign(self.stacked, name, nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad))
        for name, buffer in buffers.items():
            _assign(self.stacked, name, buffer)
        self.train(members[0].training)
        # A skeleton without values, for functional_call; in a tuple so that it is not registered as a child.
        self._skeleton = (copy.deepcopy(members[0]).to("meta"),)
        # Where each parameter and buffer lives, looked up once: walking the module tree costs as much as a small layer.
        self._places = [
            (name, getattr(self.stacked.get_submodule(name.rpartition(".")[0]), kind), name.rpartition(".")[2])
            for kind, values in (("_parameters", parameters), ("_buffers", buffers))
            for name in values
        ]

    def __len__(self) -> int:
        return self._members

    def forward(self, *inputs: Tensor) -> Any:
        """Apply member m to ``inputs[m]``; all inputs and outputs (a tensor, or a tuple of them) have the leading axis M."""
        for value in inputs:
            if value.shape[0] != len(self):
                raise ReaderError(
                    f"An ensemble of {len(self)} members takes inputs with a leading axis of {len(self)}; got "
                    f"{tuple(value.shape)}. To give all members the same input: x.expand({len(self)}, *x.shape)."
                )
        values = {name: owner[leaf] for name, owner, leaf in self._places}
        skeleton = self._skeleton[0]
        if skeleton.training != self.training:
            skeleton.train(self.training)

        def call(member: dict[str, Tensor], *arguments: Tensor) -> Any:
            return functional_call(skeleton, member, arguments, tie_weights=False)

        if self._one_by_one(values):
            # One unbind per parameter: its gradient is written once, where M selections would write it M times.
            members = zip(*(value.unbind() for value in values.values()), strict=True)
            outputs = [
                call(dict(zip(values, member, strict=True)), *(value[index] for value in inputs))
                for index, member in enumerate(members)
            ]
            return pytree.tree_map(lambda *parts: torch.stack(parts), *outputs)
        return vmap(call, randomness="different")(values, *inputs)

    def _one_by_one(self, values: dict[str, Tensor]) -> bool:
        if self.layout == "auto":
            return self._convolves and all(value.device.type == "cpu" for value in values.values())
        return self.layout == "loop"

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


def _assign(module: nn.Module, name: str, value: Tensor) -> None:
    *path, leaf = name.split(".")
    owner = module.get_submodule(".".join(path))
    if isinstance(value, nn.Parameter):
        owner._parameters[leaf] = value
    else:
        owner._buffers[leaf] = value
