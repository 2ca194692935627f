"""How the β-VAEs are trained: β and noise for every picture, learning rate, decay."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.recipes import Config
from lossconditioning.systems.beta_vae.task import Batch, Values, full_loss
from lossconditioning.training import Ensemble
from lossconditioning.training.schedules import optimizer_and_schedule

WEIGHT_DECAY = 1e-5  # A.1; not on the conditioning parameters (public code)


def draw(config: Config, model: BetaVAE | Ensemble, batch: Tensor, done: float = 1.0) -> tuple[Batch, Tensor]:
    """One row per (picture, β), with noise of its own.

    Args:
        batch: pictures ``(B, 3, S, S)``.

    Returns:
        a `Batch`, and β. YOTO: ``(B·draws, …)`` and ``(B·draws,)``. Fixed models: ``(M, B, …)`` and ``(M, B)``, the same
        pictures and noise for all members, and member m's own β.
    """
    if isinstance(model, Ensemble):
        noise = torch.randn(len(batch), model.stacked.architecture.latent)
        pictures, noise = (part.expand(len(model), *part.shape) for part in (batch, noise))
        return (pictures, noise), model.prior.sample((len(batch),)).T
    lam = model.prior.sample((len(batch), config.draws), stratified=config.draws > 1).flatten()
    noise = torch.randn(len(lam), model.architecture.latent)
    return (batch.repeat_interleave(config.draws, dim=0), noise), lam


def weigh(config: Config, terms: Values, lam: Tensor) -> Tensor:
    """The full loss of each row."""
    return full_loss(terms, lam)


def optimise(config: Config, model: nn.Module):
    """Adam; the learning rate is halved after 50, 65, 80 and 95 % of the steps (A.1: 300, 390, 480, 570 of 600 thousand)."""
    groups = {WEIGHT_DECAY: [], 0.0: []}
    for name, parameter in model.named_parameters():
        groups[0.0 if "conditioners." in name else WEIGHT_DECAY].append(parameter)
    decayed = [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]
    return optimizer_and_schedule(config, decayed, milestones=(0.5, 0.65, 0.8, 0.95), factor=0.5)
