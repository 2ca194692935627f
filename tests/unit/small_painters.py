"""Style transfer, small: few channels, shallow features of random filters, pictures of 32 pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from lossconditioning import painting
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import training
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.training import Run

SIDE = 32
SMALL = {
    name: replace(
        config,
        features="vgg16",
        style_layers=("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
        content_layer="relu2_1",
        half=False,
    )
    for name, config in style_transfer.experiments("smoke").items()
}
"""The experiments of profile "smoke", with features that take a tenth of the time."""
QUIET = Run(profile="smoke", progress=False)

perceptual_loss = partial(painting.perceptual_loss, SMALL["yoto"], QUIET)
"""The losses of `SMALL`."""


@contextmanager
def without_data(empty: Path) -> Iterator[None]:
    """Built-in photographs alone, whatever data sets this machine has; ``empty`` is an empty folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(empty))
        yield


def small_paintings() -> dict[str, torch.Tensor]:
    """The built-in paintings, 32 pixels a side: what `SMALL` learns."""
    return training.styles(SMALL["yoto"], QUIET).pictures


def small_painter(kind: str = "yoto", shake: float = 0.3, **changes) -> Painter:
    """A painter that listens to all it is told: its weights are moved at random, its style descriptions are random."""
    name = {"fixed": "fixed_default"}.get(kind, kind)
    painter = style_transfer.build(replace(SMALL[name], **changes))
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in painter.parameters():
            weight += shake * weight.std().nan_to_num(1.0).clamp_min(0.1) * torch.randn(weight.shape, generator=draw)
        painter.styles.copy_(torch.rand(painter.styles.shape, generator=draw))
    return painter
