"""Image completion, small: shallow features of random filters, full precision, noise with holes for pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lossconditioning.systems.dynamic_net import completion
from lossconditioning.systems.dynamic_net.completion import comparisons, training
from lossconditioning.systems.dynamic_net.completion.pictures import random_holes
from lossconditioning.training.randomness import generator

LAYERS = ("relu1_1", "relu2_1")
SMALL = {name: replace(config, half=False) for name, config in completion.experiments("smoke").items()}
SHARP, SMOOTH, BLOCKS, CRITIC = (SMALL[f"hole_{name}"] for name in ("sharp", "smooth", "blocks", "critic"))


@contextmanager
def small_completion(no_data: Path) -> Iterator[None]:
    """Shallow features; ``no_data`` is an empty folder, so that a test does not depend on the data sets this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, comparisons):
            patch.setattr(module, "LAYERS", LAYERS)
        patch.setenv("LOSSCONDITIONING_DATA", str(no_data))
        yield


def some(count=3):
    torch.manual_seed(0)
    return torch.rand(count, 3, 64, 64), random_holes(SHARP, count, generator(1))


def shaken(module, by=0.3):
    """Its weights moved at random."""
    torch.manual_seed(4)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn_like(weight)
    return module
