"""The panel on a painter's tuning blocks: every slider moves the picture, and the picture is the network's."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning.conditioning import tune
from lossconditioning.datasets import photographs
from lossconditioning.systems import dynamic_style

PHOTOGRAPHS = {name: p.float() / 255 for name, p in list(photographs().items())[:2]}
PLACES = ("residual.0", "up.1")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shaken(blocks):
    """Blocks that show: many times their initial weights."""
    with torch.no_grad():
        for weight in blocks.parameters():
            weight *= 3
    return blocks


@pytest.fixture
def painter():
    model = tune(dynamic_style.FastStyle(4, 1), PLACES)
    shaken(model.sets["tuned"])
    return model


@pytest.fixture
def seen(painter):
    """The shapes and number types that the painter's first layer is given."""
    given = []
    painter.main.down.register_forward_hook(lambda _, inputs, output: given.append((inputs[0].shape[-1], output.dtype)))
    return given


def image(panel):
    return np.asarray(Image.open(io.BytesIO(panel.image)).convert("RGB")).astype(int)


def test_one_alpha_for_all_moves_the_painting_and_a_still_one_is_finer(painter, seen):
    panel = dynamic_style.play(painter, PHOTOGRAPHS)
    seen.clear()
    assert list(panel.controls) == ["tuned", "photograph"]
    first = panel.set(tuned=0.2)
    assert panel.set(tuned=1.25) != first != panel.set(photograph=list(PHOTOGRAPHS)[1])
    assert {side for side, _ in seen} <= {192, 128, 96}
    seen.clear()
    panel.settle()
    assert seen == 2 * [(256, torch.float32)]  # with α = 0, to compare with, and as the sliders say
    assert panel.set(tuned=0.0) != panel.set(tuned=-0.25)
    before = panel.readouts
    panel.set(tuned=-0.2)
    assert all(before[name] != value for name, value in panel.readouts.items())
    panel.set(tuned=0.0)
    assert panel.readouts["from the painting at α = 0, %"] == "0.000"
    assert float(panel.readouts["mean change of a pixel from the photograph, %"]) > 0


def test_one_alpha_for_each_block_moves_that_block_alone(painter):
    panel = dynamic_style.play(painter, PHOTOGRAPHS, per_block=True)
    assert list(panel.controls) == ["block_0", "block_1", "photograph"]
    panel.set(block_0=0.5)  # which also paints it once with α = 0, to compare with
    told = []
    painter.register_forward_pre_hook(lambda model, inputs, given: told.append(given["alpha"]), with_kwargs=True)
    pictures = {panel.set(block_0=0.7), panel.set(block_1=0.9), panel.set(block_0=0.0)}
    assert len(pictures) == 3
    assert told == [{"tuned": (0.7, 0.0)}, {"tuned": (0.7, 0.9)}, {"tuned": (0.0, 0.9)}]


def test_two_sets_span_a_pad_with_a_point_that_moves(painter):
    painter.add("coarse", shaken(tune(dynamic_style.FastStyle(4, 1), PLACES).sets["tuned"]))
    panel = dynamic_style.play(painter, PHOTOGRAPHS, labels={"coarse": "how coarse"})
    assert list(panel.controls) == ["tuned", "coarse", "photograph"]
    assert panel.controls["coarse"].label == "how coarse"
    panel.set(tuned=0.0, coarse=0.0)
    before = image(panel)
    panel.set(tuned=1.0)
    width = before.shape[1]
    changed = (image(panel) - before).__abs__().sum(2) > 60
    assert changed[:, 2 * width // 3 :].any()  # the point
    assert changed[:, width // 3 : 2 * width // 3].any()  # the painting
    assert panel.set(coarse=1.0) != panel.set(coarse=0.5)


def test_every_frame_says_alpha_and_has_pictures_of_256_pixels_in_all_colours(painter):
    panel = dynamic_style.play(painter, PHOTOGRAPHS)
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG
    moving = panel.set(tuned=0.4)
    assert image(panel).shape == (26 + 256 + 28, 2 * 268 + 12, 3)
    said = image(panel)[26 + 256 :]
    panel.set(tuned=0.6)
    assert (np.abs(said - image(panel)[26 + 256 :]) > 60).any()
    assert (image(panel)[26 + 256 :, 268:] > 200).all()  # nothing below the painting
    panel.set(tuned=0.4)
    assert panel.settle() != moving
    assert np.abs(said - image(panel)[26 + 256 :]).max() < 20
