"""Multi-modal translation of "Style-based Encoder Pre-training for Multi-modal Image Synthesis" (StEP): notebook 07.

A layout has many pictures; which one is meant, a code z of eight numbers says. Its encoder learns what style is first, by
triplets of pictures (stage 1); a generator learns to paint with it (stage 2); then both are trained together (stage 3).
"""

from functools import partial

from lossconditioning.systems.staged_encoder.axes import Direction, directions, effects
from lossconditioning.systems.staged_encoder.claims import CLAIMS
from lossconditioning.systems.staged_encoder.comparisons import played
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.data import experiment_data, measure_for, pairs_of
from lossconditioning.systems.staged_encoder.diagram import stages_diagram
from lossconditioning.systems.staged_encoder.distances import all_pairs, shared_factors, style_codes, style_distances
from lossconditioning.systems.staged_encoder.evaluation import compare, compared
from lossconditioning.systems.staged_encoder.figures import interpolation, samples, translations
from lossconditioning.systems.staged_encoder.mapper import Mapper, fit_mapper, gaussian, lies_outside, outside
from lossconditioning.systems.staged_encoder.measures import Measure, codes_of, measure
from lossconditioning.systems.staged_encoder.models import Discriminator, Generator, StyleEncoder, Translator
from lossconditioning.systems.staged_encoder.panel import play
from lossconditioning.systems.staged_encoder.plots import direction_effects, embedding, ladder, told_frontier, tsne
from lossconditioning.systems.staged_encoder.recipes import build, build_discriminator, experiments
from lossconditioning.systems.staged_encoder.recollection import recall
from lossconditioning.systems.staged_encoder.task import discriminator_terms, terms, weigh
from lossconditioning.systems.staged_encoder.training import around, draw, optimise
from lossconditioning.systems.staged_encoder.triplets import Neighbours, neighbours, triplet_loss
from lossconditioning.systems.staged_encoder.variants import VARIANTS, Variant
from lossconditioning.training import System
from lossconditioning.training.adversarial import fit_adversarially

SYSTEM = System(
    name="staged_encoder",
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
    tolerance="PSNR within 0.5 dB",
    reads=("data", "weights"),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
