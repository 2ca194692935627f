"""Fast style transfer whose strength, or whose style, is turned after training (Dynamic-Net, sections 4.1 and 5)."""

from lossconditioning.systems.dynamic_net.stylisation.comparisons import (
    BACK,
    figure_3,
    figure_4,
    figure_5,
    figure_8,
    grain,
    grid,
    mixed_weights,
    volumes,
)
from lossconditioning.systems.dynamic_net.stylisation.evaluation import evaluate
from lossconditioning.systems.dynamic_net.stylisation.measures import Measure, card_metrics, told, turned
from lossconditioning.systems.dynamic_net.stylisation.networks import FastStyle, conditional
from lossconditioning.systems.dynamic_net.stylisation.play import play
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
    "BACK",
    "STYLES",
    "SYSTEM",
    "Config",
    "FastStyle",
    "Measure",
    "build",
    "card_metrics",
    "conditional",
    "evaluate",
    "experiments",
    "figure_3",
    "figure_4",
    "figure_5",
    "figure_8",
    "fit",
    "grain",
    "grid",
    "main_network",
    "mixed_weights",
    "objective",
    "painting",
    "play",
    "strengths",
    "terms",
    "told",
    "train",
    "turned",
    "volumes",
]
