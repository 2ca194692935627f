"""Dynamic-Net (Shoshan et al. 2019): tuning blocks turn the objective of a frozen network after training. Notebook 06.

Three applications: `stylisation` (how strong a style is, which, how coarse), `faces` (attributes of generated faces) and
`completion` (sharp against smooth).
"""

from lossconditioning.systems.dynamic_net import completion, faces, stylisation
from lossconditioning.systems.dynamic_net.alphas import ALPHAS, WIDE, monotonicity
from lossconditioning.systems.dynamic_net.evaluation import Trained, evaluate, load, recorded, recorded_evaluation
from lossconditioning.systems.dynamic_net.recipes import PROFILES, SYSTEM, Config, application, experiments
from lossconditioning.systems.dynamic_net.training import train, train_all

__all__ = [
    "ALPHAS",
    "PROFILES",
    "SYSTEM",
    "WIDE",
    "Config",
    "Trained",
    "application",
    "completion",
    "evaluate",
    "experiments",
    "faces",
    "load",
    "monotonicity",
    "recorded",
    "recorded_evaluation",
    "stylisation",
    "train",
    "train_all",
]
