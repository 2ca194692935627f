"""How λ enters a network: conditioners for single layers, and `condition`, which adds them to any network."""

from lossconditioning.conditioning.conditioners import Concatenation, Conditioner, FiLM, InputConditioning
from lossconditioning.conditioning.injection import Conditioned, condition
from lossconditioning.conditioning.instance_norm import ConditionalInstanceNorm

__all__ = [
    "Concatenation",
    "ConditionalInstanceNorm",
    "Conditioned",
    "Conditioner",
    "FiLM",
    "InputConditioning",
    "condition",
]
