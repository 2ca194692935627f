"""A drawn face is a function of its seed and number, and each attribute shows, alone and without touching the rest."""

from itertools import combinations

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import drawn_faces
from lossconditioning.datasets.faces import ATTRIBUTES, Faces, faces

WHERE = {
    "blond_hair": (0, 63),  # down to the ends of long hair
    "long_hair": (0, 63),
    "glasses": (22, 46),
    "smiling": (22, 54),
    "pale_skin": (10, 63),
    "beard": (30, 57),
    "hat": (0, 34),
}
"""The first and last row that an attribute may change, wherever the head is."""


@pytest.fixture(scope="module")
def many() -> Faces:
    return faces(1000, seed=1)


def changed(attribute: str, count: int = 24, **others: bool) -> torch.Tensor:
    """By how much each pixel changes with an attribute, ``(count, 64, 64)``."""
    without, having = (faces(count, seed=5, **{attribute: value}, **others).images.int() for value in (False, True))
    return (having - without).abs().amax(1)


# What a face depends on -------------------------------------------------------------------------------------------


def test_faces_are_bytes_with_seven_attributes(many):
    assert (many.images.dtype, many.images.shape) == (torch.uint8, (1000, 3, 64, 64))
    assert (many.attributes.dtype, many.attributes.shape) == (torch.bool, (1000, 7))
    assert many.names == ATTRIBUTES
    assert many.source == "drawn faces 0 to 999 of seed 1"
    assert len(many) == 1000
    assert many.images.is_contiguous()
    assert many.images.amin() < 40
    assert many.images.amax() == 255


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 40])
@pytest.mark.parametrize("start", [0, 5, 333])
def test_a_face_does_not_depend_on_how_many_are_asked_for(count, start, many):
    found = faces(count, seed=1, start=start)
    assert torch.equal(found.images, many.images[start : start + count])
    assert torch.equal(found.attributes, many.attributes[start : start + count])


def test_a_face_does_not_depend_on_how_many_are_drawn_at_once(many, monkeypatch):
    module = faces.__globals__
    for at_once in (1, 7, 64):
        monkeypatch.setitem(module, "_AT_ONCE", at_once)
        assert torch.equal(faces(70, seed=1).images, many.images[:70])


def test_drawing_faces_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    faces(3)
    assert torch.equal(torch.rand(4), expected)


def test_no_two_faces_are_alike(many):
    rows = {picture.numpy().tobytes() for picture in many.images}
    assert len(rows) == 1000
    other = faces(200, seed=2)
    assert not any(picture.numpy().tobytes() in rows for picture in other.images)
    apart = (many.images[:200].float() - other.images.float()).abs().mean((1, 2, 3))
    assert apart.min() > 8


def test_attributes_are_balanced_and_independent(many):
    values = many.attributes.float()
    assert ((values.mean(0) - 0.5).abs() < 0.06).all()
    for first, second in combinations(range(7), 2):
        both = (values[:, first] * values[:, second]).mean() - values[:, first].mean() * values[:, second].mean()
        assert abs(both) < 0.03


# Attributes that are given ----------------------------------------------------------------------------------------


def test_given_attributes_hold_for_all_and_the_others_stay():
    free, fixed = faces(64, seed=9), faces(64, seed=9, glasses=True, smiling=False)
    assert fixed.having("glasses").all()
    assert not fixed.having("smiling").any()
    assert fixed.source == "drawn faces 0 to 63 of seed 9, glasses=True, smiling=False"
    others = [ATTRIBUTES.index(name) for name in ATTRIBUTES if name not in ("glasses", "smiling")]
    assert torch.equal(fixed.attributes[:, others], free.attributes[:, others])
    same = free.having("glasses") & ~free.having("smiling")
    assert torch.equal(fixed.images[same], free.images[same])
    assert (fixed.images[~same] != free.images[~same]).flatten(1).any(1).all()


def test_a_face_with_all_attributes_given_is_that_face():
    wanted = dict(zip(ATTRIBUTES, (True, False, True, False, True, False, True), strict=True))
    found = faces(1, seed=3, **wanted)
    assert found.attributes.tolist() == [list(wanted.values())]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_attribute_changes_its_own_part_of_the_picture_alone(attribute):
    difference = changed(attribute)
    first, last = WHERE[attribute]
    assert not difference[:, :first].any()
    assert not difference[:, last + 1 :].any()
    assert ((difference > 30).sum((1, 2)) > 20).all()  # every face shows it
    assert ((difference > 0).float().mean((1, 2)) < 0.62).all()
    assert (difference[:, :40, :3] == 0).all()  # what is behind the head stays
    assert (difference[:, :40, -3:] == 0).all()


def test_the_colour_of_the_hair_leaves_what_is_far_from_hair():
    difference = changed("blond_hair", long_hair=False, beard=False, hat=False)
    assert difference[:, 24:31, 20:44].flatten(1).any(1).all()  # the brows
    assert not difference[:, 33:46, 24:40].any()  # eyes, nose and mouth
    assert not difference[:, 46:].any()  # neck and clothes
    assert ((difference[:, :28] > 60).sum((1, 2)) > 60).all()


def test_the_colour_of_the_skin_leaves_hair_clothes_and_background():
    difference = changed("pale_skin", hat=True)
    assert not difference[:, :14].any()
    assert not difference[:, 60:].any()


def test_under_a_hat_the_hair_shows():
    difference = changed("blond_hair", hat=True, long_hair=False, beard=False)
    assert ((difference > 60).sum((1, 2)) > 25).all()


@pytest.mark.parametrize("attribute", ["beard", "glasses", "hat"])
def test_what_is_worn_reaches_the_middle_of_the_face(attribute):
    rows = {"beard": slice(44, 52), "glasses": slice(28, 40), "hat": slice(10, 22)}[attribute]
    assert ((changed(attribute)[:, rows, 20:44] > 15).float().mean((1, 2)) > 0.12).all()


def test_every_attribute_can_be_told_by_a_linear_classifier(many):
    small = many.images.float().div(255).unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)).flatten(1)
    wanted = many.attributes.float() * 2 - 1
    small = small - small[:600].mean(0)
    train, test = small[:600], small[600:]
    # Ridge regression on the signs, in its dual form: 600 unknowns for 3,072 pixel values.
    weights = torch.linalg.solve(train @ train.T + 3 * torch.eye(600), wanted[:600])
    right = ((test @ (train.T @ weights) > 0) == many.attributes[600:]).float().mean(0)
    assert dict(zip(ATTRIBUTES, (right > 0.95).tolist(), strict=True)) == dict.fromkeys(ATTRIBUTES, True), right


def test_outlines_are_smooth():
    """A layer's cover passes through many values between none and all."""
    lens = changed("glasses", count=8)
    assert len(lens.unique()) > 60


# Splitting, and mistakes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_faces_split_by_an_attribute(attribute, many):
    without, having = many.split(attribute)
    assert len(without) + len(having) == 1000
    assert not without.having(attribute).any()
    assert having.having(attribute).all()
    assert torch.equal(having.images, many.images[many.having(attribute)])
    assert torch.equal(without.attributes, many.attributes[~many.having(attribute)])
    assert having.names == ATTRIBUTES
    assert having.source == f"{many.source}, with {attribute}"
    assert without.source == f"{many.source}, without {attribute}"


def test_a_split_may_leave_one_side_empty():
    without, having = faces(5, hat=True).split("hat")
    assert (len(without), len(having)) == (0, 5)
    assert without.images.shape == (0, 3, 64, 64)


def test_an_unknown_attribute_is_answered_with_the_closest(many):
    with pytest.raises(ReaderError, match=r"no attribute 'smile'\. Did you mean 'smiling'\? Known: blond_hair"):
        faces(4, smile=True)
    with pytest.raises(ReaderError, match=r"no attribute 'sunglasses'\. Did you mean 'glasses'"):
        faces(4, sunglasses="big")
    with pytest.raises(ReaderError, match=r"no attribute 'blonde'\. Did you mean"):
        many.split("blonde")


@pytest.mark.parametrize("value", ["yes", 1, 0.5, None, [True, False]])
def test_an_attribute_is_true_or_false(value):
    with pytest.raises(ReaderError, match="glasses must be True or False, or not given for it to vary; got"):
        faces(4, glasses=value)


@pytest.mark.parametrize("count", [0, -1, 2.0, "8", True, None])
def test_a_count_is_a_whole_number(count):
    with pytest.raises(ReaderError, match=f"count must be a whole number of at least 1; got {count!r}"):
        faces(count)


@pytest.mark.parametrize("name", ["seed", "start"])
@pytest.mark.parametrize("value", [-1, 0.5, "7", False, None])
def test_seed_and_start_are_whole_numbers(name, value):
    with pytest.raises(ReaderError, match=f"{name} must be a whole number of at least 0; got"):
        faces(4, **{name: value})


def test_single_precision_throughout(monkeypatch):
    """Double precision would be slower, and where it begins would depend on the version of NumPy."""
    seen = set()
    lay = drawn_faces._Canvas.lay

    def watched(canvas, color, mask):
        seen.update({mask.dtype.name, *(part.dtype.name for part in color)})
        lay(canvas, color, mask)

    monkeypatch.setattr(drawn_faces._Canvas, "lay", watched)
    faces(2)
    assert seen == {"float32"}
