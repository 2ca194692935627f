"""Condition any network on λ, without rewriting it.

"With only minimal changes to existing codebases" is the papers' selling point (YOTO, section 1). Here it is one call:
name the layers, and get a network that takes λ as one more argument.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping

from torch import Tensor, nn

from lossconditioning.conditioning.calls import CALLS, Site, forgotten, remember_in_checkpoints, sites
from lossconditioning.conditioning.channels import Place
from lossconditioning.conditioning.codes import encoded
from lossconditioning.conditioning.conditioners import FiLM
from lossconditioning.conditioning.hypernetworks import Hypernetwork
from lossconditioning.conditioning.layers import At, key, outputs
from lossconditioning.conditioning.measuring import Example
from lossconditioning.errors import ReaderError
from lossconditioning.priors import Prior


class _Inject:
    """A forward hook that conditions one layer's output. An object, not a closure, so that deepcopy can follow it."""

    def __init__(self, name: str, conditioner: nn.Module, place: Place, site: Site):
        self.name, self.conditioner, self.place, self.site = name, conditioner, place, site

    def __call__(self, layer: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not self.site.stands:
            return output
        if self.site not in CALLS.now:
            raise ReaderError(f"Layer {self.name!r} is conditioned on loss weights, but {_without()}")
        if not isinstance(output, Tensor):
            raise ReaderError(
                f"Layer {self.name!r} puts out a {type(output).__name__}; only tensors can be conditioned."
            )
        code, _ = CALLS.now[self.site]
        channels, channel_dim, batch_dim = self.place
        if output.dim() < 2 or output.shape[channel_dim] != channels:
            raise ReaderError(
                f"Layer {self.name!r} puts out {tuple(output.shape)}; {channels} channels along axis {channel_dim} expected. "
                "Is it called at several widths, or are its channels elsewhere? Condition other layers, or pass example=… to "
                "condition()."
            )
        if batch_dim == 0:
            return self.conditioner(output, code)
        return self.conditioner(output.transpose(0, batch_dim), code).transpose(0, batch_dim)


def _without() -> str:
    if forgotten():
        return (
            "is run again in a backward pass by something that does not know them. Use torch.utils.checkpoint, or "
            "checkpoint the whole conditioned network."
        )
    return (
        "was called without them. Call the conditioned network, model(inputs, lam), or take the conditioning off with "
        "model.undo()."
    )


class Conditioned(nn.Module):
    """A network that takes loss weights: ``model(*inputs, lam)``. Made by `condition`.

    Its state_dict holds the original network under ``network.`` (unchanged names) and one conditioner per layer under
    ``conditioners.``. Give an optimizer both, or just ``model.conditioners.parameters()`` to leave the network frozen.

    Attributes:
        network: the original network; its parameters are shared, not copied.
        conditioners: what was added, one per conditioned layer.
        prior: the prior λ is encoded with.
    """

    def __init__(
        self,
        network: nn.Module,
        conditioners: Mapping[str, nn.Module],
        prior: Prior,
        places: Mapping[str, Place],
    ):
        """
        Args:
            conditioners: layer's name → what its output goes through.
            places: layer's name → where that output has its channels.
        """
        super().__init__()
        remember_in_checkpoints()
        self.network, self.prior = network, prior
        # A module's name may not hold dots, a layer's path does.
        self.conditioners = nn.ModuleDict({key(name): module for name, module in conditioners.items()})
        self._site = Site()
        for name, module in conditioners.items():
            inject = _Inject(name, module, places[name], self._site)
            self._site.hooks[name] = network.get_submodule(name).register_forward_hook(inject)
        weakref.finalize(self, self._site.remove).atexit = False  # a model that is gone leaves the network as it was

    def forward(self, *inputs: Tensor, lam: Tensor | None = None) -> Tensor:
        """Run the network under the objective λ, the last argument: shape ``(B,)``, or ``(B, K)`` for K weights.

        In evaluation mode, weights outside the prior are warned about (`WeightWarning`); those that have no code (NaN,
        infinity, and for a log-uniform prior zero and negative numbers) are refused.
        """
        if lam is None:
            if len(inputs) < 2:
                raise ReaderError("A conditioned network takes the loss weights last: model(inputs, lam).")
            *inputs, lam = inputs
        if not self._site.stands:
            raise ReaderError(
                "The conditioning was taken off, by undo() or because the network was conditioned anew: call the network "
                "without λ, or the model that condition() returned last."
            )
        code = encoded(self, self.prior, lam)
        parameter = next(self.conditioners.parameters(), code)
        before = CALLS.now
        CALLS.now = {**before, self._site: (code.to(parameter.dtype), self)}  # weights out of NumPy are float64
        try:
            return self.network(*inputs)
        finally:
            CALLS.now = before

    def undo(self) -> nn.Module:
        """Take the conditioning off and return the original network, which then no longer needs λ."""
        self._site.remove()
        return self.network


def apply(network: nn.Module, inputs: Tensor, lam: Tensor | None) -> Tensor:
    """What a network puts out, told λ if it is `Conditioned` or a `Hypernetwork`, else without it: all called alike."""
    return network(inputs, lam) if isinstance(network, (Conditioned, Hypernetwork)) else network(inputs)


def condition(
    module: nn.Module,
    at: At,
    *,
    prior: Prior,
    using: Callable[..., nn.Module] = FiLM,
    example: Example | None = None,
) -> Conditioned:
    """Make a network loss-conditional: the output of the named layers is modulated by λ.

    A network carries one conditioning: called on the same network again, the first is taken off, as by its ``undo``. Compile
    the result, not the network before.

    Args:
        module: any network. It is not copied; its parameters stay its own.
        at: which layers: names as in ``module.named_modules()``, patterns with ``*`` within one level ("layer*",
            "layer?.*.conv2"), or types (``nn.Conv2d``); or names with the axis of their channels, ``{"blocks.*": -1}``, for
            where it can not be told.
        prior: where λ is drawn from; it also says how λ is encoded.
        using: a `Conditioner` class, or `functools.partial` of one: called with ``channels, code_size, channel_dim``.
        example: an input of the network, needed only where a layer does not say how many channels it puts out (an
            ``nn.Sequential``, an activation), or where it is not sure that examples stand first. A few forward passes then
            measure it.

    Returns:
        The conditioned network, called as ``model(*inputs, lam)``; at the start it computes almost what ``module`` does, if the
        conditioners are such (FiLM, concatenation, CCAM with ``near_identity=True``).

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
    with _replacing(module):
        places = outputs(module, at, example)
        conditioners = {
            name: using(channels=place.channels, code_size=prior.code_size, channel_dim=place.channel_dim)
            for name, place in places.items()
        }
    reference = next(module.parameters(), None)
    model = Conditioned(module, conditioners, prior, places)
    if reference is not None:
        model.conditioners.to(device=reference.device, dtype=reference.dtype)
    return model


@contextlib.contextmanager
def _replacing(module: nn.Module) -> Iterator[None]:
    """An earlier conditioning of a network does nothing meanwhile, and is taken off afterwards; after an error it is back."""
    inner = [part._site for part in module.modules() if isinstance(part, Conditioned)]  # of networks within, which stay
    earlier = [site for site in sites(module, _Inject) if site not in inner]
    try:
        for site in earlier:
            site.stands = False
        yield
    except BaseException:
        for site in earlier:
            site.stands = True
        raise
    for site in earlier:
        site.remove()
