"""The β-VAE of "You Only Train Once" (section 4.1, appendices A.1 and B.1): notebook 02.

A variational autoencoder's loss, reconstruction + β · KL, has one weight: λ = β. Here one network is trained for every β at
once, on 3-D Shapes and on CIFAR-10, and held against separate networks trained for eight values of it.
"""

from lossconditioning.systems.beta_vae.claims import CLAIMS
from lossconditioning.systems.beta_vae.data import as_float, experiment_data, pictures
from lossconditioning.systems.beta_vae.evaluation import (
    best_of_all,
    compare,
    compare_frontiers,
    cost_table,
    hypervolumes,
    multiply_adds,
    recall,
    recorded_frontier,
    single_model,
)
from lossconditioning.systems.beta_vae.measures import frontier, interpolation, measure, sample_change, separate
from lossconditioning.systems.beta_vae.models import ARCHITECTURES, BetaVAE
from lossconditioning.systems.beta_vae.panel import play, play_photograph
from lossconditioning.systems.beta_vae.quality import network_for_pictures, psnr, quality, reconstructed, shape_accuracy
from lossconditioning.systems.beta_vae.recipes import Config, build, experiments
from lossconditioning.systems.beta_vae.task import (
    RANGES,
    full_loss,
    kl_to_standard_normal,
    lam_grid,
    lam_prior,
    pixel_mean,
    pixel_nll,
    pixel_parameters,
    terms,
)
from lossconditioning.systems.beta_vae.training import draw, optimise, weigh
from lossconditioning.training import System

SYSTEM = System(
    name="beta_vae",
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
    recall=recall,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="mean_loss within 5 %",
    reads=("data",),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
