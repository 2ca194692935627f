"""Image completion: a hole is filled, everything else stays; which holes and pictures there are, and what filling costs."""

from dataclasses import replace

import pytest
import torch
from small_completion import SHARP, shaken, small_completion, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.systems.dynamic_net import completion
from lossconditioning.systems.dynamic_net.completion import pictures
from lossconditioning.systems.dynamic_net.completion.pictures import batches, random_holes
from lossconditioning.training.randomness import generator


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_completion(tmp_path_factory.mktemp("no_data")):
        yield


# Configurations -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "netwrok"}, "Did you mean 'network'"),
        ({"data": "faces"}, "no data 'faces'"),
        ({"schedule": "linear"}, "no schedule"),
        ({"width": 0}, "width must be"),
        ({"count": 1.5}, "count must be"),
        ({"smallest": 21}, "even sides"),
        ({"smallest": 30, "largest": 28}, "smallest ≤ largest"),
        ({"offset": 17}, "offset is 0 to 16"),
        ({"adversarial": -1.0}, "λ, the weight of the adversarial loss"),
        ({"adversarial": float("nan")}, "λ, the weight of the adversarial loss"),
        ({"beta_1": 1.0}, "beta_1 is in"),
        ({"learning_rate": 0.0}, "learning_rate positive"),
        ({"main": "hole_smooth"}, "only they, name a main network"),
        ({"kind": "blocks"}, "only they, name a main network"),
        ({"kind": "critic", "main": "hole_sharp", "adversarial": 0.0}, "names blocks and a smooth network"),
        ({"blocks": "hole_blocks", "smooth": "hole_smooth"}, "names blocks and a smooth network"),
        ({"kind": "blocks", "main": "hole_smooth"}, "Only networks are trained against a discriminator"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(SHARP, **changes)


@pytest.mark.parametrize("profile", ["smoke", "demo", "laptop", "paper"])
def test_configurations_survive_json_and_come_after_what_they_need(profile):
    before = set()
    for name, config in completion.experiments(profile).items():
        assert config.name == name
        assert completion.Config.from_json(config.as_json()) == config
        assert before >= set(config.needs)
        before.add(name)


def test_all_laptop_checkpoints_take_less_than_two_megabytes():
    sizes = [completion.build(config).state_dict() for config in completion.experiments("laptop").values()]
    assert 2 * sum(tensor.numel() for state in sizes for tensor in state.values()) < 2e6


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
    images = completion.training_pictures(SHARP).images
    make, again = batches(SHARP, images, 5), batches(SHARP, images, 5)
    assert torch.equal(make(3).pictures, again(3).pictures)
    assert torch.equal(make(3).hole, again(3).hole)
    assert not torch.equal(make(3).pictures, make(4).pictures)
    assert not torch.equal(make(3).pictures, batches(SHARP, images, 6)(3).pictures)


def test_held_out_faces_are_others_and_photographs_serve_too(monkeypatch):
    learned = completion.training_pictures(SHARP).images
    for picture in completion.held_out_pictures(SHARP, count=3).images:
        assert (learned != picture).flatten(1).any(1).all()
    stand_in = Photographs({"noise": torch.randint(256, (3, 80, 96), dtype=torch.uint8)}, "noise")
    for name in ("training_photographs", "held_out_photographs"):
        monkeypatch.setattr(pictures, name, lambda folder: stand_in)
    config = replace(SHARP, data="photographs", count=2)
    for found in (completion.training_pictures(config), completion.held_out_pictures(config, count=2)):
        assert found.images.shape == (2, 3, 64, 64)
        assert found.images.dtype == torch.uint8
        assert found.source == "2 squares of noise"
    asked = []
    monkeypatch.setattr(
        pictures, "celeba", lambda *given: asked.append(given) or completion.Pictures(learned, "CelebA")
    )
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
    completed = torch.where(hole, images * 0.5, images).requires_grad_()
    values = completion.terms(completed, images, hole, Brightness())
    expected = [float(0.5 * image[:, mask[0]].mean()) for image, mask in zip(images, hole, strict=True)]
    assert values["l1"].tolist() == pytest.approx(expected, rel=1e-5)
    assert values["adversarial"].shape == (3,)
    torch.testing.assert_close(
        completion.objective(values, 0.3), values["l1"] + 0.3 * values["adversarial"], rtol=0, atol=0
    )
    alone = completion.terms(completed, images, hole)
    assert alone.keys() == {"l1"}
    assert torch.equal(completion.objective(alone, 0.3), values["l1"])
    values["adversarial"].sum().backward()
    assert (completed.grad[hole.expand_as(images)] < 0).all()  # brighter is more real


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
