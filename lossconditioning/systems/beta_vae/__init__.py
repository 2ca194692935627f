"""The β-VAE of "You Only Train Once" (section 4.1, appendices A.1 and B.1): notebook 02.

A variational autoencoder's loss, reconstruction + β · KL, has one weight. Here one network is trained for every β at once,
on 3-D Shapes and on CIFAR-10, and held against separate networks trained for eight values of it.
"""

from lossconditioning.systems.beta_vae.costs import cost_table, multiply_adds
from lossconditioning.systems.beta_vae.evaluation import (
    Trained,
    best_of_all,
    compare,
    evaluate,
    frontier,
    full_loss,
    hypervolumes,
    interpolation,
    load,
    recorded,
    recorded_evaluation,
    recorded_frontier,
    sample_change,
    separate,
    single_model,
)
from lossconditioning.systems.beta_vae.models import ARCHITECTURES, BetaVAE, Decoder, Encoder
from lossconditioning.systems.beta_vae.photograph import play_photograph
from lossconditioning.systems.beta_vae.pictures import as_float, pictures
from lossconditioning.systems.beta_vae.play import play
from lossconditioning.systems.beta_vae.recipes import PROFILES, SYSTEM, Config, build, experiments
from lossconditioning.systems.beta_vae.task import (
    RANGES,
    beta_grid,
    beta_prior,
    kl_to_standard_normal,
    pixel_mean,
    pixel_nll,
    pixel_parameters,
    terms,
)
from lossconditioning.systems.beta_vae.training import fit, train, train_all

__all__ = [
    "ARCHITECTURES",
    "PROFILES",
    "RANGES",
    "SYSTEM",
    "BetaVAE",
    "Config",
    "Decoder",
    "Encoder",
    "Trained",
    "as_float",
    "best_of_all",
    "beta_grid",
    "beta_prior",
    "build",
    "compare",
    "cost_table",
    "evaluate",
    "experiments",
    "fit",
    "frontier",
    "full_loss",
    "hypervolumes",
    "interpolation",
    "kl_to_standard_normal",
    "load",
    "multiply_adds",
    "pictures",
    "pixel_mean",
    "pixel_nll",
    "pixel_parameters",
    "play",
    "play_photograph",
    "recorded",
    "recorded_evaluation",
    "recorded_frontier",
    "sample_change",
    "separate",
    "single_model",
    "terms",
    "train",
    "train_all",
]
