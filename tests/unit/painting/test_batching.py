"""What a step paints, and the losses it is compared by: as a configuration says, a function of seed and step."""

from dataclasses import replace

import pytest
import torch
from small_painters import QUIET, SIDE, SMALL

from lossconditioning.datasets import photographs
from lossconditioning.painting import batches, crops, perceptual_loss, weights_for
from lossconditioning.training import Run

YOTO = SMALL["yoto"]
GRAMS = tuple(torch.rand(14, size, size) for size in (64, 64, 128, 128))


@pytest.fixture(scope="module")
def loss():
    return perceptual_loss(YOTO, QUIET)


def test_a_pool_of_crops_is_drawn_from_again_and_again(loss):
    photos = tuple(photographs().values())
    pool = crops(photos, SIDE, YOTO.crops, seed=5)
    make = batches(replace(YOTO, batch_size=4), photos, loss, GRAMS, seed=5)
    numbers, styles = set(), set()
    for step in range(12):
        batch = make(step)
        for photograph, content in zip(batch.photographs, batch.content, strict=True):
            (number,) = (i for i, crop in enumerate(pool) if torch.equal(crop, photograph))
            numbers.add(number)
            # Kept in half precision.
            torch.testing.assert_close(content, loss.content_targets(photograph[None])[0], rtol=1e-2, atol=1e-2)
        styles |= set(batch.style.tolist())
    assert len(numbers) == YOTO.crops
    assert len(styles) > 10
    assert styles <= set(range(14))
    assert torch.equal(make(3).photographs, make(3).photographs)


def test_without_a_pool_every_step_has_crops_of_its_own(loss):
    photos = tuple(photographs().values())
    make = batches(replace(YOTO, crops=0), photos, loss, GRAMS, seed=5)
    for step in (0, 1, 7):
        batch = make(step)
        assert torch.equal(batch.photographs, crops(photos, SIDE, 2, seed=5, first=2 * step))
        assert torch.equal(batch.content, loss.content_targets(batch.photographs))
    assert not torch.equal(make(0).photographs, make(1).photographs)


def test_a_style_comes_with_its_targets(loss):
    batch = batches(replace(YOTO, batch_size=4), tuple(photographs().values()), loss, GRAMS, seed=5)(0)
    assert batch.loss is loss
    for target, gram in zip(batch.styles, GRAMS, strict=True):
        assert torch.equal(target, gram[batch.style])


def test_the_losses_are_those_of_the_configuration():
    layers = ("relu2_1", "relu1_1", "relu1_2", "relu2_2")
    loss = perceptual_loss(replace(YOTO, style_layers=layers, content_layer="relu3_1"))
    assert loss.features.layers == (*layers, "relu3_1")
    assert (loss.style, loss.content) == (layers, "relu3_1")
    assert loss.features.source == "vgg16 with fixed random filters"


def test_the_same_losses_are_made_once_but_not_where_weights_may_still_appear(loss, tmp_path):
    assert perceptual_loss(YOTO, QUIET) is loss
    assert perceptual_loss(replace(YOTO, steps=7), QUIET, device="cpu") is loss
    assert perceptual_loss(YOTO, QUIET, torch.bfloat16) is not loss
    assert weights_for(True) is None
    assert weights_for(True, Run(data=tmp_path)) is None
    (tmp_path / "weights").mkdir()
    assert weights_for(True, Run(data=tmp_path)) == tmp_path / "weights"
    assert weights_for(True, Run(data=tmp_path, weights="mine.safetensors")) == "mine.safetensors"
    assert weights_for(False, Run(data=tmp_path, weights="mine.safetensors")) == "random"
