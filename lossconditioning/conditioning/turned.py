"""A main network lent to tuning blocks: at α = 1, as blocks are trained, and at one α after the other, as they are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from torch import Tensor, nn

from lossconditioning.conditioning.tuning import Alpha, DynamicNet, TuningBlocks

Found = TypeVar("Found")


class _TurnedOn(nn.Module):
    """A network with its tuning blocks at α = 1; called as the main network is."""

    def __init__(self, tuned: DynamicNet):
        super().__init__()
        self.tuned = tuned

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.tuned(*inputs, alpha=1.0)


@contextmanager
def turned_on(main: nn.Module | None, model: nn.Module) -> Iterator[nn.Module]:
    """Tuning blocks on their main network, at α = 1, for as long as the context lasts.

    Args:
        main: left as it was afterwards; None where ``model`` is a whole network, which is then given back as it is.
        model: the blocks, `TuningBlocks`, or the whole network.
    """
    if main is None:
        yield model
    else:
        with DynamicNet(main, {"tuned": model}) as tuned:
            yield _TurnedOn(tuned)


def at_every_alpha(
    main: nn.Module,
    sets: Mapping[str, TuningBlocks],
    alphas: Iterable[Alpha | Mapping[str, Alpha]],
    use: Callable[[Callable[..., Tensor]], Found],
) -> list[Found]:
    """What ``use`` makes of a network with tuning blocks, at one α after the other; the main network is left as it was.

    Args:
        main, sets: as for `DynamicNet`.
        alphas: each as `DynamicNet.forward` takes it.
        use: called with a function of the main network's inputs, once for each α.
    """
    with DynamicNet(main, sets) as model:
        return [use(partial(model, alpha=alpha)) for alpha in alphas]
