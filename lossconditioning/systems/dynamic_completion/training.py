"""How completion is trained: networks, then tuning blocks on a frozen one; and the critic of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import DynamicNet, turned_on
from lossconditioning.systems.dynamic_completion.measures import blended
from lossconditioning.systems.dynamic_completion.recipes import Config
from lossconditioning.systems.dynamic_completion.task import Batch, Judged, discrimination
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.protocol import drawn
from lossconditioning.training.schedules import optimizer_and_schedule


def draw(config: Config, model: nn.Module, batch: Batch, done: float) -> tuple[Batch | Judged, Tensor]:
    """λ, the configuration's; for a critic also how far each completion that it is shown is turned."""
    if config.kind == "critic":
        batch = Judged(batch.pictures, batch.hole, torch.rand(len(batch.pictures)))
    return drawn(config, model, batch, done)


def optimise(config: Config, network: nn.Module):
    """Adam and its schedule, the same for both opponents."""
    return optimizer_and_schedule(config, network, (config.beta_1, 0.999))


@contextmanager
def around(config: Config, model: nn.Module, data: AdversarialData) -> Iterator[nn.Module]:
    """Blocks are put on their frozen network, and a critic is shown what others complete."""
    main = data.made[config.main] if config.main else None
    if config.kind == "critic":
        with DynamicNet(main, {"tuned": data.made[config.blocks]}) as dynamic:
            yield Judging(model, dynamic, data.made[config.smooth])
    else:
        with turned_on(main, model) as network:
            yield network


class Judging(nn.Module):
    """A critic's loss on real pictures and on completed ones: half of these tuned, at any α, and half blended, at any share.

    Both in equal parts, so that neither way between the two objectives is the one it has not seen.
    """

    def __init__(self, critic: nn.Module, dynamic: DynamicNet, smooth: nn.Module):
        super().__init__()
        self.critic, self.dynamic, self.smooth = critic, dynamic.requires_grad_(False), smooth.requires_grad_(False)

    def forward(self, pictures: Tensor, hole: Tensor, alpha: Tensor) -> Tensor:
        """As of `Judged`, to the loss of each picture, ``(B,)``."""
        middle = (len(pictures) + 1) // 2
        one, other = slice(middle), slice(middle, None)
        with torch.no_grad():
            tuned = self.dynamic(pictures[one], hole[one], alpha=alpha[one])
            mixed = blended(self.dynamic.main, self.smooth, alpha[other])(pictures[other], hole[other])
        return discrimination(self.critic, torch.cat([tuned, mixed]), pictures, hole)
