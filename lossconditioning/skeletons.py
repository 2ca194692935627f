"""Modules without values, for `torch.func.functional_call` in several threads at once."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Skeletons:
    """Members without values. `functional_call` puts values into one while it runs, so every call under way has its own."""

    def __init__(self, member: nn.Module):
        as_it_is = copy.deepcopy(member).to("meta")
        other = copy.deepcopy(as_it_is).train(not member.training)
        # One for each mode, training or not: compilers do not all know how to change it.
        self._patterns = {member.training: as_it_is, not member.training: other}
        self._idle: dict[bool, list[nn.Module]] = {True: [], False: []}

    def take(self, training: bool) -> nn.Module:
        """A skeleton in training or evaluation mode that no other call has."""
        if torch.compiler.is_compiling():  # a graph is made once
            return self._patterns[training]
        try:
            return self._idle[training].pop()
        except IndexError:
            return copy.deepcopy(self._patterns[training])

    def give_back(self, skeleton: nn.Module) -> None:
        """For later calls; after an error it is not given back, as nobody knows what is left in it."""
        if not torch.compiler.is_compiling():
            self._idle[skeleton.training].append(skeleton)

    def __deepcopy__(self, memo: dict) -> Skeletons:
        twin = copy.copy(self)
        twin._idle = {True: [], False: []}
        return twin
