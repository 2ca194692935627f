"""What painted pictures cost: all six terms, on photographs the model has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from lossconditioning.evaluation import curve_of
from lossconditioning.losses import PerceptualLoss
from lossconditioning.painting import Batch, squares, style_targets
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.recipes import Config
from lossconditioning.systems.style_transfer.task import DEFAULT, objective, painted_terms, settings
from lossconditioning.training import Data

SIDE = 128
"""Pixels a side of the photographs that models are measured on."""
Values = dict[str, Tensor]


@dataclass(frozen=True)
class Measure:
    """Held-out photographs with a style each, and their targets, computed once.

    Attributes:
        batch: all N of them.
        source: what photographs they are, in words.
    """

    batch: Batch
    source: str = ""
    _known: dict[tuple, dict[str, float]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        loss: PerceptualLoss,
        photographs: Iterable[Tensor],
        paintings: Mapping[str, Tensor],
        side: int = SIDE,
        source: str = "",
    ) -> Measure:
        """Every photograph with one painting, in turn; uint8 ``(3, H, W)`` each."""
        pictures = squares(photographs, side)
        style, targets = _in_turn(loss, paintings, len(pictures))
        return cls(Batch(pictures, loss.content_targets(pictures), style, targets, loss), source)

    def with_styles(self, paintings: Mapping[str, Tensor]) -> Measure:
        """The same photographs with other paintings."""
        style, targets = _in_turn(self.batch.loss, paintings, len(self.batch.photographs))
        return Measure(self.batch._replace(style=style, styles=targets), self.source)

    def only(self, rows: Sequence[int]) -> Measure:
        """Some of the photographs, by number."""
        batch, chosen = self.batch, list(rows)
        few = Batch(
            batch.photographs[chosen],
            batch.content[chosen],
            batch.style[chosen],
            tuple(layer[chosen] for layer in batch.styles),
            batch.loss,
        )
        return Measure(few, self.source)

    @torch.no_grad()
    def terms(self, painted: Tensor) -> Values:
        """The terms of painted photographs ``(N, 3, S, S)``; each ``(N,)``."""
        return painted_terms(self.batch.loss, painted, self.batch.content, self.batch.styles)

    @torch.no_grad()
    def paint(self, model: Painter, lam: Tensor, described: Tensor | None = None) -> Tensor:
        """All photographs painted under one λ ``(5,)``, each in its style: ``(N, 3, S, S)``.

        ``described``, ``(S, F)``, describes the styles if they are not those the model was trained on.
        """
        style = self.batch.style if described is None else described[self.batch.style]
        return model(self.batch.photographs, style, lam.expand(len(style), -1))

    def means(self, model: Painter, lam: Tensor) -> dict[str, float]:
        """The terms of a model under one λ ``(5,)``, averaged over the photographs; measured once, then remembered."""
        key = (model, *(float(f"{weight:.5g}") for weight in lam.tolist()))  # whatever it was computed from
        if key not in self._known:
            values = self.terms(self.paint(model, lam))
            self._known[key] = {name: float(value.double().mean()) for name, value in values.items()}
        return self._known[key]


def _in_turn(loss: PerceptualLoss, paintings: Mapping[str, Tensor], count: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A style's number for each of ``count`` photographs, and its targets."""
    style = torch.arange(count) % len(paintings)
    return style, tuple(layer[style] for layer in style_targets(loss, islice(paintings.values(), count)))


def full_loss(means: Mapping[str, float], lam: Tensor) -> float:
    """The objective of averaged terms under λ ``(5,)``."""
    return float(objective({name: torch.tensor([value]) for name, value in means.items()}, lam))


def curve(rows: Iterable[Mapping[str, float]]) -> Values:
    """Averaged terms of G models, or under G λ: name → ``(G,)``, float64; and "style", the four style terms' sum."""
    found = curve_of(rows)
    return {**found, "style": sum(found[f"style_{i}"] for i in (1, 2, 3, 4))}


def measure(config: Config, model: Painter, data: Data) -> dict[str, float]:
    """Numbers for a card: every term, and the full loss, of a fixed model under its own λ; ``mean_cost`` of a conditional
    one over the default and Figure 6a's ten settings (for the specialist, those it knows of)."""

    def cost(lam: tuple[float, ...]) -> float:
        return full_loss(data.held_out.means(model, torch.tensor(lam)), torch.tensor(lam))

    if config.kind == "fixed":
        return {**data.held_out.means(model, torch.tensor(config.lam)), "mean_cost": cost(config.lam)}
    known = ("default", "content" if config.kind == "specialist" else "")
    asked = {"default": DEFAULT, **settings()}
    costs = {f"cost_{name}": cost(lam) for name, lam in asked.items() if name.startswith(known)}
    return {**costs, "mean_cost": sum(costs.values()) / len(costs)}
