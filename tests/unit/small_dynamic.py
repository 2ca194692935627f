"""Fast style transfer turned by tuning blocks, small: the experiments of profile "smoke", and networks as if trained."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from lossconditioning.datasets import photographs
from lossconditioning.painting import perceptual_loss, squares
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style.recipes import FIXED
from lossconditioning.training import Run

QUIET = Run(profile="smoke", progress=False)
SMALL = dynamic_style.experiments("smoke")
SIDE = 32
NETWORK, BLOCKS = SMALL["style_fixed_0"], SMALL["style_blocks"]
KINDS = {config.kind: config for config in (NETWORK, BLOCKS, SMALL["style_conditional"], SMALL["style_two"])}
ALL = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
"""A test of every kind of experiment."""

NETWORKS = [*FIXED, "style_fixed_long", "style_conditional", "style_other", "style_two"]
MAINS = {
    "style_blocks": "style_fixed_0",
    **{
        f"style_{name}": "style_fixed_6"
        for name in ("blocks_other", "blocks_coarse", "back_middle", "back_weak", "back_none")
    },
}

small_loss = partial(perceptual_loss, NETWORK, QUIET)
"""The losses of `SMALL`."""


def shaken(name: str, **changes) -> nn.Module:
    """An experiment's network, or blocks, as if trained: its weights are moved at random, so that all of them matter."""
    model = dynamic_style.build(replace(SMALL[name], **changes))
    draw = torch.Generator().manual_seed(sum(name.encode()))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * weight.std().nan_to_num(1.0).clamp_min(0.1) * torch.randn(weight.shape, generator=draw)
    return model.eval()


def fit(config, seed=0, **made):
    """Blocks are put on a network that stands in for a trained one."""
    if config.main:
        made = {config.main: shaken("style_fixed_0"), **made}
    return dynamic_style.fit(config, replace(QUIET, seed=seed), made=made)


def some(count=3, side=SIDE):
    return squares(list(photographs().values())[:count], side)


def assert_same_weights(model, other):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, rtol=0, atol=0, msg=name)
