"""How λ enters a network: conditioners for single layers, and `condition`, which adds them to any network."""

from lossconditioning.conditioning.conditioners import Concatenation, Conditioner, FiLM, InputConditioning
from lossconditioning.conditioning.injection import Conditioned, condition

__all__ = ["Concatenation", "Conditioned", "Conditioner", "FiLM", "InputConditioning", "condition"]
