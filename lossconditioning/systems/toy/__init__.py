"""The 1-D toy of the sym-parameters paper (section 5.1, appendices A.1 and B.1): notebook 01.

One input, one output, two losses that disagree. Small enough that the best possible answer to every choice of weights is
known in closed form, so that what one conditional network loses against it can be measured exactly.
"""

from lossconditioning.datasets import sym_toy
from lossconditioning.systems.toy.evaluation import Trained, evaluate, load, regrets
from lossconditioning.systems.toy.models import FixedNet, SymNet
from lossconditioning.systems.toy.play import play
from lossconditioning.systems.toy.recipes import PROFILES, SYSTEM, Config, build_ensemble, experiments
from lossconditioning.systems.toy.task import PAPER_TABLE_1, WEIGHTS, losses, optimal_terms, optimum, terms
from lossconditioning.systems.toy.training import fit, train, train_all

__all__ = [
    "PAPER_TABLE_1",
    "PROFILES",
    "SYSTEM",
    "WEIGHTS",
    "Config",
    "FixedNet",
    "SymNet",
    "Trained",
    "build_ensemble",
    "evaluate",
    "experiments",
    "fit",
    "load",
    "losses",
    "optimal_terms",
    "optimum",
    "play",
    "regrets",
    "sym_toy",
    "terms",
    "train",
    "train_all",
]
