"""Trains Dynamic-Nets in two phases: networks, then tuning blocks on those that are finished."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from lossconditioning.systems.dynamic_net.recipes import APPLICATIONS, Config
from lossconditioning.training.experiments import train_many


def train(config: Config, **options) -> bool:
    """Train one experiment of any application into a finished checkpoint with its card, see the application's ``train``."""
    return APPLICATIONS[type(config)].train(config, **options)


def train_all(
    configs: Iterable[Config],
    *,
    out: str | Path,
    profile: str = "laptop",
    seed: int = 0,
    minutes: float | None = None,
    workers: int = 1,
    folder: Path | None = None,
    weights: Path | None = None,
) -> int:
    """Train experiments, ``workers`` of them at a time, networks before tuning blocks; returns how many are finished."""
    configs = list(configs)
    found = partial(train, folder=folder, weights=weights)
    options = {"out": out, "profile": profile, "seed": seed, "minutes": minutes, "workers": workers}
    networks = [config for config in configs if config.main is None]
    finished = train_many(found, networks, **options)
    if finished < len(networks):
        return finished
    return finished + train_many(found, [config for config in configs if config.main is not None], **options)
