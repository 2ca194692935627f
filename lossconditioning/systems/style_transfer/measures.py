"""What painted pictures cost: all six terms, on photographs the model has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lossconditioning.losses import PerceptualLoss
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.pictures import squares
from lossconditioning.systems.style_transfer.recipes import Config
from lossconditioning.systems.style_transfer.task import DEFAULT, SIDE, objective, settings, style_targets, terms

CHUNK = 10
Values = dict[str, Tensor]


@dataclass(frozen=True)
class Measure:
    """Held-out photographs with a style each, and their targets, computed once.

    Attributes:
        loss: the losses' network.
        photographs: ``(N, 3, S, S)``.
        content: their targets.
        style: number of each one's style, ``(N,)``.
        styles: the styles' targets, one ``(N, C, C)`` per layer.
    """

    loss: PerceptualLoss
    photographs: Tensor
    content: Tensor
    style: Tensor
    styles: tuple[Tensor, ...]
    _known: dict[tuple, dict[str, float]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, loss: PerceptualLoss, photographs: Iterable[Tensor], paintings: Mapping[str, Tensor], side: int = SIDE
    ) -> Measure:
        """Every photograph with one painting, in turn; uint8 ``(3, H, W)`` each."""
        pictures = squares(photographs, side)
        content = torch.cat([loss.content_targets(part) for part in pictures.split(CHUNK)])
        return cls(loss, pictures, content, *_in_turn(loss, paintings, len(pictures)))

    def with_styles(self, paintings: Mapping[str, Tensor]) -> Measure:
        """The same photographs with other paintings."""
        return Measure(
            self.loss, self.photographs, self.content, *_in_turn(self.loss, paintings, len(self.photographs))
        )

    @torch.no_grad()
    def terms(self, painted: Tensor) -> Values:
        """The terms of painted photographs ``(N, 3, S, S)``; each ``(N,)``."""
        parts = [
            terms(
                self.loss,
                painted[i : i + CHUNK],
                self.content[i : i + CHUNK],
                tuple(g[i : i + CHUNK] for g in self.styles),
            )
            for i in range(0, len(painted), CHUNK)
        ]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    @torch.no_grad()
    def paint(self, model: Painter, lam: Tensor, described: Tensor | None = None) -> Tensor:
        """All photographs painted under one λ ``(5,)``, each in its style: ``(N, 3, S, S)``.

        ``described``, ``(S, F)``, describes the styles if they are not those the model was trained on.
        """
        style = self.style if described is None else described[self.style]
        parts = zip(self.photographs.split(CHUNK), style.split(CHUNK), strict=True)
        return torch.cat([model(part, style, lam.expand(len(part), -1)) for part, style in parts])

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
    return style, tuple(layer[style] for layer in style_targets(loss, paintings.values()))


def full_loss(means: Mapping[str, float], lam: Tensor) -> float:
    """The objective of averaged terms under λ ``(5,)``."""
    return float(objective({name: torch.tensor([value]) for name, value in means.items()}, lam))


def curve(measure: Callable[[Tensor], Mapping[str, float]], grid: Tensor) -> Values:
    """Averaged terms at every λ of a grid ``(G, 5)``: name → ``(G,)``; and "style", the four style terms' sum."""
    rows = [measure(lam) for lam in grid]
    found = {name: torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in rows[0]}
    return {**found, "style": sum(found[f"style_{i}"] for i in (1, 2, 3, 4))}


def card_metrics(
    config: Config, model: Painter, loss: PerceptualLoss, photographs: Iterable[Tensor], paintings: Mapping[str, Tensor]
) -> dict[str, float]:
    """Numbers for a card: every term, and the full loss, of a fixed model under its own λ; ``mean_cost`` of a conditional
    one over the default and Figure 6a's ten settings (for the specialist, those it knows of)."""
    measure = Measure.of(loss, photographs, paintings)
    if config.kind == "fixed":
        lam = torch.tensor(config.lam)
        means = measure.means(model, lam)
        return {**means, "mean_cost": full_loss(means, lam)}
    asked = {"default": DEFAULT, **settings()}
    if config.kind == "specialist":
        asked = {name: lam for name, lam in asked.items() if name.startswith(("default", "content"))}
    costs = {}
    for name, values in asked.items():
        lam = torch.tensor(values)
        costs[f"cost_{name}"] = full_loss(measure.means(model, lam), lam)
    return {**costs, "mean_cost": sum(costs.values()) / len(costs)}
