"""How good completed pictures are, on pictures no network has seen, with the hole in their middle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pytorch_msssim import ssim
from torch import Tensor, nn

from lossconditioning.conditioning import turned_on
from lossconditioning.losses import PerceptualFeatures, feature_distance
from lossconditioning.systems.dynamic_completion.holes import HOLE, centre_hole
from lossconditioning.systems.dynamic_completion.models import in_hole
from lossconditioning.systems.dynamic_completion.recipes import SIDE, Config
from lossconditioning.systems.dynamic_completion.task import l1
from lossconditioning.training import Data

LAYERS = ("relu1_2", "relu2_2", "relu3_1")
"""Of VGG-19, where pictures are compared."""
CHUNK = 16
_MARGIN = 6  # pixels around the hole that features are still compared in: where it shows whether the seam fits
Complete = Callable[[Tensor, Tensor], Tensor]
"""Pictures ``(B, 3, 64, 64)`` and holes, bool ``(B, 1, 64, 64)``, to completed pictures."""
Each = dict[str, Tensor]
"""Measure → its value of each picture, ``(N,)``, float64."""


@dataclass(frozen=True)
class Measure:
    """Held-out pictures, and their features, computed once.

    Attributes:
        pictures: ``(N, 3, 64, 64)`` in [0, 1].
        hole: the same for all, bool ``(1, 64, 64)``.
        network: what features are of.
        features: of the pictures' middles, `CHUNK` pictures at a time: layer → ``(n, C, h, w)``.
        critic: a trained "critic", or None.
    """

    pictures: Tensor
    hole: Tensor
    network: PerceptualFeatures
    features: Sequence[Mapping[str, Tensor]]
    critic: nn.Module | None = None

    @classmethod
    @torch.no_grad()
    def of(cls, network: PerceptualFeatures, images: Tensor, critic: nn.Module | None = None) -> Measure:
        """Of pictures uint8 ``(N, 3, 64, 64)``."""
        pictures = images.float() / 255
        features = [network(_middle(part)) for part in pictures.split(CHUNK)]
        return cls(pictures, centre_hole(), network, features, critic)

    def holes(self, count: int) -> Tensor:
        """The hole, for ``count`` pictures: bool ``(count, 1, 64, 64)``."""
        return self.hole.expand(count, 1, -1, -1)

    @torch.no_grad()
    def complete(self, complete: Complete) -> Tensor:
        """All pictures, completed: ``(N, 3, 64, 64)``."""
        return torch.cat([complete(part, self.holes(len(part))) for part in self.pictures.split(CHUNK)])

    @torch.no_grad()
    def each(self, completed: Tensor | Complete) -> Each:
        """What completed pictures ``(N, 3, 64, 64)``, or a network's, are worth, picture by picture.

        Returns:
            "l1" in the hole, less is better; "ssim" in the hole, more is better; "distance" of features in the middle, less is
            better; with a critic "realism", its logit in the hole, more is better, positive where it takes them for real.
        """
        completed = completed if isinstance(completed, Tensor) else self.complete(completed)
        chunks = zip(completed.split(CHUNK), self.pictures.split(CHUNK), self.features, strict=True)
        parts = [self._some(*chunk) for chunk in chunks]
        return {name: torch.cat([part[name].double() for part in parts]) for name in parts[0]}

    def _some(self, completed: Tensor, pictures: Tensor, features: Mapping[str, Tensor]) -> Each:
        hole = self.holes(len(completed))
        found = {
            "l1": l1(completed, pictures, hole),
            "ssim": ssim(_middle(completed, 0), _middle(pictures, 0), data_range=1.0, size_average=False),
            "distance": feature_distance(self.network(_middle(completed)), features),
        }
        return found if self.critic is None else {**found, "realism": in_hole(self.critic(completed, hole), hole)}

    def means(self, completed: Tensor | Complete) -> dict[str, float]:
        """Means of `each` over all pictures."""
        return {name: float(value.mean()) for name, value in self.each(completed).items()}


def blended(sharp: nn.Module, smooth: nn.Module, share: float | Tensor) -> Complete:
    """Two networks' completions, blended: image interpolation; ``share`` of the smooth one, a number or ``(B,)``."""
    weight = share.view(-1, 1, 1, 1) if isinstance(share, Tensor) else share
    return lambda pictures, hole: torch.lerp(sharp(pictures, hole), smooth(pictures, hole), weight)


def measure(config: Config, model: nn.Module, data: Data) -> dict[str, float]:
    """Numbers for a card: means of `Measure.each`, of blocks at α = 1; of a critic, how often it is right."""
    found: Measure = data.held_out
    main = data.made[config.main] if config.main else None
    if config.kind != "critic":
        with turned_on(main, model) as network:
            return found.means(network)
    return {
        "right_real": _taken_for_real(model, found, found.pictures),
        "right_sharp": 1 - _taken_for_real(model, found, found.complete(main)),
        "right_smooth": 1 - _taken_for_real(model, found, found.complete(data.made[config.smooth])),
    }


@torch.no_grad()
def _taken_for_real(critic: nn.Module, measure: Measure, pictures: Tensor) -> float:
    hole = measure.holes(len(pictures))
    return float((in_hole(critic(pictures, hole), hole) > 0).double().mean())


def _middle(pictures: Tensor, margin: int = _MARGIN) -> Tensor:
    """The hole's part of pictures ``(N, 3, 64, 64)``, and a margin around it."""
    edge = (SIDE - HOLE) // 2 - margin
    return F.pad(pictures, [-edge] * 4)
