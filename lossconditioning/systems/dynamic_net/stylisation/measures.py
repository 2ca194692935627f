"""What painted photographs cost, on photographs no network has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import DynamicNet, TuningBlocks
from lossconditioning.losses import PerceptualLoss
from lossconditioning.systems.dynamic_net.stylisation.recipes import STYLES, Config, strengths
from lossconditioning.systems.dynamic_net.stylisation.task import objective, style_of, terms
from lossconditioning.systems.style_transfer.pictures import squares

HELD_OUT = 8
"""How many photographs networks are measured on."""
SIDE, CHUNK = 96, 8
Painter = Callable[[Tensor], Tensor]
Means = dict[str, float]
Targets = tuple[Tensor, ...]
"""A painting's, one ``(1, C, C)`` per style layer."""


@dataclass(frozen=True)
class Measure:
    """Held-out photographs and their targets, computed once.

    Attributes:
        loss: the losses' network.
        photographs: ``(N, 3, S, S)``.
        content: their targets.
    """

    loss: PerceptualLoss
    photographs: Tensor
    content: Tensor

    @classmethod
    def of(cls, loss: PerceptualLoss, photographs: Iterable[Tensor], side: int = SIDE) -> Measure:
        """The middles of photographs, uint8 ``(3, H, W)`` each."""
        pictures = squares(photographs, side)
        return cls(loss, pictures, torch.cat([loss.content_targets(part) for part in pictures.split(CHUNK)]))

    def style(self, name: str = STYLES[0], zoom: int = 1) -> Targets:
        """A painting's targets."""
        return style_of(self.loss, name, zoom)

    @torch.no_grad()
    def terms(self, painted: Tensor, style: Targets, **others: Targets) -> dict[str, Tensor]:
        """Content and style loss of painted photographs ``(N, 3, S, S)`` against paintings' targets; each ``(N,)``."""
        parts = zip(painted.split(CHUNK), self.content.split(CHUNK), strict=True)
        each = [terms(self.loss, part, content, style, **others) for part, content in parts]
        return {name: torch.cat([part[name] for part in each]) for name in each[0]}

    @torch.no_grad()
    def paint(self, painter: Painter) -> Tensor:
        """All photographs, painted: ``(N, 3, S, S)``."""
        return torch.cat([painter(part) for part in self.photographs.split(CHUNK)])

    def means(self, painter: Painter | Tensor, style: Targets, **others: Targets) -> Means:
        """Mean content and style loss of a painter, or of what is already painted; see `task.terms`."""
        painted = painter if isinstance(painter, Tensor) else self.paint(painter)
        return {name: float(value.double().mean()) for name, value in self.terms(painted, style, **others).items()}


def turned(model: DynamicNet, alpha) -> Painter:
    """A dynamic network as a painter, its blocks turned on by α."""
    return lambda photographs: model(photographs, alpha=alpha)


def told(model: nn.Module, code: Tensor | float) -> Painter:
    """A conditional network as a painter, told the same λ, or mixture of styles ``(2,)``, of every photograph."""
    code = torch.as_tensor(code)
    return lambda photographs: model(photographs, code.expand(len(photographs), *code.shape))


def card_metrics(
    config: Config, model: nn.Module, measure: Measure, main: nn.Module | None = None
) -> Mapping[str, float]:
    """Numbers for a card: both losses and the objective, of blocks at α = 1; of a conditional network, the mean objective
    over all fixed networks' λ; of one for two styles, over both."""
    style = measure.style(config.style, config.zoom)
    if config.kind == "conditional":
        costs = [_cost(measure.means(told(model, lam), style), lam) for lam in strengths()]
        return {**{f"cost_{i}": cost for i, cost in enumerate(costs)}, "cost": sum(costs) / len(costs)}
    if config.kind == "two_styles":
        each = [
            measure.means(told(model, code), measure.style(name))
            for code, name in zip(torch.eye(len(STYLES)), STYLES, strict=True)
        ]
        means = {name: sum(values[name] for values in each) / len(each) for name in each[0]}
    elif isinstance(model, TuningBlocks):
        with DynamicNet(main, {"tuned": model}) as network:
            means = measure.means(turned(network, 1.0), style)
    else:
        means = measure.means(model, style)
    return {**means, "cost": _cost(means, config.strength)}


def _cost(means: Means, strength: float) -> float:
    return float(objective({name: torch.tensor(value) for name, value in means.items()}, strength))
