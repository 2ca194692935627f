"""Fast style transfer whose strength, or whose style, is turned after training (Dynamic-Net, sections 4.1 and 5)."""

from lossconditioning.systems.dynamic_net.stylisation.measures import Measure, card_metrics, told, turned
from lossconditioning.systems.dynamic_net.stylisation.networks import FastStyle, conditional
from lossconditioning.systems.dynamic_net.stylisation.recipes import (
    STYLES,
    SYSTEM,
    Config,
    build,
    experiments,
    strengths,
)
from lossconditioning.systems.dynamic_net.stylisation.task import objective, painting, terms
from lossconditioning.systems.dynamic_net.stylisation.training import fit, main_network, train

__all__ = [
    "STYLES",
    "SYSTEM",
    "Config",
    "FastStyle",
    "Measure",
    "build",
    "card_metrics",
    "conditional",
    "experiments",
    "fit",
    "main_network",
    "objective",
    "painting",
    "strengths",
    "terms",
    "told",
    "train",
    "turned",
]
