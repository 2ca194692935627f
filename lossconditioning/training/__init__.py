"""Training that survives: the resumable loop, batches by step, ensembles of fixed-weight models, verified files."""

from lossconditioning.training.checkpoints import load_state, save_state
from lossconditioning.training.ensemble import Ensemble
from lossconditioning.training.loop import Loop
from lossconditioning.training.memory import keep_freed_memory
from lossconditioning.training.randomness import Batches, seed_everything

__all__ = ["Batches", "Ensemble", "Loop", "keep_freed_memory", "load_state", "save_state", "seed_everything"]
