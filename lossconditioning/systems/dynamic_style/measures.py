"""What painted photographs cost, on photographs no network has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import turned_on
from lossconditioning.losses import PerceptualLoss, weighted
from lossconditioning.painting import held_out_photographs, perceptual_loss, squares
from lossconditioning.systems.dynamic_style.recipes import STYLES, Config, lam_grid
from lossconditioning.systems.dynamic_style.task import Targets, painted_terms, style_of
from lossconditioning.training import Data, Run

HELD_OUT, SIDE = 8, 96
"""How many photographs networks are measured on, and their pixels a side."""
CHUNK = 8
Paint = Callable[[Tensor], Tensor]
"""Photographs ``(B, 3, S, S)`` to paintings of the same shape."""
Means = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """Held-out photographs and their targets, computed once.

    Attributes:
        loss: the losses' network.
        photographs: ``(N, 3, S, S)``.
        content: their targets.
        source: what they are, in words.
    """

    loss: PerceptualLoss
    photographs: Tensor
    content: Tensor
    source: str = ""

    @classmethod
    def of(cls, loss: PerceptualLoss, photographs: Iterable[Tensor], side: int = SIDE, source: str = "") -> Measure:
        """The middles of photographs, uint8 ``(3, H, W)`` each."""
        pictures = squares(photographs, side)
        return cls(loss, pictures, torch.cat([loss.content_targets(part) for part in pictures.split(CHUNK)]), source)

    def style(self, name: str = STYLES[0], zoom: int = 1) -> Targets:
        """A painting's targets."""
        return style_of(self.loss, name, zoom)

    @torch.no_grad()
    def terms(self, painted: Tensor, style: Targets, **others: Targets) -> dict[str, Tensor]:
        """Content and style loss of painted photographs ``(N, 3, S, S)`` against paintings' targets; each ``(N,)``."""
        parts = zip(painted.split(CHUNK), self.content.split(CHUNK), strict=True)
        each = [painted_terms(self.loss, part, content, style, **others) for part, content in parts]
        return {name: torch.cat([part[name] for part in each]) for name in each[0]}

    @torch.no_grad()
    def paint(self, paint: Paint) -> Tensor:
        """All photographs, painted: ``(N, 3, S, S)``."""
        return torch.cat([paint(part) for part in self.photographs.split(CHUNK)])

    def means(self, paint: Paint | Tensor, style: Targets, **others: Targets) -> Means:
        """Mean content and style loss of what is painted, or already was; see `painted_terms`."""
        painted = paint if isinstance(paint, Tensor) else self.paint(paint)
        return {name: float(value.double().mean()) for name, value in self.terms(painted, style, **others).items()}


def measure_for(config: Config, run: Run) -> Measure:
    """Held-out photographs, under the losses that a configuration is trained with; in the smoke profile one, and small."""
    count, side = (1, config.side) if run.smoke else (HELD_OUT, SIDE)
    found = held_out_photographs(run.data, count)
    return Measure.of(perceptual_loss(config, run), found.pictures.values(), side, found.source)


def told(model: nn.Module, code: Tensor | float) -> Paint:
    """A conditional network's paintings, told the same λ, or mixture of styles ``(2,)``, of every photograph."""
    code = torch.as_tensor(code)
    return lambda photographs: model(photographs, code.expand(len(photographs), *code.shape))


def measure(config: Config, model: nn.Module, data: Data) -> Means:
    """Numbers for a card: both losses and the objective, of blocks at α = 1.

    Of a conditional network: the objective under each of the fixed networks' λ, and their mean. Of one for two styles: means
    over both.
    """
    held_out: Measure = data.held_out
    style = held_out.style(config.style, config.zoom)
    if config.kind == "conditional":
        costs = [_cost(held_out.means(told(model, lam), style), lam) for lam in lam_grid()]
        return {**{f"cost_{i}": cost for i, cost in enumerate(costs)}, "cost": sum(costs) / len(costs)}
    if config.kind == "two_styles":
        codes = zip(torch.eye(len(STYLES)), STYLES, strict=True)
        each = [held_out.means(told(model, code), held_out.style(name)) for code, name in codes]
        means = {name: sum(values[name] for values in each) / len(each) for name in each[0]}
    else:
        with turned_on(data.made[config.main] if config.main else None, model) as network:
            means = held_out.means(network, style)
    return {**means, "cost": _cost(means, config.lam)}


def _cost(means: Means, lam: float) -> float:
    return float(weighted({name: torch.tensor([value]) for name, value in means.items()}, {"style": lam}))
