"""Everything notebook 06 trains: the experiments of all applications, by profile."""

from __future__ import annotations

from lossconditioning.errors import one_of
from lossconditioning.systems.dynamic_net import stylisation

SYSTEM = stylisation.SYSTEM
PROFILES = ("smoke", "demo", "laptop", "paper")
APPLICATIONS = {stylisation.Config: stylisation}
"""Type of a configuration → the application it belongs to."""
Config = stylisation.Config


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is the public code's setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    return {name: config for each in APPLICATIONS.values() for name, config in each.experiments(profile).items()}
