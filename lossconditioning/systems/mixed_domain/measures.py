"""What translated pictures cost: every loss, on photographs and real pictures that no network has seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lossconditioning.errors import WeightWarning
from lossconditioning.losses import content_loss, gram
from lossconditioning.systems.mixed_domain.recipes import Config
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3, letters
from lossconditioning.systems.mixed_domain.task import Costs, discrimination
from lossconditioning.training import Data

SIDE = 96
"""Pixels a side of the pictures that networks are measured on."""
CHUNK = 5
"""How many pictures are looked at at a time."""
Values = dict[str, float]
Lam = tuple[float, ...]
"""S: three weights."""


@dataclass(frozen=True)
class Measure:
    """Held-out pictures and their targets, computed once.

    Attributes:
        costs: the three losses.
        photographs: ``(N, 3, S, S)`` in [0, 1].
        content: their targets, ``(N, C, h, w)``; None where no domain is perceptual.
        real: adversarial domain → real pictures, ``(M, 3, S, S)``.
        critic: a trained "critic", which stands in for every network's own discriminator; None where there is none.
        source: what photographs they are, in words.
    """

    costs: Costs
    photographs: Tensor
    content: Tensor | None
    real: Mapping[str, Tensor]
    critic: nn.Module | None = None
    source: str = ""
    _known: dict[tuple, tuple[Values, Tensor | None]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, costs: Costs, photographs: Tensor, real: Mapping[str, Tensor], source: str = "") -> Measure:
        """Of photographs and real pictures in [0, 1], ``(N, 3, S, S)`` and ``(M, 3, S, S)``."""
        loss = costs.loss
        content = None if loss is None else torch.cat([loss.content_targets(p) for p in photographs.split(CHUNK)])
        return cls(costs, photographs, content, real, source=source)

    def with_critic(self, critic: nn.Module | None) -> Measure:
        """The same pictures, adversarial losses judged by a critic."""
        return Measure(self.costs, self.photographs, self.content, self.real, critic, self.source)

    @torch.no_grad()
    def translate(self, model: nn.Module, lam: Lam, pictures: Tensor | None = None) -> Tensor:
        """Photographs, or other pictures ``(N, 3, S, S)``, under one S; outside of the simplex, too."""
        pictures = self.photographs if pictures is None else pictures
        weights = torch.tensor(lam).expand(len(pictures), -1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WeightWarning)  # extrapolation is meant
            parts = [model(*part) for part in zip(pictures.split(CHUNK), weights.split(CHUNK), strict=True)]
        return torch.cat(parts)

    def values(self, model: nn.Module, lam: Lam) -> Values:
        """All losses of a network under one S, averaged over pictures; measured once, then remembered.

        Returns:
            "reconstruction", "psnr" in decibels and, where a domain is perceptual, "perceptual" with its parts "content" and
            "style"; for every adversarial domain "identity_DOMAIN", and with a critic "lsgan" and "adversarial", their sum.
        """
        return dict(self._measured(model, lam)[0])

    def look(self, model: nn.Module, lam: Lam) -> Tensor:
        """Which patterns a network's pictures have, whatever is where in them: ``(N, F)``; measured with `values`.

        Gram matrices of the style layers, scaled so that squared distances of rows are losses of style as they stand in L_per.
        """
        return self._measured(model, lam)[1]

    @torch.no_grad()
    def _measured(self, model: nn.Module, lam: Lam) -> tuple[Values, Tensor | None]:
        key = (model, *(float(f"{weight:.5g}") for weight in lam))
        if key not in self._known:
            painted, look = self.translate(model, lam), None
            found = {
                "reconstruction": _mean(self.costs.reconstruction(painted, self.photographs)),
                "psnr": psnr(painted, self.photographs),
            }
            if self.costs.loss is not None:
                seen, look = self._seen(painted)
                found |= seen
            for domain, real in self.real.items():
                found[f"identity_{domain}"] = _mean(self.costs.identity(self.translate(model, lam, real), real))
            if self.critic is not None:
                (identity,) = (found[f"identity_{domain}"] for domain in self.real)
                found["lsgan"] = _mean(self.costs.adversarial(self.critic(painted)))
                found["adversarial"] = found["lsgan"] + identity
            self._known[key] = found, look
        return self._known[key]

    def _seen(self, painted: Tensor) -> tuple[Values, Tensor]:
        """Perceptual losses of pictures, and their look, in one go."""
        loss, weights = self.costs.loss, self.costs.weights
        content, looks = [], []
        for part, target in zip(painted.split(CHUNK), self.content.split(CHUNK), strict=True):
            found = loss.features(part)
            content.append(weights["content"] * content_loss(found[loss.content], target))
            looks.append(_look([gram(found[layer]) for layer in loss.style], weights))
        look = torch.cat(looks)
        values = {
            "content": _mean(torch.cat(content)),
            "style": _mean((look - _look(self.costs.styles, weights)).square().sum(1)),
        }
        return {**values, "perceptual": values["content"] + values["style"]}, look

    def objective(self, model: nn.Module, lam: Lam) -> float:
        """L_G under S of what a network, told S if it can be, makes; only with a critic."""
        found = self.values(model, lam)
        return sum(weight * found[name] for weight, name in zip(lam, self.costs.names, strict=True))


def _look(grams: Sequence[Tensor], weights: Mapping[str, float]) -> Tensor:
    """Gram matrices ``(N, C, C)`` of the style layers as rows ``(N, F)``."""
    flat = [each.flatten(1) for each in grams]
    scales = [(weights[f"style_{i + 1}"] / each.shape[1]) ** 0.5 for i, each in enumerate(flat)]
    return torch.cat([scale * each for scale, each in zip(scales, flat, strict=True)], dim=1)


def _mean(values: Tensor) -> float:
    return float(values.double().mean())


def psnr(pictures: Tensor, others: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels of pictures in [0, 1], ``(N, 3, H, W)``, 8-bit: the mean over pictures."""
    rounded = [(255 * each.clamp(0, 1)).round() / 255 for each in (pictures, others)]
    error = (rounded[0] - rounded[1]).double().square().flatten(1).mean(1)
    return float((-10 * error.clamp(min=1e-10).log10()).mean())


def measure(config: Config, model: nn.Module, data: Data) -> dict[str, float]:
    """Numbers for a card: losses under a separate network's S, or under those of Table 3, ``LOSS_LETTERS``.

    Of a critic, how well it tells real pictures from what it judges: "discriminator" over the S of Table 3, and which share of
    patches it is right about, real and not.
    """
    held_out: Measure = data.held_out
    if config.kind == "critic":
        return _right(model, held_out, data.made)
    held_out = held_out.with_critic(data.made.get(config.critic))
    asked = [config.lam] if config.lam else (CORNERS if config.kind == "one_hot" else TABLE_3)
    found = {}
    for lam in asked:
        values = held_out.values(model, lam)
        if held_out.critic is not None:
            values = {**values, "objective": held_out.objective(model, lam)}
        found |= {f"{name}_{letters(lam)}": value for name, value in values.items()}
    return found


@torch.no_grad()
def _right(critic: nn.Module, measure: Measure, made: Mapping[str, nn.Module]) -> dict[str, float]:
    (real,) = measure.real.values()
    of_real, losses, fakes = critic(real), [], []
    for model in made.values():
        for lam in TABLE_3:
            of_fake = critic(measure.translate(model, lam))
            losses.append(_mean(discrimination(torch.cat([of_real[: len(of_fake)], of_fake[: len(of_real)]]))))
            fakes.append(float((of_fake < 0.5).double().mean()))
    return {
        "discriminator": sum(losses) / len(losses),
        "right_real": float((of_real > 0.5).double().mean()),
        "right_made": sum(fakes) / len(fakes),
    }
