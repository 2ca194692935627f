"""A hole is filled, everything else stays; which holes and pictures there are, and what filling costs."""

import sys
from dataclasses import replace

import pytest
import torch
from small_completion import BLOCKS, CRITIC, SHARP, SMOOTH, as_if_trained, shaken, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import people
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.systems import dynamic_completion as completion
from lossconditioning.systems.dynamic_completion.holes import random_holes
from lossconditioning.training import Run
from lossconditioning.training.randomness import generator

SMOKE = Run(profile="smoke")

# Networks and holes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True])
def test_known_pixels_are_the_pictures_own_and_missing_ones_are_not_looked_at(half):
    network, (images, hole) = shaken(completion.Completer(4)), some()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        completed = network(images, hole)
        without = network(images.masked_fill(hole, 0.7), hole)
    missing = hole.expand_as(images)
    assert completed.dtype == torch.float32
    assert torch.equal(completed[~missing], images[~missing])
    assert torch.equal(completed[missing], without[missing])
    assert not torch.equal(completed[missing], images[missing])
    assert completed.min() >= 0
    assert completed.max() <= 1


def test_networks_take_any_rectangle_and_sides_that_are_multiples_of_16():
    network, hole = completion.Completer(4), completion.hole_at(3, 5, 20, 31, side=96)[None]
    images = torch.rand(1, 3, 96, 96)
    completed = network(images, hole)
    assert completed.shape == images.shape
    assert completion.PatchDiscriminator(4)(completed, hole).shape == (1, 1, 24, 24)
    assert completion.PatchDiscriminator(4, 3)(completed, hole).shape == (1, 1, 12, 12)


def test_pictures_and_holes_of_other_shapes_are_refused():
    network, (images, hole) = completion.Completer(4), some()
    for wrong, with_hole, said in [
        (images[:, :2], hole, "Pictures are"),
        (images[..., :60], hole[..., :60], "multiples of 16"),
        (images, hole.float(), "mask of True and False"),
        (images, hole[:1], "True where pixels are"),
        (images, hole[:, 0], "True where pixels are"),
    ]:
        with pytest.raises(ReaderError, match=said):
            network(wrong, with_hole)
        with pytest.raises(ReaderError, match=said):
            completion.PatchDiscriminator(4)(wrong, with_hole)


def test_the_hole_of_the_measurements_is_in_the_middle():
    hole = completion.centre_hole()
    assert hole.shape == (1, 64, 64)
    assert int(hole.sum()) == completion.HOLE**2
    assert torch.equal(hole, hole.flip(1))
    assert torch.equal(hole, hole.flip(2))
    for place in [(-1, 0, 4, 4), (0, 61, 4, 4), (0, 0, 0, 4)]:
        with pytest.raises(ReaderError, match="A hole lies within"):
            completion.hole_at(*place)


def test_training_holes_are_squares_of_all_sizes_and_places():
    config = completion.experiments("laptop")["hole_sharp"]
    holes = random_holes(config, 500, generator(3))[:, 0]
    heights, widths = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(heights, widths)
    assert torch.equal(heights * widths, holes.sum((1, 2)))
    assert set(heights.tolist()) == set(range(config.smallest, config.largest + 1, 2))
    tops, half = holes.any(2).to(torch.uint8).argmax(1), heights // 2
    assert set((tops + half - 32).tolist()) == set(range(-config.offset, config.offset + 1))


def test_a_mean_over_the_hole_leaves_the_rest_out():
    images, hole = some()
    expected = [float(image[:, mask[0]].mean()) for image, mask in zip(images, hole, strict=True)]
    assert completion.in_hole(images, hole).tolist() == pytest.approx(expected, rel=1e-5)
    patches = torch.zeros(3, 1, 16, 16)
    patches[:, :, 7:9, 7:9] = 1
    inside = completion.in_hole(patches, hole)
    assert torch.allclose(inside, 4 * 16 / hole.sum((1, 2, 3)))


def test_batches_are_functions_of_seed_and_step():
    make, again = (completion.experiment_data(SHARP, SMOKE).batches for _ in range(2))
    assert all(torch.equal(*both) for both in zip(make(3).inputs, again(3).inputs, strict=True))
    others = make(4), completion.experiment_data(SHARP, replace(SMOKE, seed=1)).batches(3)
    assert not any(torch.equal(make(3).pictures, other.pictures) for other in others)


def test_only_networks_with_an_adversarial_loss_have_an_opponent():
    found = {config.name: completion.experiment_data(config, SMOKE) for config in (SHARP, SMOOTH, BLOCKS, CRITIC)}
    assert [name for name, data in found.items() if data.discriminator] == ["hole_sharp"]
    assert found["hole_sharp"].batches(0).discriminator is found["hole_sharp"].discriminator
    assert all("random filters" in data.source for data in found.values())


def test_held_out_faces_are_others_and_photographs_serve_too(monkeypatch):
    learned = completion.training_pictures(SHARP).images
    for picture in completion.held_out_pictures(SHARP, count=3).images:
        assert (learned != picture).flatten(1).any(1).all()
    stand_in = Photographs({"noise": torch.randint(256, (3, 80, 96), dtype=torch.uint8)}, "noise")
    pictures = sys.modules[completion.training_pictures.__module__]
    for name in ("training_photographs", "held_out_photographs"):
        monkeypatch.setattr(pictures, name, lambda folder: stand_in)
    config = replace(SHARP, data="photographs", count=2)
    for found in (completion.training_pictures(config), completion.held_out_pictures(config, count=2)):
        assert found.images.shape == (2, 3, 64, 64)
        assert found.images.dtype == torch.uint8
        assert found.source == "2 squares of noise"
    asked = []
    monkeypatch.setattr(people, "celeba", lambda *given: asked.append(given) or completion.Pictures(learned, "CelebA"))
    config = replace(SHARP, data="celeba", count=7)
    completion.training_pictures(config)
    completion.held_out_pictures(config, count=5)
    assert asked == [(None, "train", 7), (None, "valid", 5)]


# Losses -------------------------------------------------------------------------------------------------------------------


class Brightness(nn.Module):
    """A discriminator that finds bright patches real."""

    def forward(self, images, hole):
        return nn.functional.avg_pool2d(images.mean(1, keepdim=True), 4)


def test_the_objective_is_l1_and_a_share_of_the_adversarial_loss():
    images, hole = some()
    completed, lam = torch.where(hole, images * 0.5, images).requires_grad_(), torch.full((3,), 0.3)
    batch = completion.Batch(images, hole, discriminator=Brightness())
    values = completion.terms(lambda *_: completed, batch)
    expected = [float(0.5 * image[:, mask[0]].mean()) for image, mask in zip(images, hole, strict=True)]
    assert values["l1"].tolist() == pytest.approx(expected, rel=1e-5)
    assert values["adversarial"].shape == (3,)
    expected = values["l1"] + lam * values["adversarial"]
    torch.testing.assert_close(completion.weigh(SHARP, values, lam), expected, rtol=0, atol=0)
    alone = completion.terms(lambda *_: completed, batch._replace(discriminator=None))
    assert alone.keys() == {"l1"}
    assert torch.equal(completion.weigh(SMOOTH, alone, lam), values["l1"])
    values["adversarial"].sum().backward()
    assert (completed.grad[hole.expand_as(images)] < 0).all()  # brighter is more real


def test_blocks_are_turned_on_fully_in_training():
    made, (images, hole) = as_if_trained("hole_sharp", "hole_blocks"), some()
    main, blocks = made.values()
    data = replace(completion.experiment_data(BLOCKS, SMOKE), made={"hole_sharp": main})
    with torch.no_grad(), DynamicNet(main, {"tuned": blocks}) as tuned:
        fully, not_at_all = (tuned(images, hole, alpha=alpha) for alpha in (1.0, 0.0))
    with torch.no_grad(), completion.around(BLOCKS, blocks, data) as network:
        assert torch.equal(network(images, hole), fully)
    with completion.around(SHARP, main, data) as network:
        assert network is main
    assert not torch.equal(fully, not_at_all)


def test_the_discriminators_loss_does_not_reach_the_generator():
    images, hole = some()
    completed = torch.where(hole, images * 0.5, images).requires_grad_()
    judge = completion.PatchDiscriminator(4)
    completion.discrimination(judge, completed, images, hole).sum().backward()
    assert completed.grad is None
    assert all(parameter.grad is not None for parameter in judge.parameters())
    right = completion.discrimination(Brightness(), images * 0.2, images, hole)
    wrong = completion.discrimination(Brightness(), images, images * 0.2, hole)
    assert (right < wrong).all()
