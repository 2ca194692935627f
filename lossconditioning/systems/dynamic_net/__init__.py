"""Dynamic-Net (Shoshan et al. 2019): tuning blocks turn the objective of a frozen network after training. Notebook 06."""

from lossconditioning.systems.dynamic_net.recipes import PROFILES, SYSTEM, Config, experiments
from lossconditioning.systems.dynamic_net.training import train, train_all

__all__ = ["PROFILES", "SYSTEM", "Config", "experiments", "train", "train_all"]
