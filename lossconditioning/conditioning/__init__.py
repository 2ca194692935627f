"""How λ enters a network: conditioners for single layers, `condition`, which adds them to any, tuning blocks, hypernetworks."""

from lossconditioning.conditioning.attention import CCAM
from lossconditioning.conditioning.biasing import CentralBiasing
from lossconditioning.conditioning.conditioners import Concatenation, Conditioner, FiLM, InputConditioning
from lossconditioning.conditioning.generated import run_generated
from lossconditioning.conditioning.hypernetworks import Hypernetwork, hypernetwork
from lossconditioning.conditioning.injection import Conditioned, apply, condition
from lossconditioning.conditioning.instance_norm import ConditionalInstanceNorm
from lossconditioning.conditioning.tuning import DynamicNet, TuningBlock, TuningBlocks, tune
from lossconditioning.conditioning.turned import at_every_alpha, turned_on

__all__ = [
    "CCAM",
    "CentralBiasing",
    "Concatenation",
    "ConditionalInstanceNorm",
    "Conditioned",
    "Conditioner",
    "DynamicNet",
    "FiLM",
    "Hypernetwork",
    "InputConditioning",
    "TuningBlock",
    "TuningBlocks",
    "apply",
    "at_every_alpha",
    "condition",
    "hypernetwork",
    "run_generated",
    "tune",
    "turned_on",
]
