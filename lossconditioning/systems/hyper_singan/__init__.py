"""Generators of single pictures whose weights a hypernetwork writes ("Meta Internal Learning"): notebook 08.

Of one picture, a SinGAN learns to paint others like it, scale after scale. Here a network looks at a picture and puts out the
weights of such a generator, and of its discriminator: one network for as many pictures as it has learned from.
"""

from functools import partial

from lossconditioning.systems.hyper_singan.applications import (
    blended,
    from_scale,
    injected,
    noise_walk,
    sample,
    within,
)
from lossconditioning.systems.hyper_singan.claims import CLAIMS
from lossconditioning.systems.hyper_singan.collapse import descend
from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.data import experiment_data, pictures_of, seen
from lossconditioning.systems.hyper_singan.diagram import hypernetwork_diagram
from lossconditioning.systems.hyper_singan.embeddings import Embedding
from lossconditioning.systems.hyper_singan.evaluation import DESCENT, compare, compared
from lossconditioning.systems.hyper_singan.figures import (
    edits_figure,
    interpolation_figure,
    samples_figure,
    sizes_figure,
    written,
)
from lossconditioning.systems.hyper_singan.measures import Measure, measure, unit
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator, Own, primary
from lossconditioning.systems.hyper_singan.panel import play
from lossconditioning.systems.hyper_singan.plots import collapse_curves, growing, smoothness_curves
from lossconditioning.systems.hyper_singan.pyramid import noises, paint, pyramid, resized, scaled, sizes
from lossconditioning.systems.hyper_singan.recipes import GROWING, build, build_discriminator, experiments
from lossconditioning.systems.hyper_singan.recollection import recall
from lossconditioning.systems.hyper_singan.tables import table_1, table_2, table_3, table_c
from lossconditioning.systems.hyper_singan.task import discriminator_terms, gradient_penalty, terms, weigh
from lossconditioning.systems.hyper_singan.training import around, draw, optimise
from lossconditioning.training import System
from lossconditioning.training.adversarial import fit_adversarially

SYSTEM = System(
    name="hyper_singan",
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
    tolerance="PSNR within 1 dB",
    reads=("data", "weights"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
