"""The 1-D toy of the sym-parameters paper (section 5.1, appendices A.1 and B.1): notebook 01.

One input, one output, two losses that disagree. Small enough that the best possible answer to every choice of weights is
known in closed form, so that what one conditional network loses against it can be measured exactly.

This is the system to read first, and the one to copy: `task` says what the losses are, `models` and `recipes` what is
trained, `training` on what and how, `evaluation` and `claims` what came of it; `panel` and `figures` show it. Below they are
put together.
"""

from lossconditioning.datasets import sym_toy
from lossconditioning.systems.toy.claims import CLAIMS
from lossconditioning.systems.toy.evaluation import compare, measure
from lossconditioning.systems.toy.models import FixedNet, SymNet
from lossconditioning.systems.toy.panel import play
from lossconditioning.systems.toy.recipes import Config, build, experiments
from lossconditioning.systems.toy.task import PAPER_TABLE_1, WEIGHTS, losses, optimal_terms, optimum, terms
from lossconditioning.systems.toy.training import draw, experiment_data, optimise, weigh
from lossconditioning.training import System

SYSTEM = System(
    name="toy",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    optimise=optimise,
    measure=measure,
    compare=compare,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="mean regrets within the stated standard deviation over seeds",
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded, evaluate = SYSTEM.load, SYSTEM.recorded, SYSTEM.evaluate
