"""Fast style transfer of "You Only Train Once" (section 4.3, appendices A.3 and B.2): notebook 04.

What a picture "in the style of" another should be is a matter of six losses and their weights. Here one network paints any
photograph in any of fourteen styles, and is told five of the weights with every photograph.
"""

from lossconditioning.systems.style_transfer.comparisons import (
    FIXED_CURVE,
    figure_6a,
    figure_6b,
    hypervolumes,
    monotonicity,
    sensitivity,
    unseen,
)
from lossconditioning.systems.style_transfer.evaluation import (
    Trained,
    evaluate,
    load,
    measure_for,
    recorded,
    recorded_evaluation,
)
from lossconditioning.systems.style_transfer.measures import Measure, curve, full_loss
from lossconditioning.systems.style_transfer.models import Painter, StylePredictor, StylisationNetwork
from lossconditioning.systems.style_transfer.pictures import held_out_photographs, squares, styles, training_photographs
from lossconditioning.systems.style_transfer.play import PRESETS, play
from lossconditioning.systems.style_transfer.recipes import (
    PROFILES,
    SYSTEM,
    Config,
    build,
    experiments,
    fixed_settings,
)
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.systems.style_transfer.task import (
    DEFAULT,
    RANGES,
    WEIGHTS,
    content_grid,
    lambda_prior,
    middle_square,
    objective,
    settings,
    shares,
    terms,
    units,
)
from lossconditioning.systems.style_transfer.training import fit, perceptual_loss, train, train_all

__all__ = [
    "DEFAULT",
    "FIXED_CURVE",
    "PRESETS",
    "PROFILES",
    "RANGES",
    "SYSTEM",
    "WEIGHTS",
    "Config",
    "Measure",
    "Painter",
    "StylePredictor",
    "StylisationNetwork",
    "Trained",
    "build",
    "content_grid",
    "curve",
    "describe",
    "describer",
    "evaluate",
    "experiments",
    "figure_6a",
    "figure_6b",
    "fit",
    "fixed_settings",
    "full_loss",
    "held_out_photographs",
    "hypervolumes",
    "lambda_prior",
    "load",
    "measure_for",
    "middle_square",
    "monotonicity",
    "objective",
    "perceptual_loss",
    "play",
    "recorded",
    "recorded_evaluation",
    "sensitivity",
    "settings",
    "shares",
    "squares",
    "styles",
    "terms",
    "train",
    "train_all",
    "training_photographs",
    "units",
    "unseen",
]
