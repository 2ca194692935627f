"""Directions of codes: one factor moves along each, from end to end, and others stay; what they change is counted."""

import pytest
import torch
from small_staged import InColour, MeanColour, flat, some

from lossconditioning import ReaderError
from lossconditioning.datasets.pairs import Pairs
from lossconditioning.systems import staged_encoder as staged

HOURS, SEASONS = ("night", "dawn", "noon", "dusk"), ("summer", "winter")
PLACES = torch.tensor([0.0, 4.0, 10.0, 6.0])
"""Where the hours lie along the first number: night at one end, noon at the other."""


def made(count=400, noise=0.1):
    """Codes whose number 0 says the hour, 3 the season, and the rest nothing, but that 1 goes along with 0's noise."""
    draw = torch.Generator().manual_seed(0)
    factors = torch.stack([torch.randint(n, (count,), generator=draw) for n in (4, 2)], 1)
    codes = noise * torch.randn(count, 5, generator=draw)
    codes[:, 1] += codes[:, 0]
    codes[:, 0] += PLACES[factors[:, 0]]
    codes[:, 3] += 2.0 * factors[:, 1]
    return codes, factors


@pytest.fixture(scope="module")
def found():
    return staged.directions(*made(), ("hour", "season"), (HOURS, SEASONS))


def of(found, factor):
    return next(direction for direction in found if direction.factor == factor)


def test_along_a_direction_its_factor_changes_and_the_others_do_not(found):
    for factor, number, length in (("hour", 0, 10.0), ("season", 3, 2.0)):
        vector = of(found, factor).vector
        assert float(vector[number].abs()) == pytest.approx(length, rel=0.02)
        others = [each for place, each in enumerate(vector.tolist()) if place not in (number, number + 1)]
        assert max(map(abs, others)) < 0.05 * length


def test_a_code_moved_from_end_to_end_lies_where_the_other_end_is(found):
    codes, factors = made()
    for factor, column, values in (("hour", 0, HOURS), ("season", 1, SEASONS)):
        direction = of(found, factor)
        low, high = (values.index(end) for end in direction.ends)
        means = torch.stack([codes[factors[:, column] == value].mean(0) for value in range(len(values))])
        nearest = torch.cdist(means[[low]] + direction.vector, means).argmin()
        assert int(nearest) == high


def test_ends_are_named_by_the_values_that_lie_farthest_apart(found):
    hour, season = of(found, "hour"), of(found, "season")
    assert set(hour.ends) == {"night", "noon"}
    assert set(season.ends) == set(SEASONS)
    assert (hour.ends == ("night", "noon")) == (float(hour.vector[0]) > 0)
    assert hour.label == " – ".join(hour.ends)


def test_the_longest_comes_first_and_none_comes_twice(found):
    lengths = [float(direction.vector.norm()) for direction in found]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == pytest.approx(10, rel=0.02)
    assert len({(direction.factor, *sorted(direction.ends)) for direction in found}) == len(found)
    assert [direction.factor for direction in found].count("season") == 1  # of two values
    assert all(direction.vector.shape == (5,) for direction in found)


def test_there_are_eight_at_most_and_of_one_factor_no_more_than_a_code_has_numbers():
    draw = torch.Generator().manual_seed(1)
    factors = torch.arange(12).repeat(20)[:, None]
    codes = torch.randn(12, 12, generator=draw)[factors[:, 0]] + 0.1 * torch.randn(240, 12, generator=draw)
    values = (tuple(str(number) for number in range(12)),)
    assert len(staged.directions(codes, factors, ("colour",), values)) == 8
    assert len(staged.directions(codes[:, :3], factors, ("colour",), values)) == 3


def test_values_that_no_picture_has_are_left_out():
    codes, factors = made()
    without = factors[:, 0] != 2  # no noon
    found = staged.directions(codes[without], factors[without], ("hour", "season"), (HOURS, SEASONS))
    assert len(found) == 3
    assert set(of(found, "hour").ends) == {"night", "dusk"}
    assert all(direction.vector.isfinite().all() for direction in found)
    summer = factors[:, 1] == 0
    found = staged.directions(codes[summer], factors[summer], ("hour", "season"), (HOURS, SEASONS))
    assert {direction.factor for direction in found} == {"hour"}


def test_where_no_factors_are_known_that_is_said():
    with pytest.raises(ReaderError, match=r"these pictures have none\. Use the valley's"):
        staged.directions(torch.rand(9, 8), torch.empty(9, 0, dtype=torch.int64), (), ())


# What they change ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def colours():
    """Pictures of one colour each, whose red says one factor and whose green another."""
    factors = torch.cartesian_prod(torch.arange(2), torch.arange(2)).repeat(3, 1)
    pictures = flat(torch.cat([0.2 + 0.6 * factors, torch.full((12, 1), 0.4)], 1))
    values = (("pale", "red"), ("dull", "green"))
    return Pairs(pictures, (255 * pictures).round().byte(), factors, ("one", "other"), values, "colours")


def moves(size):
    return [
        staged.Direction("one", ("pale", "red"), torch.tensor([size, 0.0, 0.0])),
        staged.Direction("other", ("dull", "green"), torch.tensor([0.0, size, 0.0])),
    ]


def changed(ways, pairs, more=0.0, count=12):
    translator = staged.Translator(MeanColour(), InColour(more))
    pictures = pairs.pictures[:count].float() / 255
    return staged.effects(translator, ways, some(count), pictures, pairs.factors[:count], pairs).tolist()


def test_a_direction_changes_its_own_factor_and_no_other(colours):
    assert changed(moves(0.6), colours) == [[1, 0], [0, 1]]
    codes = colours.pictures.float().mean((2, 3)) / 255
    ways = staged.directions(codes, colours.factors, colours.names, colours.values)
    expected = {"one": [1, 0], "other": [0, 1]}
    assert changed(ways, colours) == [expected[way.factor] for way in ways]
    assert len(ways) == 2


def test_one_that_is_too_short_changes_nothing_and_a_slanted_one_changes_both(colours):
    assert changed(moves(0.1), colours) == [[0, 0], [0, 0]]
    slanted = staged.Direction("one", ("pale", "red"), torch.tensor([0.6, 0.6, 0.0]))
    assert changed([slanted], colours) == [[1, 0.5]]  # half of the pictures are as green as can be, or not at all


def test_an_end_that_no_picture_has_is_left_out(colours):
    red = colours.factors[:, 0] == 1
    assert changed(moves(0.6), colours[red], count=6)[0] == [0, 0]  # a gallery without what it could become
    translator, pictures = staged.Translator(MeanColour(), InColour()), colours.pictures[red].float() / 255
    found = staged.effects(translator, moves(0.6), some(6), pictures, colours.factors[red], colours)
    assert found.tolist() == [[1, 0], [0, 1]]
    dawn = staged.Direction("one", ("pale", "pale"), torch.zeros(3))
    assert staged.effects(translator, [dawn], some(6), pictures, colours.factors[red], colours).isnan().all()
