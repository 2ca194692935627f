"""Fast style transfer turned by tuning blocks, small: few channels, shallow features of random filters, 32 pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
import torch
from small_painters import SIDE, small_pictures
from torch import nn

from lossconditioning.datasets import photographs
from lossconditioning.datasets.paintings import painting
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net.stylisation import task, training
from lossconditioning.systems.style_transfer.pictures import squares
from lossconditioning.systems.style_transfer.training import perceptual_loss

SMALL = {
    name: replace(
        config,
        features="vgg16",
        style_layers=("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
        content_layer="relu2_1",
        half=False,
    )
    for name, config in stylisation.experiments("smoke").items()
}
"""The experiments of profile "smoke", with features that take a tenth of the time."""

NETWORK, BLOCKS = SMALL["style_fixed_0"], SMALL["style_blocks"]
KINDS = {config.kind: config for config in (NETWORK, BLOCKS, SMALL["style_conditional"], SMALL["style_two"])}
ALL = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
"""A test of every kind of experiment."""

FIXED = [f"style_fixed_{i}" for i in range(7)]
NETWORKS = [*FIXED, "style_fixed_long", "style_conditional", "style_other", "style_two"]
MAINS = {
    "style_blocks": "style_fixed_0",
    **{
        f"style_{name}": "style_fixed_6"
        for name in ("blocks_other", "blocks_coarse", "back_middle", "back_weak", "back_none")
    },
}


@contextmanager
def small_stylisation(no_data: Path) -> Iterator[None]:
    """As `small_pictures`, for what is painted in one style."""
    with small_pictures(no_data), pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "built_in", cache(lambda name: painting(name, SIDE)))
        patch.setattr(task, "SHIPPED_SIZE", SIDE)
        patch.setattr(stylisation.Measure.of.__func__, "__defaults__", (SIDE,))
        training.held_out_measure.cache_clear()
        yield
        training.held_out_measure.cache_clear()


small_loss = partial(perceptual_loss, SMALL["style_fixed_0"])
"""The losses of `SMALL`."""


def shaken(name: str, **changes) -> nn.Module:
    """An experiment's network, or blocks, as if trained: its weights are moved at random, so that all of them matter."""
    model = stylisation.build(replace(SMALL[name], **changes))
    draw = torch.Generator().manual_seed(sum(name.encode()))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * weight.std().nan_to_num(1.0).clamp_min(0.1) * torch.randn(weight.shape, generator=draw)
    return model.eval()


def fit(config, **options):
    """Blocks are put on a network that stands in for a trained one."""
    if config.kind == "blocks":
        options = {"main": shaken("style_fixed_0"), **options}
    return stylisation.fit(config, progress=False, **options)


def some(count=3, side=SIDE):
    return squares(list(photographs().values())[:count], side)


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)
