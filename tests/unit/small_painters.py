"""Style transfer, small: few channels, shallow features of random filters, pictures of 32 pixels."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from lossconditioning.datasets import paintings
from lossconditioning.datasets.paintings import painting
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import evaluation, pictures, task
from lossconditioning.systems.style_transfer.models import Painter

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


def _shrunk(name: str, size: int) -> torch.Tensor:
    return interpolate(painting(name)[None].float(), (size, size), mode="area")[0].round().byte()


@contextmanager
def small_pictures(no_data: Path) -> Iterator[None]:
    """Built-in paintings and photographs of 32 pixels, and whatever else is measured on pictures of that size.

    ``no_data`` is an empty folder, so that a test does not depend on the data sets this machine has.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(no_data))
        patch.setattr(sys.modules[painting.__module__], "paint", _shrunk)  # painting them small takes as long as large
        for module in (pictures, evaluation):
            patch.setattr(module, "PAINTING_SIDE", SIDE)
        patch.setattr(task, "paintings", lambda size: paintings(size=SIDE))
        patch.setattr(task, "SIDE", SIDE)
        patch.setattr(style_transfer.Measure.of.__func__, "__defaults__", (SIDE,))
        yield


perceptual_loss = partial(style_transfer.perceptual_loss, SMALL["yoto"])
"""The losses of `SMALL`."""


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
