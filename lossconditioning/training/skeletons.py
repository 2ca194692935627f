"""Modules without values, for `torch.func.functional_call` in several threads at once."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Skeletons:
    """Members without values. `functional_call` puts values into one while it runs, so every call under way has its own."""

    def __init__(self, member: nn.Module):
        self._pattern = copy.deepcopy(member).to("meta")
        self._idle: list[nn.Module] = []

    def take(self, training: bool) -> nn.Module:
        """A skeleton in training or evaluation mode that no other call has."""
        if torch.compiler.is_compiling():
            skeleton = self._pattern  # made ready once, while the graph is made
        else:
            try:
                skeleton = self._idle.pop()
            except IndexError:
                skeleton = copy.deepcopy(self._pattern)
        return skeleton if skeleton.training == training else skeleton.train(training)

    def give_back(self, skeleton: nn.Module) -> None:
        """For later calls; after an error it is not given back, as nobody knows what is left in it."""
        if skeleton is not self._pattern:
            self._idle.append(skeleton)

    def __deepcopy__(self, memo: dict) -> Skeletons:
        return Skeletons(self._pattern)
