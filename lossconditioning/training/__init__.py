"""Training that survives: the resumable loop, batches by step, ensembles, verified files; and what every system offers."""

from lossconditioning.training.checkpoints import load_state, save_state
from lossconditioning.training.config import Config
from lossconditioning.training.ensemble import Ensemble
from lossconditioning.training.loop import Loop
from lossconditioning.training.memory import keep_freed_memory
from lossconditioning.training.protocol import Data, System, Trained
from lossconditioning.training.randomness import Batches, seed_everything
from lossconditioning.training.replay import ReplayPool
from lossconditioning.training.runs import PROFILES, Run

__all__ = [
    "PROFILES",
    "Batches",
    "Config",
    "Data",
    "Ensemble",
    "Loop",
    "ReplayPool",
    "Run",
    "System",
    "Trained",
    "keep_freed_memory",
    "load_state",
    "save_state",
    "seed_everything",
]
