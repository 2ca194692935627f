"""Minimising over pixels reaches what can be computed otherwise, and what was reached is found again."""

import pytest
import torch

from lossconditioning.painting import Optima, minimised, recorded_in

WANTED = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))


def away(picture):
    """The squared distance to a picture that is known."""
    return (picture - WANTED).square().sum((1, 2, 3))


def test_the_lowest_cost_is_reached_where_it_is_known():
    picture, costs = minimised(away, torch.full_like(WANTED, 0.5), tolerance=1e-6)
    torch.testing.assert_close(picture, WANTED, rtol=0, atol=1e-3)
    assert costs[0] == pytest.approx(float(away(torch.full((1, 3, 8, 8), 0.5))), rel=1e-5)
    assert min(costs) < 1e-5 * costs[0]


def test_pixels_stay_between_black_and_white():
    """The nearest picture to one that lies beyond both ends is that one, cut off."""
    beyond = 3 * WANTED - 1
    picture, costs = minimised(lambda given: (given - beyond).square().sum((1, 2, 3)), WANTED, tolerance=1e-6)
    torch.testing.assert_close(picture, beyond.clamp(0, 1), rtol=0, atol=1e-3)
    assert min(costs) == pytest.approx(float((beyond.clamp(0, 1) - beyond).square().sum()), rel=1e-3)
    tried = []
    minimised(lambda given: (tried.append(given.detach()), away(given))[1], 5 * WANTED - 2)
    assert all(0 <= given.min() <= given.max() <= 1 for given in tried)


def test_it_ends_when_little_is_gained_or_at_a_limit():
    def slow(picture):
        """A curved valley, along which every step gains a little."""
        flat = picture.flatten(1)
        return (100 * (flat[:, 1:] - flat[:, :-1].square()).square() + (1 - flat[:, :-1]).square()).sum(1)

    reached = [minimised(slow, 0 * WANTED, tolerance=share)[1] for share in (0.3, 1e-4)]
    assert min(reached[1]) < min(reached[0])
    assert len(reached[1]) > len(reached[0])
    assert len(minimised(slow, 0 * WANTED, tolerance=0.0, most=5)[1]) <= 8  # a line search is finished


def test_what_is_at_its_optimum_already_stays():
    picture, _ = minimised(away, WANTED)
    torch.testing.assert_close(picture, WANTED)


# Records ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [[0.8], [0.001, 0.001, 0.001, 0.01, 2.0]], ids=len)
def test_a_cost_is_found_under_its_own_weights_alone(lam):
    found = Optima("these", "those", "vgg", 256)
    added = found.keep("a", "b", lam, [3.0, 1.25, 2.0])
    assert found.costs == [added] == [{"photograph": "a", "painting": "b", "lam": lam, "cost": 1.25, "evaluations": 3}]
    assert found.cost("a", "b", torch.tensor(lam)) == 1.25
    for asked in (("a", "c", lam), ("c", "b", lam), ("a", "b", [*lam[:-1], 1.1 * lam[-1]])):
        assert found.cost(*asked[:2], torch.tensor(asked[2])) is None


def test_a_record_is_written_and_found_by_its_pictures_and_features(tmp_path):
    kept = Optima("these", "those", "vgg", 256)
    kept.keep("a", "b", [0.8], [1.0])
    (tmp_path / "these.json").write_text(kept.as_json(), encoding="utf-8")
    assert Optima.read(tmp_path / "these.json") == kept
    assert recorded_in(tmp_path, "these", "those", "vgg", 256) == kept
    for asked in (
        ("others", "those", "vgg", 256),
        ("these", "others", "vgg", 256),
        ("these", "those", "random", 256),
        ("these", "those", "vgg", 128),
    ):
        assert recorded_in(tmp_path, *asked) == Optima(*asked)
