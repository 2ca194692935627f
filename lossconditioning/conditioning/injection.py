"""Condition any network on λ, without rewriting it.

"With only minimal changes to existing codebases" is the papers' selling point (YOTO, section 1). Here it is one call:
name the layers, and get a network that takes λ as one more argument.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from torch import Tensor, nn

from lossconditioning.conditioning.conditioners import FiLM
from lossconditioning.conditioning.layers import key, outputs
from lossconditioning.errors import ReaderError
from lossconditioning.priors import Prior


class _Code:
    """Carries the encoded λ of the call under way from `Conditioned.forward` to the conditioned layers."""

    value: Tensor | None = None


class _Inject:
    """A forward hook that conditions one layer's output. An object, not a closure, so that deepcopy can follow it."""

    def __init__(self, name: str, conditioner: nn.Module, code: _Code):
        self.name, self.conditioner, self.code = name, conditioner, code

    def __call__(self, layer: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if self.code.value is None:
            raise ReaderError(
                f"Layer {self.name!r} is conditioned on loss weights, but was called without them. Call the conditioned "
                "network, model(inputs, lam), or take the conditioning off with model.undo()."
            )
        if not isinstance(output, Tensor):
            raise ReaderError(
                f"Layer {self.name!r} puts out a {type(output).__name__}; only tensors can be conditioned."
            )
        return self.conditioner(output, self.code.value)


class Conditioned(nn.Module):
    """A network that takes loss weights: ``model(*inputs, lam)``. Made by `condition`.

    Its state_dict holds the original network under ``network.`` (unchanged names) and one conditioner per layer under
    ``conditioners.``. Give an optimizer both, or just ``model.conditioners.parameters()`` to leave the network frozen.

    Attributes:
        network: the original network; its parameters are shared, not copied.
        conditioners: what was added, one per conditioned layer.
        prior: the prior λ is encoded with.
    """

    def __init__(self, network: nn.Module, conditioners: dict[str, nn.Module], prior: Prior):
        super().__init__()
        self.network, self.prior = network, prior
        # A module's name may not hold dots, a layer's path does.
        self.conditioners = nn.ModuleDict({key(name): module for name, module in conditioners.items()})
        self._code = _Code()
        self._hooks = [
            network.get_submodule(name).register_forward_hook(_Inject(name, module, self._code))
            for name, module in conditioners.items()
        ]

    def forward(self, *inputs: Tensor, lam: Tensor | None = None) -> Tensor:
        """Run the network under the objective λ, the last argument: shape ``(B,)``, or ``(B, K)`` for K weights.

        In evaluation mode, weights outside the prior are warned about (`WeightWarning`); those that have no code (NaN,
        infinity, and for a log-uniform prior zero and negative numbers) are refused.
        """
        if lam is None:
            if len(inputs) < 2:
                raise ReaderError("A conditioned network takes the loss weights last: model(inputs, lam).")
            *inputs, lam = inputs
        if not self._hooks:
            raise ReaderError("The conditioning was taken off by undo(): call the network it returned, without λ.")
        code = self.prior.encode(lam)
        if lam.dim() != 1 + len(self.prior.weight_shape):
            raise ReaderError(
                f"Weights of shape {tuple(lam.shape)} given; this prior takes one λ per example, "
                f"{('B', *self.prior.weight_shape)} (to use one λ for all, expand it to the batch)."
            )
        if not self.training:
            with contextlib.suppress(RuntimeError):  # under vmap nothing can be looked at
                self._look_at(lam, code)
        parameter = next(self.conditioners.parameters(), code)
        self._code.value = code.to(parameter.dtype)  # weights out of NumPy are float64
        try:
            return self.network(*inputs)
        finally:
            self._code.value = None

    def _look_at(self, lam: Tensor, code: Tensor) -> None:
        if lam.isfinite().all() and not code.isfinite().all():
            raise ReaderError(
                f"Loss weights {lam.flatten()[:8].tolist()} can not be encoded for the network; expected weights within "
                f"{self.prior.describe_support()}."
            )
        self.prior.check(lam, stacklevel=6)  # the line that calls the network

    def undo(self) -> nn.Module:
        """Take the conditioning off and return the original network, which then no longer needs λ."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        return self.network


def apply(network: nn.Module, inputs: Tensor, lam: Tensor | None) -> Tensor:
    """What a network puts out, told λ if it is `Conditioned` and without it if not: where both kinds are called alike."""
    return network(inputs, lam) if isinstance(network, Conditioned) else network(inputs)


def condition(
    module: nn.Module,
    at: Iterable[str | type[nn.Module]],
    *,
    prior: Prior,
    using: Callable[..., nn.Module] = FiLM,
    example: Tensor | tuple[Tensor, ...] | None = None,
) -> Conditioned:
    """Make a network loss-conditional: the output of the named layers is modulated by λ.

    Args:
        module: any network. It is not copied; its parameters stay its own.
        at: which layers: names as in ``module.named_modules()``, patterns with ``*`` within one level ("layer*",
            "layer?.*.conv2"), or types (``nn.Conv2d``).
        prior: where λ is drawn from; it also says how λ is encoded.
        using: a `Conditioner` class, or `functools.partial` of one: called with ``channels, code_size, channel_dim``.
        example: an input of the network, needed only where a layer does not say how many channels it puts out (an
            ``nn.Sequential``, an activation). One forward pass then measures it.

    Returns:
        The conditioned network, called as ``model(*inputs, lam)``; at the start it computes almost what ``module`` does.

    Example:
        >>> network = torchvision.models.resnet18()
        >>> model = condition(network, at=["layer*"], prior=LogUniform(0.1, 10), example=torch.zeros(1, 3, 64, 64))
        >>> model(images, lam)                      # images (B, 3, H, W), lam (B,)
    """
    if not isinstance(module, nn.Module):
        raise ReaderError(f"A network (nn.Module) can be conditioned; got a {type(module).__name__}.")
    if not isinstance(prior, Prior):
        raise ReaderError(f"prior= is where λ is drawn from, such as lc.LogUniform(0.5, 512); got {prior!r}.")
    if not callable(using):
        raise ReaderError(f"using= is a conditioner's class, such as lc.FiLM; got {using!r}.")
    conditioners = {
        name: using(channels=channels, code_size=prior.code_size, channel_dim=channel_dim)
        for name, (channels, channel_dim) in outputs(module, at, example).items()
    }
    reference = next(module.parameters(), None)
    model = Conditioned(module, conditioners, prior)
    if reference is not None:
        model.conditioners.to(device=reference.device, dtype=reference.dtype)
    return model
