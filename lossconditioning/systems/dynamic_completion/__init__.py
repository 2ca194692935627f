"""Image completion between sharp with artefacts and blurred without (Dynamic-Net, section 4.3): notebook 06."""

from functools import partial

from lossconditioning.systems.dynamic_completion.claims import CLAIMS
from lossconditioning.systems.dynamic_completion.data import (
    Pictures,
    experiment_data,
    held_out_pictures,
    training_pictures,
)
from lossconditioning.systems.dynamic_completion.evaluation import (
    best_alpha,
    compare,
    compared,
    gain,
    histogram,
    interpolated,
    tuned,
)
from lossconditioning.systems.dynamic_completion.holes import HOLE, centre_hole, hole_at
from lossconditioning.systems.dynamic_completion.measures import LAYERS, Measure, blended, measure
from lossconditioning.systems.dynamic_completion.models import Completer, PatchDiscriminator, in_hole
from lossconditioning.systems.dynamic_completion.panel import play
from lossconditioning.systems.dynamic_completion.recipes import SIDE, Config, build, experiments
from lossconditioning.systems.dynamic_completion.task import (
    Batch,
    Judged,
    discrimination,
    discriminator_terms,
    terms,
    weigh,
)
from lossconditioning.systems.dynamic_completion.training import around, draw, optimise
from lossconditioning.training import System
from lossconditioning.training.adversarial import fit_adversarially

SYSTEM = System(
    name="dynamic_completion",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    optimise=optimise,
    around=around,
    training=partial(fit_adversarially, discriminator_terms),
    measure=measure,
    compare=compare,
    compared=compared,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="L1 within 10 %",
    reads=("data", "weights"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
