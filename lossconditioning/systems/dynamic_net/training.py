"""Trains Dynamic-Nets in phases: networks, then tuning blocks on those that are finished."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from lossconditioning.systems.dynamic_net.recipes import Config, application
from lossconditioning.training.experiments import train_many


def train(config: Config, **options) -> bool:
    """Train one experiment of any application into a finished checkpoint with its card, see the application's ``train``."""
    return application(config.name).train(config, **options)


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
    """Train experiments, ``workers`` of them at a time, each after those that it needs; returns how many are finished."""
    left, finished = list(configs), 0
    deadline = None if minutes is None else time.time() + 60 * minutes
    options = {"out": out, "profile": profile, "seed": seed, "workers": workers}
    while left:
        names = {config.name for config in left}
        ready = [config for config in left if not names & set(config.needs)]
        remaining = None if deadline is None else (deadline - time.time()) / 60
        done = train_many(partial(train, folder=folder, weights=weights), ready, minutes=remaining, **options)
        finished += done
        if done < len(ready):
            break
        left = [config for config in left if config not in ready]
    return finished
