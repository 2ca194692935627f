"""Outlines and faces: the face is the drawn one, the outline has lines where it should, and its style changes no line."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, outlines
from lossconditioning.datasets.faces import ATTRIBUTES, TRAITS, faces
from lossconditioning.datasets.outlines import FACTORS, STYLE
from lossconditioning.datasets.people import FIRST


@pytest.fixture(scope="module")
def many():
    return outlines(200)


def test_they_are_pairs_of_the_drawn_faces(many):
    for part in (many.layouts, many.pictures):
        assert (part.dtype, part.shape) == (torch.uint8, (200, 3, 64, 64))
    assert (many.factors.dtype, many.factors.shape) == (torch.int64, (200, 4))
    assert many.names == tuple(FACTORS)
    assert torch.equal(many.pictures, faces(200).images)
    assert torch.equal(outlines(5, "test").pictures, faces(5, start=FIRST["test"]).images)
    assert many.source == "outlines and drawn faces 0 to 199"


@pytest.mark.parametrize("count", [1, 16, 37])
def test_a_pair_does_not_depend_on_how_many_are_asked_for(count, many):
    found = outlines(count)
    for name in ("layouts", "pictures", "factors"):
        assert torch.equal(getattr(found, name), getattr(many, name)[:count])


def test_factors_are_what_the_face_was_drawn_with(many):
    drawn = faces(200)
    assert torch.equal(many.factor("hair") == 1, drawn.having("blond_hair"))
    assert torch.equal(many.factor("skin") == 1, drawn.having("pale_skin"))
    assert many.style(0) == {"hair": "blond", "skin": "dark", "clothes": "white", "background": "turquoise"}
    for name, values in FACTORS.items():
        assert len(many.factor(name).unique()) == len(values), name


def test_clothes_and_background_have_the_colours_they_are_named_after(many):
    def channels(part, factor, value):
        chosen = many.factor(factor) == FACTORS[factor].index(value)
        return many.pictures[chosen][..., part[0], part[1]].float().mean((0, 2, 3))

    shirt, corner = (slice(60, 64), slice(28, 36)), (slice(0, 4), slice(0, 64))
    for value, most in (("vermilion", 0), ("green", 1), ("blue", 2), ("crimson", 0)):
        assert channels(shirt, "clothes", value).argmax() == most
    assert channels(shirt, "clothes", "white").min() > channels(shirt, "clothes", "slate").max()
    for value, most in (("peach", 0), ("mint", 1), ("sky", 2), ("pink", 0)):
        assert channels(corner, "background", value).argmax() == most


def test_an_outline_is_dark_lines_on_white_without_colour(many):
    assert (many.layouts[:, :1] == many.layouts).all()
    assert 0.7 < (many.layouts == 255).float().mean() < 0.95
    assert (many.layouts[:, 0] < 64).flatten(1).sum(1).min() > 60
    assert (many.layouts[:, :, :6, :6] == 255).all()  # the background has none


def test_the_style_of_another_changes_no_line_and_gives_its_factors(many):
    styles = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    found = outlines(200, styles=styles)
    assert torch.equal(found.layouts, many.layouts)
    assert torch.equal(found.factors, many.factors[styles])
    apart = (found.pictures.float() - many.pictures.float()).abs().mean((1, 2, 3))
    assert apart[styles != torch.arange(200)].min() > 4
    assert torch.equal(outlines(40, styles=range(40)).pictures, many.pictures[:40])


def test_what_is_no_style_shows_in_the_outline(many):
    drawn = faces(200)
    assert set(STYLE) <= {*ATTRIBUTES, *TRAITS}
    assert set(ATTRIBUTES) - set(STYLE) == {"long_hair", "glasses", "smiling", "beard", "hat"}
    ink = (255 - many.layouts[:, 0].float()) / 255
    where = {"glasses": slice(26, 42), "hat": slice(0, 26), "long_hair": slice(44, 64)}
    for name, rows in where.items():
        has = drawn.having(name)
        assert ink[has][:, rows].mean() > 1.1 * ink[~has][:, rows].mean(), name


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
        ({"split": "tets"}, "no split 'tets'. Did you mean 'test'"),
        ({"count": 3, "styles": [0, 1]}, "one for each of the 3, from 0; got 2"),
        ({"count": 2, "styles": [0, -1]}, "from 0; got 2"),
        ({"count": 2, "styles": [0, 0.5]}, "from 0; got 2"),
    ],
)
def test_what_can_not_be_drawn_is_said(wrong, said):
    with pytest.raises(ReaderError, match=said):
        outlines(**wrong)


def test_the_registry_has_them():
    entry = DATASETS["outlines"]
    assert (entry.load, entry.fetch) == (outlines, None)
