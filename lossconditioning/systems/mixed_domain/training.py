"""How SGN is trained: S drawn for every picture, the generator and its opponents by turns; and the critic of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import Conditioned
from lossconditioning.systems.mixed_domain.recipes import Config
from lossconditioning.systems.mixed_domain.task import Batch, Judged, discrimination
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.schedules import optimizer_and_schedule


def draw(config: Config, model: nn.Module, batch: Batch | Judged, done: float) -> tuple[Batch | Judged, Tensor]:
    """S of each example, ``(B, 3)``, spread evenly over the network's prior; it stands in the batch, too."""
    lam = model.prior.sample((len(batch.photographs),), stratified=True)
    return batch._replace(lam=lam), lam


def optimise(config: Config, network: nn.Module):
    """Adam and its schedule, the same for all opponents; conditioners at a rate of their own."""
    groups = network
    if isinstance(network, Conditioned):
        own = {"params": list(network.conditioners.parameters()), "lr": config.conditioner_rate * config.learning_rate}
        groups = [{"params": list(network.network.parameters())}, own]
    return optimizer_and_schedule(config, groups, (config.beta_1, 0.999))


@contextmanager
def around(config: Config, model: nn.Module, data: AdversarialData) -> Iterator[nn.Module]:
    """The network itself; a critic is shown what others make."""
    if config.kind == "critic":
        yield Judging(model, data.made)
    else:
        model.train()  # S off the simplex is not warned about: there is none in training
        yield model
        model.eval()


class Judging(nn.Module):
    """A critic's loss on real pictures and on what one of several networks, another for each example, makes of photographs.

    Args:
        critic: the one that learns.
        judged: the others, by name; their weights stay as they are.
    """

    def __init__(self, critic: nn.Module, judged: Mapping[str, nn.Module]):
        super().__init__()
        self.critic = critic
        self.judged = nn.ModuleList(judged.values()).requires_grad_(False)

    def forward(self, photographs: Tensor, real: Tensor, lam: Tensor) -> Tensor:
        """As of `Judged`, to the loss of each example, ``(B,)``."""
        chosen = torch.randint(len(self.judged), (len(photographs),)).tolist()
        rows = range(len(chosen))
        with torch.no_grad():
            made = [self.judged[chosen[row]](photographs[row : row + 1], lam[row : row + 1]) for row in rows]
        return discrimination(self.critic(torch.cat([real, *made])))
