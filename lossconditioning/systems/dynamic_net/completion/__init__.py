"""Image completion between sharp with artefacts and blurred without (Dynamic-Net, section 4.3)."""

from lossconditioning.systems.dynamic_net.completion.comparisons import (
    best_alpha,
    evaluate_completion,
    figure_7,
    gain,
    histogram,
    interpolated,
    tuned,
)
from lossconditioning.systems.dynamic_net.completion.measures import LAYERS, Measure, blended, card_metrics, turned
from lossconditioning.systems.dynamic_net.completion.networks import Completer, PatchDiscriminator, in_hole
from lossconditioning.systems.dynamic_net.completion.pictures import (
    HOLE,
    Pictures,
    centre_hole,
    held_out_pictures,
    hole_at,
    training_pictures,
)
from lossconditioning.systems.dynamic_net.completion.play import play
from lossconditioning.systems.dynamic_net.completion.recipes import SIDE, SYSTEM, Config, build, experiments
from lossconditioning.systems.dynamic_net.completion.task import discrimination, objective, terms
from lossconditioning.systems.dynamic_net.completion.training import fit, main_network, needed, train

__all__ = [
    "HOLE",
    "LAYERS",
    "SIDE",
    "SYSTEM",
    "Completer",
    "Config",
    "Measure",
    "PatchDiscriminator",
    "Pictures",
    "best_alpha",
    "blended",
    "build",
    "card_metrics",
    "centre_hole",
    "discrimination",
    "evaluate_completion",
    "experiments",
    "figure_7",
    "fit",
    "gain",
    "held_out_pictures",
    "histogram",
    "hole_at",
    "in_hole",
    "interpolated",
    "main_network",
    "needed",
    "objective",
    "play",
    "terms",
    "train",
    "training_pictures",
    "tuned",
    "turned",
]
