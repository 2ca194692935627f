"""Fast style transfer of "You Only Train Once" (section 4.3, appendices A.3 and B.2): notebook 04.

What a picture "in the style of" another should be is a matter of six losses and their weights. Here one network paints any
photograph in any of fourteen styles, and is told five of the weights with every photograph.
"""

from lossconditioning.painting import batches, middle_square, perceptual_loss
from lossconditioning.systems.style_transfer.claims import CLAIMS
from lossconditioning.systems.style_transfer.evaluation import (
    FIXED_CURVE,
    compare,
    compared,
    content_style_curves,
    sensitivities,
)
from lossconditioning.systems.style_transfer.measures import Measure, full_loss, measure
from lossconditioning.systems.style_transfer.optimum import optimal_pictures, optimum, recorded_optima
from lossconditioning.systems.style_transfer.panel import PRESETS, play
from lossconditioning.systems.style_transfer.recipes import Config, build, experiments, fixed_settings, played
from lossconditioning.systems.style_transfer.task import (
    DEFAULT,
    RANGES,
    WEIGHTS,
    content_grid,
    lam_prior,
    objective,
    painted_terms,
    settings,
    shares,
    terms,
)
from lossconditioning.systems.style_transfer.training import around, draw, experiment_data, measure_for, optimise, weigh
from lossconditioning.training import System

SYSTEM = System(
    name="style_transfer",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    optimise=optimise,
    around=around,
    measure=measure,
    compared=compared,
    compare=compare,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="mean_cost within 5 %",
    reads=("data", "weights"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
