"""The notebook's drawings: the painter with its gates and judges, a walk through the triangle."""

import io

import numpy as np
import torch
from PIL import Image
from small_mixed import as_if_trained, some

from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain import figures


def words(made):
    return [text.get_text() for axis in made.axes for text in axis.texts]


def test_the_drawing_has_the_numbers_of_the_network():
    config = mixed.experiments("paper")["sym"]
    said = words(mixed.painter_diagram(mixed.build(config)))
    assert said.count("CCAM") == 3
    assert any(text.startswith("9 residual") for text in said)
    assert "7×7 conv.\n(64, H, W)" in said
    assert "linear (16,), ReLU,\nlinear (64,), σ" in said  # the stem's 64 channels, and a quarter of them


def test_every_step_of_a_walk_has_its_picture_and_its_place():
    model = as_if_trained("sym")["sym"]
    lams = torch.tensor([*mixed.CORNERS, (1 / 3, 1 / 3, 1 / 3)])
    frames = figures.walk(model, (255 * some()[0]).byte(), lams, ("a", "b", "c"), side=32)
    pictures = [np.array(Image.open(io.BytesIO(frame))).astype(int) for frame in frames]
    assert len({picture.shape for picture in pictures}) == 1
    places = []
    for picture in pictures:
        blue = (np.abs(picture - np.array([0, 114, 178])).sum(-1) < 40)[:, 2 * picture.shape[1] // 3 :]
        rows, columns = blue.nonzero()
        places.append((rows.mean(), columns.mean()))
    a, b, c, middle = places
    assert b[1] < middle[1] < c[1]  # B at the left, C at the right
    assert a[0] < middle[0] < b[0]  # A on top
