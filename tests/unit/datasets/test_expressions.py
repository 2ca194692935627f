"""Expressions: the layout is neutral, the picture is the same person, its expression shows and its numbers tell it."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, expression_codes, expressions
from lossconditioning.datasets.expressions import ACTIONS, EXPRESSIONS, FACTORS
from lossconditioning.datasets.people import FIRST

COUNT = 400


@pytest.fixture(scope="module")
def many():
    return expressions(COUNT)


@pytest.fixture(scope="module")
def codes():
    return expression_codes(COUNT)


def those(many, expression: str) -> torch.Tensor:
    return many.factor("expression") == FACTORS["expression"].index(expression)


def held_like(many, expression: str, count: int = 40):
    """The same people, all with one expression: that of several pictures."""
    numbers = those(many, expression).nonzero()[:, 0]
    return expressions(count, styles=[int(numbers[n % len(numbers)]) for n in range(count)])


def test_they_are_pairs_with_one_factor(many):
    for part in (many.layouts, many.pictures):
        assert (part.dtype, part.shape) == (torch.uint8, (COUNT, 3, 64, 64))
    assert (many.factors.dtype, many.factors.shape) == (torch.int64, (COUNT, 1))
    assert many.names == ("expression",)
    assert many.values == (tuple(EXPRESSIONS),)
    assert many.style(0) == {"expression": "angry"}
    assert many.source == "neutral and other expressions of drawn faces 0 to 399"


@pytest.mark.parametrize("count", [1, 16, 37])
def test_a_pair_does_not_depend_on_how_many_are_asked_for(count, many, codes):
    found = expressions(count)
    for name in ("layouts", "pictures", "factors"):
        assert torch.equal(getattr(found, name), getattr(many, name)[:count])
    assert torch.equal(expression_codes(count), codes[:count])


def test_the_parts_have_other_people_and_other_expressions(many, codes):
    known = {picture.numpy().tobytes() for picture in many.layouts}
    for split in ("valid", "test"):
        assert expressions(20, split).source.endswith(f"{FIRST[split]:,} to {FIRST[split] + 19:,}")
        assert not any(picture.numpy().tobytes() in known for picture in expressions(20, split).layouts)
        assert not torch.equal(expression_codes(20, split), codes[:20])


def test_all_expressions_are_equally_frequent(many):
    counts = torch.bincount(many.factor("expression"), minlength=len(EXPRESSIONS))
    assert counts.min() > 0.65 * COUNT / len(EXPRESSIONS)
    assert counts.max() < 1.4 * COUNT / len(EXPRESSIONS)


# What shows -------------------------------------------------------------------------------------------------------


def test_nothing_but_brows_eyes_and_mouth_changes(many):
    changed = (many.pictures.int() - many.layouts.int()).abs().amax(1)
    assert not changed[:, :18].any()
    assert not changed[:, 54:].any()
    assert not changed[:, :, :14].any()
    assert not changed[:, :, 50:].any()
    assert changed.flatten(1).any(1).all()  # neutral ones vary, too


@pytest.mark.parametrize("expression", [name for name in EXPRESSIONS if name != "neutral"])
def test_every_expression_shows_on_everyone(expression, many):
    changed = (many.pictures.int() - many.layouts.int()).abs()
    apart, pixels = changed.flatten(1).sum(1), (changed.amax(1) > 15).flatten(1).sum(1)
    assert apart[those(many, expression)].min() > apart[those(many, "neutral")].max()
    assert pixels[those(many, expression)].min() > 35


def test_expressions_look_like_what_they_are_named_after(many):
    found = {name: held_like(many, name).pictures.float() for name in EXPRESSIONS}
    mouth, eyes = (slice(41, 52), slice(24, 40)), (slice(30, 37), slice(22, 42))

    def share(name, part, wanted):
        return wanted(found[name][..., part[0], part[1]]).float().mean()

    def white(pixels):
        return pixels.amin(1) > 225

    def red(pixels):
        return (pixels[:, 0] - pixels[:, 1] > 70) & (pixels[:, 0] < 235)

    for toothed in ("happy", "laughing", "angry"):
        for other in ("neutral", "sad", "surprised", "sleepy"):
            assert share(toothed, mouth, white) > share(other, mouth, white) + 0.01, (toothed, other)
    assert share("surprised", mouth, red) > 1.3 * share("neutral", mouth, red)
    for open_eyed in ("neutral", "happy", "surprised"):
        for shut in ("laughing", "sleepy"):
            assert share(open_eyed, eyes, white) > 2 * share(shut, eyes, white), (open_eyed, shut)
    assert share("surprised", eyes, white) > 1.2 * share("neutral", eyes, white)


def test_expressions_can_be_told_by_a_linear_classifier_and_not_from_the_layout():
    many, last = expressions(1000), 700
    wanted = torch.nn.functional.one_hot(many.factor("expression"), len(EXPRESSIONS)).float() * 2 - 1
    right = {}
    for name in ("pictures", "layouts"):
        seen = getattr(many, name)[..., 20:56, 14:50].float().div(255).flatten(1)
        seen = seen - seen[:last].mean(0)
        train, test = seen[:last], seen[last:]
        # Ridge regression on the signs, in its dual form.
        weights = torch.linalg.solve(train @ train.T + 3 * torch.eye(last), wanted[:last])
        told = (test @ (train.T @ weights)).argmax(1)
        right[name] = (told == many.factor("expression")[last:]).float().mean()
    assert right["pictures"] > 0.9
    assert right["layouts"] < 0.25


# Codes and styles -------------------------------------------------------------------------------------------------


def test_the_numbers_that_are_drawn_have_names(codes):
    assert {len(typical) for typical in EXPRESSIONS.values()} == {len(ACTIONS)}
    assert (codes.std(0) > 0.1).all()  # every action is in use


def test_codes_are_near_what_is_typical_of_an_expression(many, codes):
    assert (codes.dtype, codes.shape) == (torch.float32, (COUNT, len(ACTIONS)))
    typical = torch.tensor(list(EXPRESSIONS.values()), dtype=torch.float32)
    assert torch.equal(torch.cdist(codes, typical).argmin(1), many.factor("expression"))
    assert codes[those(many, "neutral")].abs().max() <= 0.08
    strongest = codes[those(many, "laughing")][:, ACTIONS.index("lower_lids")]
    assert strongest.min() < 0.9
    assert strongest.max() > 1.05


def test_the_nearest_codes_are_of_the_same_expression(many, codes):
    far = torch.cdist(codes, codes).square().fill_diagonal_(torch.inf)
    nearest = far.topk(5, largest=False).indices
    assert (many.factor("expression")[nearest] == many.factors).all()


def test_the_expression_of_another_on_the_same_person(many, codes):
    styles = torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))
    found = expressions(COUNT, styles=styles)
    assert torch.equal(found.layouts, many.layouts)
    assert torch.equal(found.factors, many.factors[styles])
    assert torch.equal(expression_codes(COUNT, styles=styles), codes[styles])
    other = found.factor("expression") != many.factor("expression")
    assert (found.pictures != many.pictures)[other].flatten(1).any(1).all()
    assert torch.equal(expressions(40, styles=range(40)).pictures, many.pictures[:40])


@pytest.mark.parametrize("load", [expressions, expression_codes])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
        ({"split": "tets"}, "no split 'tets'. Did you mean 'test'"),
        ({"count": 3, "styles": [0, 1]}, "one for each of the 3, from 0; got 2"),
        ({"count": 2, "styles": [0, -1]}, "from 0; got 2"),
    ],
)
def test_what_can_not_be_drawn_is_said(load, wrong, said):
    with pytest.raises(ReaderError, match=said):
        load(**wrong)


def test_the_registry_has_them():
    entry = DATASETS["expressions"]
    assert (entry.load, entry.fetch) == (expressions, None)
