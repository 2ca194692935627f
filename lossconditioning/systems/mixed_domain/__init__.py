"""Mixed-domain image translation of "Sym-parameterized Dynamic Inference" (sections 3.2, 5.2 and 5.3): notebook 05.

One painter between three losses of different kinds: to keep the photograph, to look like a painter's pictures, to have the
patterns of one painting. It is told their weights, S, with every picture, and is trained under weights drawn at random.
"""

from functools import partial

from lossconditioning.painting import middle_square
from lossconditioning.systems.mixed_domain.claims import CLAIMS
from lossconditioning.systems.mixed_domain.comparisons import BEYOND, BySetting, played
from lossconditioning.systems.mixed_domain.data import HELD_OUT, costs_for, experiment_data, measure_for
from lossconditioning.systems.mixed_domain.diagram import painter_diagram
from lossconditioning.systems.mixed_domain.domains import DOMAINS, LOSSES, UNSEEN, pictures_of
from lossconditioning.systems.mixed_domain.evaluation import compare, compared, mixtures, order, ratios, recall, table_3
from lossconditioning.systems.mixed_domain.gates import channel_gates
from lossconditioning.systems.mixed_domain.looks import Looks, shares
from lossconditioning.systems.mixed_domain.measures import Measure, measure, psnr
from lossconditioning.systems.mixed_domain.models import CONDITIONING, Generator, Opponents, PatchDiscriminator, told
from lossconditioning.systems.mixed_domain.panel import play
from lossconditioning.systems.mixed_domain.recipes import Config, build, build_opponents, experiments
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3, letters, separate_name
from lossconditioning.systems.mixed_domain.task import (
    Batch,
    Costs,
    Judged,
    discrimination,
    discriminator_terms,
    term_names,
    terms,
    weigh,
)
from lossconditioning.systems.mixed_domain.training import around, draw, optimise
from lossconditioning.training import System
from lossconditioning.training.adversarial import fit_adversarially

SYSTEM = System(
    name="mixed_domain",
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
    compared=compared,
    compare=compare,
    recall=recall,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="reconstruction within 10 %",
    reads=("data", "weights"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
