"""Rows of what generators paint: what stands where, and what is said of pictures that do not do."""

import numpy as np
import pytest
import torch
from small_hyper import GRID, SMALL, of_gains, shaken, some

from lossconditioning import ReaderError
from lossconditioning.display import png, to_bytes
from lossconditioning.systems.hyper_singan import figures
from lossconditioning.systems.hyper_singan.applications import blended, injected, sample, within
from lossconditioning.systems.hyper_singan.measures import unit
from lossconditioning.systems.hyper_singan.pyramid import noises, resized
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.training.randomness import generator as generator_of

WIDEST = 9.5  # inches of a notebook's column
SIDE = 32
SIZE = (20, 27)
PICTURES = dict(zip(("hill", "lake", "sea"), (some(3, SIZE) + 1) / 2, strict=True))


@pytest.fixture(scope="module")
def model():
    return shaken(build(SMALL["full"])).eval()


def shown(made):
    """The pictures of a grid, from left to right, line by line."""
    return [np.asarray(axis.images[0].get_array()) for axis in made.axes]


def code(model, picture):
    with torch.no_grad():
        return model.code(resized(picture[None] * 2 - 1, (SIDE, SIDE)))


def painted(model, picture, seed):
    with torch.no_grad():
        return to_bytes(unit(sample(model, model.weights(code(model, picture)), 1, seed))[0])


# Samples ------------------------------------------------------------------------------------------------------------------


def test_the_generators_of_a_picture_are_written_from_what_the_embedding_sees(model):
    found, expected = figures.written(model, PICTURES["hill"], SIDE), model.weights(code(model, PICTURES["hill"]))
    assert len(found) == 2
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in other)
        assert not any(value.requires_grad for value in one.values())


def test_each_model_has_a_row_for_each_sample_below_the_pictures(model):
    other = shaken(build(SMALL["full"]), seed=5).eval()
    made = figures.samples_figure({"ours": model, "another": other}, PICTURES, SIDE, count=2)
    assert len(made.axes) == 5 * 3
    assert [axis.get_ylabel() for axis in made.axes[::3]] == ["picture", "ours", "", "another", ""]
    assert [axis.get_title(loc="center") for axis in made.axes[:3]] == list(PICTURES)
    found = shown(made)
    for column, picture in enumerate(PICTURES.values()):
        np.testing.assert_array_equal(found[column], to_bytes(picture))
        for row, (network, seed) in enumerate(((model, 0), (model, 1), (other, 0), (other, 1)), 1):
            np.testing.assert_array_equal(found[3 * row + column], painted(network, picture, seed))
    assert png(made).startswith(b"\x89PNG")


def test_generators_of_their_own_picture_share_rows():
    own = {name: of_gains(0.2 * number, -0.3) for number, name in enumerate(PICTURES, 1)}
    made = figures.samples_figure(own, PICTURES, SIDE, count=2)
    assert [axis.get_ylabel() for axis in made.axes[::3]] == ["picture", "", ""]
    for column, (name, picture) in enumerate(PICTURES.items()):
        np.testing.assert_array_equal(shown(made)[6 + column], painted(own[name], picture, 1))


def test_samples_of_nothing_are_refused(model):
    for models, pictures, said in (({}, PICTURES, "0 and 3"), ({"ours": model}, {}, "1 and 0")):
        with pytest.raises(ReaderError, match=f"Give one model and one picture or more; got {said}"):
            figures.samples_figure(models, pictures, SIDE)
    with pytest.raises(ReaderError, match="count must be"):
        figures.samples_figure({"ours": model}, PICTURES, SIDE, count=0)


# Blends -------------------------------------------------------------------------------------------------------------------


def test_a_blend_goes_from_a_to_b_from_each_scale_on_under_one_noise(model):
    one, other = PICTURES["hill"], PICTURES["lake"]
    made = figures.interpolation_figure(model, one, other, range(2), steps=3, side=SIDE, seed=4)
    assert len(made.axes) == 2 * 3
    assert [axis.get_ylabel() for axis in made.axes[::3]] == ["from scale 1", "from scale 2"]
    assert [axis.get_title(loc="center") for axis in made.axes[:3]] == ["α = 1.0", "α = 0.5", "α = 0.0"]
    noise, codes, found = (
        noises(model.grid, 1, generator_of(4, 87)),
        (code(model, one), code(model, other)),
        shown(made),
    )
    for row in range(2):
        for column, alpha in enumerate((1.0, 0.5, 0.0)):
            with torch.no_grad():
                weights = blended(*codes, [alpha if scale >= row else 1.0 for scale in range(2)], model)
                expected = unit(model.generate(weights, noise)[-1])[0]
            np.testing.assert_array_equal(found[3 * row + column], to_bytes(expected))
    np.testing.assert_array_equal(found[0], found[3])
    assert not np.array_equal(found[2], found[5])


def test_what_can_not_be_blended_is_said(model):
    two = PICTURES["hill"], PICTURES["lake"]
    with pytest.raises(ReaderError, match="A SinGAN's weights are its own"):
        figures.interpolation_figure(of_gains(0.5, 0.2), *two, [0], side=SIDE)
    with pytest.raises(ReaderError, match="start is a scale from 0 to 1, or 2 for none; got 3"):
        figures.interpolation_figure(model, *two, [3], side=SIDE)
    with pytest.raises(ReaderError, match="Give one scale or more"):
        figures.interpolation_figure(model, *two, [], side=SIDE)
    with pytest.raises(ReaderError, match="steps must be"):
        figures.interpolation_figure(model, *two, [0], steps=0, side=SIDE)


# Edits --------------------------------------------------------------------------------------------------------------------


def edit(name, other, size=SIZE):
    mask = torch.zeros(size)
    mask[5:15, 5:20] = 1
    original, changed = (resized(PICTURES[which][None], size)[0] for which in (name, other))
    return original, torch.where(mask.bool(), changed, original), mask


def test_an_edit_has_its_original_above_and_is_painted_anew_below(model):
    edits = {"a sea in the hill": edit("hill", "sea"), "larger": edit("lake", "sea", (40, 54))}
    made = figures.edits_figure(model, edits, 1, SIDE, loud=0.5)
    assert len(made.axes) == 3 * 2
    assert [axis.get_ylabel() for axis in made.axes[::2]] == ["original", "changed by hand", "painted anew"]
    assert [axis.get_title(loc="center") for axis in made.axes[:2]] == list(edits)
    assert made.get_figwidth() <= WIDEST
    found = shown(made)
    for column, (original, changed, mask) in enumerate(edits.values()):
        np.testing.assert_array_equal(found[column], to_bytes(original))
        np.testing.assert_array_equal(found[2 + column], to_bytes(changed))
        given = resized(2 * changed[None] - 1, SIZE)
        with torch.no_grad():
            weights = model.weights(code(model, original))
            mixed = within(injected(model, weights, given, 1, loud=0.5), given, resized(mask[None, None], SIZE)[0, 0])
        np.testing.assert_array_equal(found[4 + column], to_bytes(unit(mixed)[0]))
    anew, by_hand = found[4].astype(int), found[2].astype(int)
    assert abs(anew - by_hand)[8:12, 8:16].max() > 0
    assert abs(anew - by_hand)[:, 26:].max() <= 1  # outside of the mask, but for rounding


def test_edits_that_do_not_do_are_refused(model):
    original, changed, mask = edit("hill", "sea")
    with pytest.raises(ReaderError, match="Give one edit or more"):
        figures.edits_figure(model, {}, 1, SIDE)
    with pytest.raises(ReaderError, match=r"A mask is \(H, W\); got \(1, 20, 27\) for 'mine'"):
        figures.edits_figure(model, {"mine": (original, changed, mask[None])}, 1, SIDE)
    with pytest.raises(ReaderError, match="start is a scale from 1 to 1; got 2"):
        figures.edits_figure(model, {"mine": (original, changed, mask)}, 2, SIDE)


# Sizes --------------------------------------------------------------------------------------------------------------------


def test_other_sizes_are_shown_to_one_measure(model):
    shapes = [(20, 27), (20, 54), (40, 27)]
    made = figures.sizes_figure(model, PICTURES["hill"], shapes, SIDE, seed=2)
    assert [axis.get_title(loc="left") for axis in made.axes] == ["27×20", "54×20", "27×40"]
    weights = model.weights(code(model, PICTURES["hill"]))
    for axis, (height, width) in zip(made.axes, shapes, strict=True):
        picture = np.asarray(axis.images[0].get_array())
        assert picture.shape == (height, width, 3)
        with torch.no_grad():
            expected = unit(sample(model, weights, 1, 2, (height, width)))[0].permute(1, 2, 0)
        np.testing.assert_array_equal(picture, expected)
        assert axis.get_xlim() == (0, width)
        assert axis.get_ylim() == (0, height)
        assert tuple(axis.images[0].get_extent()) == (0, width, 0, height)
    assert made.get_figwidth() <= WIDEST
    for wrong, said in (([], "Give one size or more"), ([(20, 27), 30], r"A size is \(height, width\)")):
        with pytest.raises(ReaderError, match=said):
            figures.sizes_figure(model, PICTURES["hill"], wrong, SIDE)


# Pictures -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (some(1, SIZE), r"got \(1, 3, 20, 27\) of torch.float32"),
        (torch.rand(1, *SIZE), r"got \(1, 20, 27\)"),
        (torch.zeros(3, *SIZE, dtype=torch.uint8), r"got \(3, 20, 27\) of torch.uint8. Divide bytes by 255"),
    ],
)
def test_a_picture_that_does_not_do_is_refused_by_all(model, wrong, said):
    right, mask = PICTURES["hill"], torch.ones(SIZE)
    for draw in (
        lambda: figures.written(model, wrong, SIDE),
        lambda: figures.samples_figure({"ours": model}, {"mine": wrong}, SIDE),
        lambda: figures.interpolation_figure(model, right, wrong, [0], side=SIDE),
        lambda: figures.edits_figure(model, {"mine": (wrong, right, mask)}, 1, SIDE),
        lambda: figures.sizes_figure(model, wrong, [GRID[0]], SIDE),
    ):
        with pytest.raises(ReaderError, match=r"A picture is \(3, H, W\), numbers in \[0, 1\]; " + said):
            draw()
