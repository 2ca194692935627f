"""What is measured of generated faces, where the answer is known."""

import pytest
import torch
from torch import nn

from lossconditioning.conditioning import TuningBlocks
from lossconditioning.evaluation.alphas import WIDE
from lossconditioning.systems import dynamic_faces as faces
from lossconditioning.systems.dynamic_faces.measures import distance, diversity, features
from lossconditioning.systems.dynamic_faces.turns import Turn


class Grey(nn.Module):
    """A generator of grey squares, whose brightness is the code's first number plus what blocks add."""

    latent = 2

    def __init__(self):
        super().__init__()
        self.stage = nn.Identity()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, codes):
        return self.stage(codes[:, :1, None, None].expand(-1, 1, 4, 4)).expand(-1, 3, -1, -1)


class Bright(nn.Module):
    """Tells whether a picture is brighter than 0.5, and nothing of a second attribute."""

    names = ("bright", "other")

    def forward(self, pictures):
        logit = 10 * (pictures.mean((1, 2, 3)) - 0.5)
        return torch.stack([logit, torch.zeros_like(logit)], dim=1)


def adding(amount: float) -> TuningBlocks:
    """Blocks with ψ(z) = amount."""
    blocks = TuningBlocks({"stage": 1})
    for parameter in blocks.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(blocks["stage"].layers[4].bias, amount)
    return blocks


def turn(amount: float, real=(1.0, 1.0), **options) -> Turn:
    latents = torch.stack([torch.linspace(-0.1, 0.1, 5), torch.zeros(5)], dim=1)
    return faces.turn(Grey(), adding(amount), Bright(), "bright", latents, torch.tensor(real), **options)


def test_an_attribute_that_turns_with_alpha_has_shift_and_monotonicity_1():
    found = turn(1.0)
    assert found.monotonicity == pytest.approx(1)
    assert found.shifts["bright"] == pytest.approx(1, abs=0.03)
    assert found.shifts["other"] == found.others == 0
    assert found.probability.shape == found.logit.shape == (11, 2)
    assert found.diversity == pytest.approx(1, abs=1e-5)
    middle = found.logit[5, 0]
    assert float(middle) == pytest.approx(0, abs=1e-5)


def people(before, after) -> Turn:
    """Blocks for the first of three attributes, on people with these logits at α = 0 and 1."""
    before, after = torch.tensor(before), torch.tensor(after)
    ends = torch.stack([before, after])
    means = ends.sigmoid().mean(1), ends.mean(1)
    return Turn("a", ("a", "b", "c"), torch.tensor([0.0, 1.0]), *means, before, after, torch.ones(3), 1.0)


def test_people_who_swap_an_attribute_are_changed_though_their_mean_is_not():
    found = people([[-9.0, 9.0, 0.1], [-9.0, -9.0, 0.1]], [[9.0, -9.0, 0.1], [9.0, 9.0, 0.1]])
    assert found.others == pytest.approx(0, abs=1e-6)
    assert found.changes["b"] == found.person_change == pytest.approx(1, abs=1e-3)
    assert found.flips == {"a": 1, "b": 1, "c": 0}
    assert found.person_flips == 1


def test_a_persons_change_is_the_worst_attributes_mean_and_whoever_loses_any_counts_once():
    sure, half = 40.0, 0.0
    found = people(
        [[0.0, sure, sure]] * 4, [[0.0, half, sure], [0.0, -sure, -sure], [0.0, sure, -sure], [0.0, sure, sure]]
    )
    assert found.changes == pytest.approx({"a": 0, "b": (0.5 + 1) / 4, "c": 2 / 4})
    assert found.person_change == pytest.approx(0.5)
    assert found.flips == {"a": 0, "b": 2 / 4, "c": 2 / 4}  # half is not above half
    assert found.person_flips == 3 / 4


def test_the_attribute_that_is_meant_is_no_change_of_a_person():
    found = turn(1.0)
    assert found.changes["bright"] == pytest.approx(1, abs=0.03)
    assert found.flips["bright"] == 1
    assert found.person_change == found.person_flips == 0
    assert found.before.shape == found.after.shape == (5, 2)


def test_one_that_turns_the_other_way_has_monotonicity_minus_1():
    assert turn(-1.0).monotonicity == pytest.approx(-1)


def test_alpha_beyond_both_ends_is_measured_too():
    found = turn(1.0, alphas=WIDE)
    torch.testing.assert_close(found.logit[:, 0], 10 * (torch.tensor(WIDE) - 0.5))
    assert found.shifts["bright"] == pytest.approx(1, abs=0.03)  # between 0 and 1 still


def test_shifts_are_shares_of_what_real_faces_differ_by():
    assert turn(1.0, real=(2.0, 1.0)).shifts["bright"] == pytest.approx(turn(1.0).shifts["bright"] / 2)


def test_a_sheet_has_a_row_a_person_and_leaves_the_generator_as_it_was():
    main = Grey()
    rows = faces.sheet(main, {"bright": adding(1.0)}, torch.zeros(3, 2), (0.0, 0.5, {"bright": 1.0}))
    assert rows.shape == (3, 3, 3, 4, 4)
    torch.testing.assert_close(rows[:, :, 0, 0, 0], torch.tensor([0.0, 0.5, 1.0]).expand(3, 3))
    assert main.training
    assert not main.stage._forward_hooks


def test_diversity_is_nought_when_all_faces_are_alike():
    real = torch.randn(6, 3, 4, 4)
    assert diversity(real / 2, real) == pytest.approx(0.5)
    assert diversity(real[:1].expand(6, -1, -1, -1), real) == pytest.approx(0, abs=1e-4)


def test_distance_is_nought_between_equal_sets_and_grows_with_a_shift():
    real = torch.randn(64, 3, 4, 4)
    assert distance(real.flip(0), real) == 0
    assert 0 < distance(real + 0.1, real) < distance(real + 1, real)


def test_codes_are_the_same_people_every_time():
    assert torch.equal(faces.codes(4, 8), faces.codes(4, 8))
    assert torch.equal(faces.codes(8, 8)[:4], faces.codes(4, 8))


def test_features_are_the_same_of_pictures_and_of_signed_ones():
    classifier = faces.Classifier(("bright",), width=2).eval()
    images = torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8)
    found = features(classifier, images)
    assert found.shape == (3, 8)
    assert torch.equal(found, features(classifier, faces.signed(images)))
