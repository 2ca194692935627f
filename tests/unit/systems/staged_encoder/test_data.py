"""Pairs of every data set at the size that is asked for, their truth in other styles, and batches of them."""

from dataclasses import replace

import pytest
import torch
from PIL import Image
from small_staged import SMALL, SMOKE, as_if_trained

from lossconditioning import ReaderError
from lossconditioning.datasets import expressions, outlines
from lossconditioning.datasets.expressions import expression_codes
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder import data as module
from lossconditioning.systems.staged_encoder.data import (
    Targets,
    features_for,
    floats,
    measure_for,
    mirrored,
    neighbours_for,
    pairs_of,
)
from lossconditioning.systems.staged_encoder.task import Costs

ENCODER, STAGE_2 = SMALL["encoder_outlines"], SMALL["outlines_stage2"]
FACTORS = {
    "outlines": ("hair", "skin", "clothes", "background"),
    "valley": ("hour", "weather", "season"),
    "expressions": ("expression",),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three facades for training and two for testing, of one colour each, their plans black at the left."""
    root = tmp_path_factory.mktemp("data")
    for part, count in (("train", 3), ("test", 2)):
        (root / "cmp_facades" / part).mkdir(parents=True)
        for number in range(count):
            both = Image.new("RGB", (64, 32), (40 * number, 0, 200))
            both.paste((255, 255, 255), (32, 0, 64, 32))
            both.paste((0, 0, 0), (32, 0, 40, 32))
            both.save(root / "cmp_facades" / part / f"{number}.png")
    return root


@pytest.mark.parametrize("dataset", FACTORS)
def test_drawn_pairs_of_every_data_set(dataset):
    found, held_out = (pairs_of(dataset, part, 32, 6) for part in ("train", "held_out"))
    for each in (found, held_out):
        assert each.layouts.shape == each.pictures.shape == (6, 3, 32, 32)
        assert each.layouts.dtype == each.pictures.dtype == torch.uint8
        assert each.factors.shape == (6, len(FACTORS[dataset]))
        assert each.names == FACTORS[dataset]
    assert not (found.pictures[:, None] == held_out.pictures[None]).flatten(2).all(-1).any()
    assert pairs_of(dataset, "train", 32, 6) is found  # drawn once


def test_facades_are_those_of_the_folder_and_for_training_also_mirrored(folder):
    learned, held_out = (pairs_of("facades", part, 32, 100, folder) for part in ("train", "held_out"))
    assert (len(learned), len(held_out)) == (6, 2)
    assert learned.source == "cmp_facades/train, 3 pairs, and mirrored"
    assert held_out.source == "cmp_facades/test, 2 pairs"
    assert learned.names == ()
    assert learned.pictures[:, 0, 0, 0].tolist() == [0, 40, 80] * 2
    assert (learned.layouts[:3, :, :, 0] == 0).all()
    assert (learned.layouts[3:, :, :, 0] == 255).all()
    assert len(pairs_of("facades", "train", 32, 4, folder)) == 4
    assert len(pairs_of("facades", "held_out", 32, 1, folder)) == 1


def test_facades_that_are_not_there_are_said_and_replaced_in_the_smoke_profile(tmp_path):
    with pytest.raises(ReaderError, match="lossconditioning data fetch cmp_facades"):
        pairs_of("facades", "train", 32, 4, tmp_path)
    found = pairs_of("facades", "train", 32, 4, tmp_path, smoke=True)
    assert torch.equal(found.pictures, pairs_of("outlines", "train", 32, 4).pictures)
    measure = measure_for(SMALL["facades"], replace(SMOKE, data=tmp_path))
    assert measure.styled is None  # as with real ones


def test_mirrored_pairs_are_mirrored_together():
    pairs = pairs_of("outlines", "train", 32, 3)
    both = mirrored(pairs)
    assert len(both) == 6
    for part in ("layouts", "pictures"):
        assert torch.equal(getattr(both, part)[:3], getattr(pairs, part))
        assert torch.equal(getattr(both, part)[3:], getattr(pairs, part).flip(-1))
    assert torch.equal(both.factors, pairs.factors.repeat(2, 1))


@pytest.mark.parametrize(("draw", "dataset"), [(outlines, "outlines"), (expressions, "expressions")])
def test_drawn_faces_are_sized(draw, dataset):
    drawn = draw(2, "train").pictures
    assert torch.equal(pairs_of(dataset, "train", 64, 2).pictures, drawn)
    halved = drawn.float().unflatten(-1, (32, 2)).unflatten(-3, (32, 2)).mean((-1, -3))
    assert (pairs_of(dataset, "train", 32, 2).pictures.float() - halved).abs().max() <= 0.5
    doubled = pairs_of(dataset, "train", 128, 2).pictures.float()
    assert doubled.shape[-1] == 128
    assert (doubled.mean((2, 3)) - drawn.float().mean((2, 3))).abs().max() < 1


@pytest.mark.parametrize("dataset", FACTORS)
def test_shifted_pairs_have_the_next_pairs_style_in_their_own_layout(dataset):
    plain, shifted = (pairs_of(dataset, "held_out", 32, 4, shift=shift) for shift in (0, 1))
    assert torch.equal(shifted.layouts, plain.layouts)
    assert torch.equal(shifted.factors, plain.factors.roll(-1, 0))
    changed = (shifted.pictures != plain.pictures).flatten(1).any(1)
    assert changed.all()
    assert not (shifted.pictures == plain.pictures.roll(-1, 0)).flatten(1).all(1).any()


def test_the_truth_of_a_measure_is_in_the_style_that_it_translates_to():
    measure = measure_for(STAGE_2, SMOKE)
    plain, shifted = (pairs_of("outlines", "held_out", 32, 12, shift=shift) for shift in (0, 1))
    assert torch.equal(measure.pictures, floats(plain.pictures))
    assert torch.equal(measure.styled, floats(shifted.pictures))
    assert len(measure.gallery) == STAGE_2.count
    background = plain.names.index("background")  # the top row shows it
    same = (plain.factors[:, background] == plain.factors[:, background].roll(-1)).nonzero().flatten().tolist()
    tops = [each[:, :, 0, :2].mean((1, 2)) for each in (measure.styled, measure.pictures.roll(-1, 0), measure.pictures)]
    nearer = (tops[0] - tops[1]).abs() < (tops[0] - tops[2]).abs()
    assert all(nearer[number] for number in range(12) if number not in same)


# Batches ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["encoder_outlines", "outlines", "valley_critic"])
def test_batches_depend_on_seed_and_step_alone(name):
    one, other = (staged.experiment_data(SMALL[name], SMOKE).batches for _ in range(2))
    other(7)
    first, again = one(3), other(3)
    for part, same in zip(first[:2], again[:2], strict=True):
        assert torch.equal(part, same)
    assert not torch.equal(first[0], one(4)[0])
    for changed in (replace(SMOKE, seed=1), SMOKE):
        config = SMALL[name] if changed.seed else replace(SMALL[name], repeat=1)
        assert not torch.equal(first[0], staged.experiment_data(config, changed).batches(3)[0])


def test_a_batch_is_of_pairs_by_their_numbers():
    config = replace(STAGE_2, batch_size=5)
    batch, pairs = staged.experiment_data(config, SMOKE).batches(2), pairs_of("outlines", "train", 32, STAGE_2.count)
    assert torch.equal(batch.layouts, floats(pairs.layouts[batch.numbers]))
    assert torch.equal(batch.pictures, floats(pairs.pictures[batch.numbers]))
    assert torch.equal(batch.targets[0], staged.experiment_data(config, SMOKE).batches(2).targets[0])


def test_targets_are_the_features_of_the_pictures():
    pictures = pairs_of("outlines", "train", 32, STAGE_2.count).pictures
    costs = Costs(STAGE_2, features_for(STAGE_2, SMOKE))
    numbers = torch.tensor([20, 3, 11])
    found, expected = Targets(pictures, costs)[numbers], costs.targets(floats(pictures[numbers]))
    assert len(found) == len(STAGE_2.layers)
    for kept, exact in zip(found, expected, strict=True):
        assert kept.dtype == torch.float32
        torch.testing.assert_close(kept, exact, rtol=1e-2, atol=1e-3)


def test_targets_are_computed_once(monkeypatch):
    seen, original = [], Costs.targets
    monkeypatch.setattr(Costs, "targets", lambda self, given: seen.append(len(given)) or original(self, given))
    monkeypatch.setattr(module, "_CHUNK", 10)
    data = staged.experiment_data(STAGE_2, SMOKE)
    assert not seen  # nothing is computed for whoever only measures
    data.batches(0)
    data.batches(1)
    assert seen == [10, 10, 4]


def test_targets_that_do_not_fit_are_computed_for_each_batch(monkeypatch):
    kept = staged.experiment_data(STAGE_2, SMOKE).batches(3)
    monkeypatch.setattr(module, "KEPT", 1000)
    data = staged.experiment_data(STAGE_2, SMOKE)
    seen, original = [], Costs.targets
    monkeypatch.setattr(Costs, "targets", lambda self, given: seen.append(len(given)) or original(self, given))
    batch = data.batches(3)
    data.batches(4)
    size = STAGE_2.batch_size
    assert seen[-2:] == [size, size]
    for one, other in zip(batch.targets, kept.targets, strict=True):
        torch.testing.assert_close(one, other, rtol=0.01, atol=0.01)  # kept ones are bfloat16


def test_the_discriminator_is_another_one_for_every_repetition():
    one, same, other = (
        staged.experiment_data(config, SMOKE).discriminator.state_dict()
        for config in (STAGE_2, STAGE_2, replace(STAGE_2, repeat=1))
    )
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not all(torch.equal(value, other[name]) for name, value in one.items())
    assert staged.experiment_data(SMALL["valley_critic"], SMOKE).discriminator is None


def test_codes_are_those_of_all_training_pictures():
    (encoder,) = as_if_trained("encoder_outlines").values()
    pairs, data = pairs_of("outlines", "train", 32, STAGE_2.count), staged.experiment_data(STAGE_2, SMOKE)
    with torch.no_grad():
        expected = encoder(floats(pairs.pictures))
    for found, exact in zip(data.codes(encoder), expected, strict=True):
        assert not found.requires_grad
        torch.testing.assert_close(found, exact)


# Triplets -----------------------------------------------------------------------------------------------------------------


def test_without_a_number_negatives_are_all_that_are_not_among_the_nearest():
    pairs = pairs_of("outlines", "train", 32, ENCODER.count)
    assert ENCODER.far == 0
    found = neighbours_for(ENCODER, SMOKE, pairs)
    assert (found.nearest.shape, found.farthest.shape) == ((24, 5), (24, 18))
    for number in range(24):
        both = found.nearest[number].tolist() + found.farthest[number].tolist()
        assert sorted([number, *both]) == list(range(24))
    few = neighbours_for(replace(ENCODER, far=13), SMOKE, pairs)
    assert torch.equal(few.nearest, found.nearest)
    assert torch.equal(few.farthest, found.farthest[:, :13])


def test_triplets_of_a_step_are_drawn_from_neighbours():
    pairs = pairs_of("outlines", "train", 32, ENCODER.count)
    found, batches = neighbours_for(ENCODER, SMOKE, pairs), staged.experiment_data(ENCODER, SMOKE).batches
    pictures = floats(pairs.pictures).flatten(1)
    for step in range(5):
        batch = batches(step)
        assert batch.margin == ENCODER.margin
        numbers = [torch.cdist(part.flatten(1), pictures).argmin(1).tolist() for part in batch[:3]]
        assert len(set(numbers[0])) == ENCODER.batch_size
        for anchor, positive, negative in zip(*numbers, strict=True):
            assert positive in found.nearest[anchor]
            assert negative not in [anchor, *found.nearest[anchor].tolist()]


def test_neighbours_by_expression_are_held_alike():
    config = replace(SMALL["encoder_expressions"], count=12)
    found = neighbours_for(config, SMOKE, pairs_of("expressions", "train", 32, 12))
    codes = expression_codes(12, "train")
    apart = torch.cdist(codes, codes).fill_diagonal_(-1)
    assert found.nearest.tolist() == apart.argsort(1)[:, 1:6].tolist()


def test_what_was_learned_from_and_by_what_it_was_compared_is_said():
    said = staged.experiment_data(ENCODER, SMOKE).source
    assert said.startswith("outlines and drawn faces 0 to 23; measured on outlines and drawn faces")
    assert features_for(STAGE_2, SMOKE).source in staged.experiment_data(STAGE_2, SMOKE).source
