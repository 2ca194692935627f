"""Our parameters under the names that CompressAI's ScaleHyperprior has for them."""

import torch
from torch import Tensor

from lossconditioning.systems.compression import ScaleHyperprior

_TAIL = 1e-9
"""Outside of its outer quantiles CompressAI leaves this much to the escape symbol."""


def compressai_name(name: str) -> str:
    """A parameter's name there, from its name here; medians are the middle ones of the quantiles there."""
    for ours, theirs in (("prior_z.median", "prior_z.quantiles"), ("prior_z", "entropy_bottleneck"), ("_root", "")):
        name = name.replace(ours, theirs)
    return name


def as_compressai(model: ScaleHyperprior) -> dict[str, Tensor]:
    """The parameters of an unconditional model without quantisation step, as CompressAI takes them."""
    state = {compressai_name(name): tensor.detach().clone() for name, tensor in model.state_dict().items()}
    prior = model.prior_z
    quantiles = prior.quantile(_TAIL / 2), prior.median, prior.quantile(1 - _TAIL / 2)
    state["entropy_bottleneck.quantiles"] = torch.stack([quantile.float() for quantile in quantiles], dim=-1)[:, None]
    return state
