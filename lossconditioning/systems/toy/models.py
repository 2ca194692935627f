"""The toy's networks: an MLP with three hidden layers, told the weights or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import Concatenation, FiLM, condition
from lossconditioning.errors import one_of, positive_int
from lossconditioning.priors import Prior

CONDITIONING = ("input", "concatenation", "film", "none")
INITIALISATIONS = ("he", "pytorch")


def mlp(inputs: int, width: int, initialisation: str = "he") -> nn.Sequential:
    """``inputs`` → width → width → width → 1 with ReLU between (appendix A.1; width 64 in the paper).

    The paper does not say how its weights start. "he" is He et al.'s uniform initialisation for ReLU with biases at zero,
    "pytorch" what ``nn.Linear`` does by default; the notebook compares the two.
    """
    sizes = [inputs, width, width, width]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(width, 1))
    if one_of("initialisation", initialisation, INITIALISATIONS) == "he":
        for layer in network[::2]:
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


class SymNet(nn.Module):
    """The paper's f(x, S): the weights S stand beside x at the input.

    Args:
        width: neurons in each of the three hidden layers.
        prior: the prior over the two weights.
    """

    def __init__(self, width: int, prior: Prior, initialisation: str = "he"):
        super().__init__()
        self.prior = prior
        self.layers = mlp(1 + prior.code_size, positive_int("width", width), initialisation)

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """x ``(..., B, 1)`` and weights ``(..., B, 2)`` to the logit of p, ``(..., B, 1)``."""
        return self.layers(torch.cat([x, self.prior.encode(lam)], dim=-1))


class FixedNet(nn.Module):
    """A network that is not told the weights: what one trains for one fixed objective."""

    def __init__(self, width: int, initialisation: str = "he"):
        super().__init__()
        self.layers = mlp(1, positive_int("width", width), initialisation)

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """x ``(..., B, 1)`` to the logit of p; ``lam`` is accepted and ignored, so that all models are called alike."""
        return self.layers(x)


class MembersPrior:
    """What an ensemble's members draw their weights from: ``copies`` members from each of several priors, in their order.

    Attributes:
        priors: one for each group of members.
        copies: members in a group.
    """

    def __init__(self, priors: Sequence[Prior], copies: int):
        self.priors, self.copies = tuple(priors), copies

    def sample(self, sample_shape: tuple[int, ...] = (), stratified: bool = False) -> Tensor:
        """Weights for every member, ``(M, *sample_shape, K)``; see `Prior.sample`."""
        return torch.cat([prior.sample((self.copies, *sample_shape), stratified) for prior in self.priors])


def one_network(width: int, conditioning: str, prior: Prior, initialisation: str = "he") -> nn.Module:
    """One network of the toy, with weights drawn from torch's global generator.

    Args:
        width: neurons per hidden layer.
        conditioning: "input" (the paper's), "concatenation" or "film" (after each hidden linear layer, through
            `lossconditioning.condition`), or "none".
        prior: prior over the two weights.
        initialisation: of the linear layers, see `mlp`.
    """
    one_of("conditioning", conditioning, CONDITIONING)
    if conditioning == "none":
        return FixedNet(width, initialisation)
    if conditioning == "input":
        return SymNet(width, prior, initialisation)
    using = Concatenation if conditioning == "concatenation" else partial(FiLM, hidden=width)
    return condition(mlp(1, width, initialisation), at=["0", "2", "4"], using=using, prior=prior)
