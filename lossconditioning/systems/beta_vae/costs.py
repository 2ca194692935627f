"""What training costs: one conditional network against the separate ones it replaces."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from lossconditioning.losses import weighted
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.recipes import Config, build
from lossconditioning.systems.beta_vae.task import terms
from lossconditioning.training import Ensemble
from lossconditioning.training.cards import Card


def multiply_adds(config: Config) -> int:
    """Multiply-adds of one training step, forward and backward, in convolutions and linear layers (all members)."""
    model = build(config)
    network: BetaVAE = model.member(0) if isinstance(model, Ensemble) else model
    side, rows = network.architecture.picture, config.batch_size * config.draws
    lam = torch.ones(rows)
    with FlopCounterMode(display=False) as counter:
        weighted(terms(network, torch.rand(rows, 3, side, side), lam), {"kl": lam}).mean().backward()
    return counter.get_total_flops() // 2 * (config.betas if config.kind == "fixed" else 1)


def cost_table(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Steps, multiply-adds, seconds and stored parameters of training, per card; relative to the first row.

    Args:
        cards: label → card. Seconds are as recorded in the cards: one thread of a shared machine.
    """
    rows = []
    for label, card in cards.items():
        config = Config.from_json(card.config)
        parameters = sum(p.numel() for p in build(config).parameters())
        operations = multiply_adds(config) * config.steps
        rows.append((label, config.steps, operations / 1e12, card.seconds / 60, parameters / 1e6))
    table = pd.DataFrame(rows, columns=["", "steps", "10¹² multiply-adds", "minutes", "million parameters"]).set_index(
        ""
    )
    first = table.iloc[0]
    for column, name in (("10¹² multiply-adds", "work, relative"), ("minutes", "time, relative")):
        table[name] = table[column] / first[column]
    return table.round(2)
