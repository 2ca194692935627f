"""The panel: two pictures, what a generator between theirs paints, and its width."""

import io
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from driven_panels import buttons
from PIL import Image
from small_hyper import SMALL, shaken, some

from lossconditioning import ReaderError
from lossconditioning.display import to_bytes
from lossconditioning.systems.hyper_singan.applications import blended
from lossconditioning.systems.hyper_singan.panel import _SEED, _TURN, ENLARGED, WIDEST, play
from lossconditioning.systems.hyper_singan.pyramid import noises, resized, scaled
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.training.randomness import generator

SIDE = 32
HEIGHT, WIDTH = 20, 27
PICTURES = dict(zip(("hill", "lake", "sea"), (some(3, (HEIGHT, WIDTH)) + 1) / 2, strict=True))
STILL = {"noise_0": 0.0, "noise_1": 0.0, "share_0": 1.0, "share_1": 1.0, "width": 1.0}


@pytest.fixture(scope="module")
def model():
    made = shaken(build(SMALL["dataset"]))
    made.amplitudes[1] = 0.3
    return made


@pytest.fixture(scope="module")
def made(model):
    return play(model, PICTURES, side=SIDE, strip=2)


@pytest.fixture
def panel(made):
    """The panel where it starts."""
    made.set(**STILL, picture="hill", other="lake")
    return made


def code(model, picture):
    with torch.no_grad():
        return model.code(resized(picture[None] * 2 - 1, (SIDE, SIDE)))


def painted(model, shares=(1.0, 1.0), turns=(0.0, 0.0), width=WIDTH, one="hill", other="lake"):
    """What the generators paint, as it stands on the canvas."""
    grid = scaled(model.grid, (HEIGHT, width))
    ends = [noises(grid, 1, generator(_SEED, number)) for number in range(2)]
    turns = [_TURN * turn for turn in turns]
    noise = [math.cos(turn) * a + math.sin(turn) * b for turn, a, b in zip(turns, *ends, strict=True)]
    with torch.no_grad():
        weights = blended(code(model, PICTURES[one]), code(model, PICTURES[other]), list(shares), model)
        picture = (model.generate(weights, noise)[-1] + 1) / 2
    larger = F.interpolate(picture, scale_factor=ENLARGED, mode="bilinear")[0].clamp(0, 1)
    return to_bytes(larger).astype(int)


def shown(panel):
    """The pictures on show: A, B and what is painted; drawn again, for the frame may be one that was kept."""
    frame, _ = panel.render(**panel.values)
    assert frame == panel.image
    stage = panel.render.__self__
    return [np.asarray(place.get_array()).astype(int) for place in (*stage.small, stage.painted)]


def assert_painted(panel, expected):
    canvas = shown(panel)[2]
    height, width = expected.shape[:2]
    assert canvas.shape == (round(ENLARGED * HEIGHT), int(round(ENLARGED * WIDTH) * WIDEST), 3)
    assert np.abs(canvas[:, :width] - expected).max() <= 1
    assert height == canvas.shape[0]
    assert (canvas[:, width:] == 255).all()


def test_controls_are_noise_and_share_of_each_scale_the_width_and_two_pictures(panel):
    names = ["share_0", "share_1", "noise_0", "noise_1", "width", "picture", "other"]
    assert list(panel.controls) == names
    assert panel.controls["noise_0"].label == "noise, scale 1, coarsest"
    assert panel.controls["share_1"].label == "A's generator, scale 2, finest"
    assert (panel.values["picture"].name, panel.values["other"].name) == ("hill", "lake")
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG, in all colours
    assert np.asarray(Image.open(io.BytesIO(panel.image))).shape[1] > ENLARGED * WIDTH * WIDEST


def test_at_the_start_it_is_a_sample_of_as_generator(panel, model):
    assert_painted(panel, painted(model))
    first, second, _ = shown(panel)
    assert np.array_equal(first, to_bytes(PICTURES["hill"]))
    assert np.array_equal(second, to_bytes(PICTURES["lake"]))
    assert panel.readouts == {
        "share of A's generator": "1.00 1.00",
        "noise": "0.00 0.00",
        "pixels": f"{WIDTH}×{HEIGHT}",
    }


def test_shares_blend_the_generators_scale_by_scale(panel, model):
    panel.set(share_0=0.0, share_1=0.4)
    assert_painted(panel, painted(model, (0.0, 0.4)))
    assert panel.readouts["share of A's generator"] == "0.00 0.40"
    panel.set(share_1=0.0)
    assert_painted(panel, painted(model, one="lake"))  # B's alone


def test_noise_moves_along_a_circle_so_that_it_stays_as_loud(panel, model):
    panel.set(noise_0=1.0)
    assert_painted(panel, painted(model, turns=(1.0, 0.0)))
    panel.set(noise_0=0.0, noise_1=0.5)
    assert_painted(panel, painted(model, turns=(0.0, 0.5)))
    start = panel.set(noise_1=0.0)
    assert panel.set(noise_1=1.0) != start  # not once around


@pytest.mark.parametrize(("width", "pixels"), [(0.5, 14), (1.25, 34), (1.6, 43)])
def test_the_width_is_that_of_what_is_painted(width, pixels, panel, model):
    panel.set(width=width)
    assert_painted(panel, painted(model, width=pixels))


def test_every_control_makes_another_frame_and_equal_ones_the_same(panel):
    first, frames = panel.image, panel.frames
    moved = {
        "noise_0": 1.0,
        "noise_1": 1.0,
        "share_0": 0.5,
        "share_1": 0.5,
        "width": 0.5,
        "picture": "sea",
        "other": "sea",
    }
    found = {first, *(panel.set(**{name: value}) for name, value in moved.items())}
    assert len(found) == 8
    assert panel.set(**STILL, picture="hill", other="lake") == first
    again = play(panel.render.__self__.model, PICTURES, side=SIDE, strip=1)
    assert again.image == first  # another panel of the same
    assert panel.frames >= frames


def test_a_reader_brings_a_picture_of_another_shape(panel, model):
    own = (some(1, (60, 50), seed=9)[0] + 1) / 2
    panel.set(picture=own)
    first, _, canvas = shown(panel)
    assert first.shape == (HEIGHT, WIDTH, 3)  # cut to the training pictures' shape
    assert np.abs(canvas[:, : int(ENLARGED * WIDTH)] - painted(model)).max() > 1
    with pytest.raises(ReaderError, match=r"must have values in \[0, 1\]"):
        panel.set(picture=2 * own)


def test_presets_give_the_generators_of_both_and_of_one_at_some_scales(panel):
    panel.set(noise_0=1.0)
    for name, shares in (
        ("generator of B", [0, 0]),
        ("structure of A, texture of B", [1, 0]),
        ("structure of B, texture of A", [0, 1]),
        ("generator of A", [1, 1]),
    ):
        buttons(panel)[name].click()
        assert [panel.values[f"share_{scale}"] for scale in range(2)] == shares
        assert panel.values["noise_0"] == 1.0  # noise stays


def test_a_panel_that_can_not_be_made_is_said(model):
    with pytest.raises(ReaderError, match="two pictures or more; got 1"):
        play(model, {"hill": PICTURES["hill"]}, side=SIDE)
    with pytest.raises(ReaderError, match="a SinGAN's weights are its own"):
        play(build(SMALL["singan_0"]), PICTURES)
