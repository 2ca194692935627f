"""Everything notebook 06 trains: the experiments of all applications, by profile."""

from __future__ import annotations

from types import ModuleType

from lossconditioning.errors import one_of
from lossconditioning.systems.dynamic_net import completion, faces, stylisation

SYSTEM = stylisation.SYSTEM
PROFILES = ("smoke", "demo", "laptop", "paper")
APPLICATIONS = {"style": stylisation, "face": faces, "hole": completion}
"""First word of an experiment's name → its application."""
Config = stylisation.Config | faces.Config | completion.Config


def application(name: str) -> ModuleType:
    """The application that an experiment belongs to, by its name."""
    return APPLICATIONS[one_of("first word of an experiment's name", name.split("_")[0], APPLICATIONS)]


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is the public code's setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    return {name: config for each in APPLICATIONS.values() for name, config in each.experiments(profile).items()}
