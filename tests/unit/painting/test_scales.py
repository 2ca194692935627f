"""What counts as 1 of each loss, against the losses of pictures for which it is known."""

import math

import pytest
import torch

from lossconditioning.datasets import paintings, photographs
from lossconditioning.losses import PerceptualFeatures, PerceptualLoss
from lossconditioning.painting import squares, style_targets, units
from lossconditioning.painting.scales import SIDE


@pytest.fixture(scope="module")
def loss():
    return PerceptualLoss(PerceptualFeatures(["relu1_1"], "vgg16", "random"), "relu1_1")


@pytest.fixture(scope="module")
def unpainted():
    """The built-in photographs, of the size that units are measured at."""
    return squares(photographs().values(), SIDE)


def in_units(loss, pictures, content, styles):
    return {name: value / units(loss)[name] for name, value in loss(pictures, content, styles).items()}


def test_a_style_term_is_one_on_average_for_photographs_that_were_not_painted(loss, unpainted):
    content, found = loss.content_targets(unpainted), {name: [] for name in loss.names}
    for painting in paintings().values():
        target = tuple(g.expand(len(unpainted), -1, -1) for g in style_targets(loss, [painting]))
        for name, value in in_units(loss, unpainted, content, target).items():
            found[name].append(value.mean().item())
    assert sum(found["style_1"]) / 14 == pytest.approx(1.0, rel=1e-4)
    assert max(found["style_1"]) > 1.1 * min(found["style_1"])  # some paintings are nearer than others
    assert found["content"] == [0.0] * 14
    assert found["total_variation"] == pytest.approx([1.0] * 14, rel=1e-4)


def test_content_is_one_between_different_photographs(loss, unpainted):
    styles = tuple(g.repeat(5, 1, 1) for g in loss.style_targets(unpainted[:1]))
    values = in_units(loss, unpainted[1:], loss.content_targets(unpainted[:-1]), styles)
    assert values["content"].mean().item() == pytest.approx(1.0, rel=1e-4)
    assert values["content"].min() > 0.2


def test_units_belong_to_a_network_and_are_measured_once(loss):
    scale = units(loss)
    assert list(scale) == list(loss.names)
    assert all(math.isfinite(value) and value > 0 for value in scale.values())
    assert units(loss) is scale
    other = PerceptualLoss(PerceptualFeatures(["relu1_2", "relu1_1"], "vgg16", "random"), "relu1_1")
    assert units(other)["style_2"] == pytest.approx(scale["style_1"])  # the same layer, beside another
    assert units(other)["style_1"] != pytest.approx(scale["style_1"])
    assert units(other)["total_variation"] == pytest.approx(scale["total_variation"])


def test_targets_of_paintings_of_any_sizes_are_their_gram_matrices(loss):
    pictures = [torch.randint(0, 256, (3, *sides), dtype=torch.uint8) for sides in ((40, 32), (32, 48), (33, 33))]
    found = style_targets(loss, pictures)
    assert [tuple(layer.shape) for layer in found] == [(3, 64, 64)]
    for index, picture in enumerate(pictures):
        for layer, target in zip(found, loss.style_targets(picture[None] / 255), strict=True):
            assert torch.equal(layer[index], target[0])
