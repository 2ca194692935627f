"""Hypernetworks: networks whose outputs are another network's weights (Ha et al. 2016; Meta Internal Learning, section 2.2)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from lossconditioning.conditioning.codes import encoded
from lossconditioning.conditioning.generated import Primary, run_generated
from lossconditioning.conditioning.heads import ChunkedHeads, FullHeads, LowRankHeads
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.priors import Prior

HEADS = {"full": FullHeads, "low-rank": LowRankHeads, "chunked": ChunkedHeads}
HIDDEN = 64
"""Width of the hidden layer of the embedding of λ."""


class Hypernetwork(nn.Module):
    r"""A network h(z; f(code)) whose weights a second one, f, generates: ``hyper(*inputs, code)``. Made by `hypernetwork`.

    Weights of two or more axes are multiplied by :math:`1/\sqrt{c_{in} \cdot K \cdot K}`, so that at the start every layer maps
    inputs of unit variance to outputs of unit variance (section 3.3). What an activation between them takes away is not made up
    for: a leaky ReLU takes up to half of the mean square. Biases start at zero, other tensors of one axis (a norm's weight) at
    the primary network's own values; all follow the code.

    Its state_dict holds ``heads.`` and ``embedding.``; of the primary network only buffers, under ``primary.``.

    Attributes:
        primary: the primary network's structure, as a `Primary`.
        heads: what makes weights of codes.
        embedding: what makes the code of the last argument, or None: then it is the code.
        prior: the prior λ is encoded with, or None: then the last argument is not λ.
    """

    def __init__(
        self,
        primary: nn.Module,
        heads: nn.Module,
        code_size: int,
        prior: Prior | None = None,
        embedding: nn.Module | None = None,
    ):
        super().__init__()
        self.primary = Primary(copy.deepcopy(primary))
        self.code_size, self.prior, self.embedding, self.heads = code_size, prior, embedding, heads
        self._scales = {name: fan_in**-0.5 for name, fan_in in _fans(primary)}
        self._starts = {}
        for name, start in _starts(primary):
            self._starts[name] = f"start/{name.replace('.', '/')}"
            self.register_buffer(self._starts[name], start)

    def weights(self, code: Tensor) -> dict[str, Tensor]:
        """θ = f(code): codes ``(B, code_size)``, of unit mean square, to parameter's name → ``(B, *shape)``."""
        if not isinstance(code, Tensor) or code.dim() != 2 or code.shape[1] != self.code_size:
            given = f"one of shape {tuple(code.shape)}" if isinstance(code, Tensor) else f"a {type(code).__name__}"
            raise ReaderError(f"A code is a tensor (B, {self.code_size}), one row for each network; got {given}.")
        parameter = next(self.heads.parameters(), code)
        made = self.heads(code.to(parameter.dtype))
        return {name: self._scaled(name, value) for name, value in made.items()}

    def _scaled(self, name: str, value: Tensor) -> Tensor:
        if name in self._starts:
            return getattr(self, self._starts[name]) + value
        return value * self._scales[name] if name in self._scales else value

    def run(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Any:
        """Example b of ``inputs`` through the primary network with weights b; see `run_generated`."""
        return run_generated(self.primary, weights, *inputs)

    def forward(self, *inputs: Tensor, lam: Tensor | None = None) -> Any:
        """Generate weights from the last argument and run the primary network with them on the others.

        With a prior the last argument is λ, ``(B,)``, or ``(B, K)`` for K weights, with the warnings and refusals of
        `Conditioned`; with an embedding alone, what that takes; with neither, a code ``(B, code_size)``. One λ or code, B = 1,
        holds for all examples.
        """
        if lam is None:
            if len(inputs) < 2:
                last = "the loss weights" if self.prior is not None else "the code, or what its embedding takes,"
                raise ReaderError(
                    f"A hypernetwork takes {last} last: model(inputs, {'lam' if self.prior else 'code'})."
                )
            *inputs, lam = inputs
        code = lam if self.prior is None else encoded(self, self.prior, lam)
        if self.embedding is not None:
            if self.prior is not None:
                code = code.to(next(self.embedding.parameters(), code).dtype)  # weights out of NumPy are float64
            code = self.embedding(code)
        return self.run(self.weights(code), *inputs)


def hypernetwork(
    primary: nn.Module,
    code_size: int,
    *,
    heads: str | Callable[..., nn.Module] = "full",
    rank: int | None = None,
    prior: Prior | None = None,
    embedding: nn.Module | None = None,
) -> Hypernetwork:
    """A network that generates another's weights from a code, or from λ (Pareto hypernetworks: Navon et al. 2021).

    Args:
        primary: a network whose weights are to be generated, small as a rule. It is copied for its structure and its buffers
            and left as it is; its parameters are not trained.
        code_size: how many numbers a code has (512 in the paper).
        heads: "full" (one linear map per tensor, the paper's), "low-rank", "chunked", or a class or function of one's own,
            called with ``code_size, shapes`` (`conditioning.heads.Heads` says what it makes).
        rank: of "low-rank" heads, 32 unless given.
        prior: where λ is drawn from, if the network is told λ: a third way to make it loss-conditional, beside `condition`.
        embedding: a module that makes codes ``(B, code_size)`` of the last argument, an image encoder for instance; with a
            prior, of λ's code. Where there is a prior and no embedding is given: an MLP with one hidden layer of 64, whose
            output is normalised to unit mean square.

    Returns:
        the hypernetwork, in the primary network's dtype and on its device, called as ``hyper(*inputs, code)``.

    Raises:
        ReaderError: for a primary network without parameters or with tied ones, and for other arguments than these.

    Example:
        >>> primary = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.LeakyReLU(0.02), nn.Conv2d(24, 3, 3, padding=1))
        >>> hyper = hypernetwork(primary, code_size=64, heads="low-rank", rank=16)
        >>> hyper(noise, codes)                     # noise (B, 3, H, W), codes (B, 64): B networks, one for each
    """
    positive_int("code_size", code_size)
    if prior is not None and not isinstance(prior, Prior):
        raise ReaderError(f"prior= is where λ is drawn from, such as lc.LogUniform(0.5, 512); got {prior!r}.")
    if embedding is not None and not isinstance(embedding, nn.Module):
        raise ReaderError(
            f"embedding= is a module that makes codes (B, {code_size}); got a {type(embedding).__name__}."
        )
    shapes = Primary(primary).shapes
    made = _heads(heads, rank)(code_size, shapes)
    if not isinstance(made, nn.Module):
        raise ReaderError(f"heads= makes a module of code_size and shapes; got a {type(made).__name__}.")
    if prior is not None and embedding is None:
        embedding = _embedding(prior.code_size, code_size)
    reference = next(primary.parameters())
    model = Hypernetwork(primary, made, code_size, prior, embedding)
    return model.to(device=reference.device, dtype=reference.dtype)


def _heads(heads: str | Callable[..., nn.Module], rank: int | None) -> Callable[..., nn.Module]:
    make = heads if callable(heads) else HEADS[one_of("kind of heads", heads, HEADS)]
    if rank is None:
        return make
    if make is not LowRankHeads:
        raise ReaderError(f"rank= goes with heads='low-rank'; got heads={heads!r}. Leave it out.")
    return partial(make, rank=positive_int("rank", rank))


def _embedding(given: int, code_size: int) -> nn.Module:
    """A code of λ, ``(B, given)``, to a code of unit mean square."""
    if code_size < 2:
        raise ReaderError(
            "A code of λ has at least 2 numbers: normalised, one alone is 1 or −1. Give a larger code_size."
        )
    layers = nn.Linear(given, HIDDEN), nn.LeakyReLU(0.2), nn.Linear(HIDDEN, code_size)
    return nn.Sequential(*layers, nn.RMSNorm(code_size, elementwise_affine=False))


def _fans(primary: nn.Module) -> Iterator[tuple[str, float]]:
    """c_in · K · K of every tensor of two or more axes: how many numbers a layer sums up for one."""
    for path, layer in primary.named_modules():
        for name, parameter in layer.named_parameters(path, recurse=False):
            if parameter.dim() < 2:
                continue
            fan_in = math.prod(parameter.shape[1:])
            if isinstance(layer, _ConvTransposeNd):  # its first axis is that of the input, and a stride spreads it out
                fan_in = parameter.shape[0] // layer.groups * math.prod(parameter.shape[2:]) / math.prod(layer.stride)
            yield name, fan_in


def _starts(primary: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Where other tensors start, if not at zero as the biases of linear layers and of convolutions do."""
    for path, layer in primary.named_modules():
        for name, parameter in layer.named_parameters(path, recurse=False):
            if parameter.dim() < 2 and not isinstance(layer, (nn.Linear, _ConvNd)):
                yield name, parameter.detach().clone()
