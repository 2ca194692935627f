"""Fast style transfer whose strength, or whose style, is turned after training (Dynamic-Net, sections 4.1 and 5): notebook 06.

A painter is trained for one weight λ of the style and frozen. Tuning blocks beside it are trained for another objective, and
scaled by α afterwards. Beside it: a network for each λ, one that is told λ, blended pictures and blended weights.
"""

from lossconditioning.evaluation.alphas import ALPHAS, WIDE, monotonicity
from lossconditioning.systems.dynamic_style.claims import CLAIMS
from lossconditioning.systems.dynamic_style.comparisons import BACK, grain
from lossconditioning.systems.dynamic_style.evaluation import compare, compared
from lossconditioning.systems.dynamic_style.measures import Measure, measure, told
from lossconditioning.systems.dynamic_style.models import FastStyle, conditional
from lossconditioning.systems.dynamic_style.panel import play
from lossconditioning.systems.dynamic_style.recipes import STYLES, Config, build, experiments, lam_grid, played
from lossconditioning.systems.dynamic_style.task import painted_terms, painting, terms
from lossconditioning.systems.dynamic_style.training import around, draw, experiment_data, weigh
from lossconditioning.training import System

SYSTEM = System(
    name="dynamic_style",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    around=around,
    measure=measure,
    compare=compare,
    compared=compared,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="cost within 5 %",
    reads=("data", "weights", "thorough"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded, evaluate = SYSTEM.load, SYSTEM.recorded, SYSTEM.evaluate
recorded_evaluation = SYSTEM.recorded_evaluation
