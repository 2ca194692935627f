"""lossconditioning: networks whose training objective can be turned like a dial after training.

Draw loss weights λ from a prior, feed λ to the network, weight the losses by λ.
"""

from lossconditioning.conditioning import (
    CCAM,
    CentralBiasing,
    Concatenation,
    ConditionalInstanceNorm,
    Conditioned,
    Conditioner,
    DynamicNet,
    FiLM,
    Hypernetwork,
    InputConditioning,
    TuningBlock,
    TuningBlocks,
    condition,
    hypernetwork,
    tune,
)
from lossconditioning.display import Slider, Triangle, explore
from lossconditioning.errors import CheckpointError, ReaderError, WeightWarning
from lossconditioning.evaluation import (
    Claim,
    Statement,
    gap,
    gap_closed,
    hypervolume,
    objective,
    regret,
    single_model_baseline,
    term_values,
)
from lossconditioning.losses import PerceptualFeatures, PerceptualLoss, balanced, weighted
from lossconditioning.priors import Choice, Dirichlet, Fixed, LogUniform, Uniform
from lossconditioning.training import Batches, Config, Data, Ensemble, Loop, Run, System, seed_everything

__version__ = "0.1.0"

__all__ = [
    "CCAM",
    "Batches",
    "CentralBiasing",
    "CheckpointError",
    "Choice",
    "Claim",
    "Concatenation",
    "ConditionalInstanceNorm",
    "Conditioned",
    "Conditioner",
    "Config",
    "Data",
    "Dirichlet",
    "DynamicNet",
    "Ensemble",
    "FiLM",
    "Fixed",
    "Hypernetwork",
    "InputConditioning",
    "LogUniform",
    "Loop",
    "PerceptualFeatures",
    "PerceptualLoss",
    "ReaderError",
    "Run",
    "Slider",
    "Statement",
    "System",
    "Triangle",
    "TuningBlock",
    "TuningBlocks",
    "Uniform",
    "WeightWarning",
    "balanced",
    "condition",
    "explore",
    "gap",
    "gap_closed",
    "hypernetwork",
    "hypervolume",
    "objective",
    "regret",
    "seed_everything",
    "single_model_baseline",
    "term_values",
    "tune",
    "weighted",
]
