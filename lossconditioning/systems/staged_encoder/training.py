"""How stages 1, 2 and 3, and their rivals, are trained: what is frozen, what is begun with, what is made in a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lossconditioning.losses import lsgan_discriminator
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.models import Discriminator, StyleCode, Translator
from lossconditioning.systems.staged_encoder.task import Made, Pair, Triplet
from lossconditioning.training.adversarial import AdversarialData
from lossconditioning.training.schedules import optimizer_and_schedule

Batch = Triplet | Pair


def draw(config: Config, model: nn.Module, batch: Batch, done: float) -> tuple[Batch, Tensor]:
    """λ of each example, ``(B,)``, spread evenly over the network's prior; it stands in the batch, too."""
    lam = model.prior.sample((len(batch[0]),), stratified=True)
    return (batch._replace(lam=lam) if isinstance(batch, Pair) else batch), lam


def optimise(config: Config, network: nn.Module):
    """Adam and its schedule; the encoder at a rate of its own, or, where it is frozen, not at all."""
    groups = network
    if isinstance(network, Translator):
        groups = [{"params": list(network.generator.parameters())}]
        if not config.frozen:
            rate = config.encoder_rate * config.learning_rate
            groups.append({"params": list(network.encoder.parameters()), "lr": rate})
    return optimizer_and_schedule(config, groups, (config.beta_1, config.beta_2))


@contextmanager
def around(config: Config, model: nn.Module, data: AdversarialData) -> Iterator[nn.Module]:
    """The networks that a translator begins with; in stage 2 the codes of all pictures, computed once, without gradient."""
    if config.kind == "critic":
        yield Judging(model, data.made)
        return
    if config.kind == "encoder":
        yield model
        return
    if config.begins is not None:
        begin_with(model, data.made[config.begins], data.discriminator)
    if config.frozen:
        model.opponent = data.discriminator  # trained beside it, published with it
        model.encoder.requires_grad_(False)
        yield Making(model, config, data.codes(model.encoder))
        model.encoder.requires_grad_(True)
    else:
        yield Making(model, config)


def begin_with(model: Translator, first: nn.Module, discriminator: Discriminator) -> None:
    """Give a translator the weights of a pre-trained encoder, or of a translator of stage 2 and its discriminator."""
    if isinstance(first, Translator):
        model.encoder.load_state_dict(first.encoder.state_dict())
        model.generator.load_state_dict(first.generator.state_dict())
        discriminator.load_state_dict(first.opponent.state_dict())
    else:
        model.encoder.load_state_dict(first.state_dict())


class Making(nn.Module):
    """All that the losses of a step look at: see `Made`.

    Args:
        model: the translator.
        codes: of all pictures, by number, where the encoder is frozen.
    """

    def __init__(self, model: Translator, config: Config, codes: StyleCode | None = None):
        super().__init__()
        self.model, self.row, self.codes = model, config.row, codes

    def forward(self, layouts: Tensor, pictures: Tensor, numbers: Tensor, lam: Tensor) -> Made:
        """As of `Pair.inputs`."""
        row, generator = self.row, self.model.generator
        found = self.model.encoder(pictures) if self.codes is None else self._kept(numbers)
        z = found.z
        if row.VAE:
            z = z + (0.5 * found.log_variance).exp() * torch.randn_like(z)
        made = Made(generator(layouts, z, lam), found.z, found.log_variance)
        if row.random:
            # Without a prior, a random style is that of another training picture (4.1, "Ablative study"). It counts as drawn:
            # what its pictures cost is for the generator alone, and moves no code.
            style = torch.randn_like(z) if row.z_KL else z.detach().roll(1, 0)
            random = generator(layouts, style, lam)
            made = made._replace(random=random, style=style, read=self._read(random))
        if row.cyc_recon:
            swapped = generator(layouts.roll(-1, 0), z, lam.roll(-1, 0))
            made = made._replace(cycle=generator(layouts, self.model.encoder(swapped).z, lam))
        return made

    def _kept(self, numbers: Tensor) -> StyleCode:
        return StyleCode(*(each.to(numbers.device)[numbers] for each in self.codes))

    def _read(self, pictures: Tensor) -> Tensor:
        """The codes of pictures, whose gradient goes to the pictures and not to the encoder (BicycleGAN)."""
        encoder = self.model.encoder
        return functional_call(encoder, {name: p.detach() for name, p in encoder.named_parameters()}, (pictures,)).z


class Judging(nn.Module):
    """A critic's loss on real pictures and on what one of several translators, another for each example, makes.

    Args:
        critic: the one that learns.
        judged: the others, by name; their weights stay as they are.
    """

    def __init__(self, critic: Discriminator, judged: Mapping[str, nn.Module]):
        super().__init__()
        self.critic = critic
        self.judged = nn.ModuleList(judged.values()).requires_grad_(False)

    def forward(self, batch: Pair) -> Tensor:
        """The loss of each example, ``(B,)``; a generator that is told λ has any of its range."""
        chosen = torch.randint(len(self.judged), (len(batch.layouts),)).tolist()
        made = []
        with torch.no_grad():
            for row, number in enumerate(chosen):
                model = self.judged[number]
                each = (
                    batch.layouts[row : row + 1],
                    batch.pictures[row : row + 1],
                    model.prior.sample((1,)).to(batch.lam),
                )
                made.append(model(*each))
        real, fake = (self.critic(batch.layouts, pictures) for pictures in (batch.pictures, torch.cat(made)))
        found = lsgan_discriminator(real, fake)
        return found["real"] + found["fake"]
