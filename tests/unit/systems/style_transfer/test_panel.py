"""The panel over five weights shows what its painter paints, quickly while a slider moves, finely once it is still."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from small_painters import perceptual_loss, small_painter, small_paintings

from lossconditioning import ReaderError
from lossconditioning.datasets import photographs
from lossconditioning.painting import FULL, SIDES
from lossconditioning.systems import style_transfer

PHOTOGRAPHS = {name: p.float() / 255 for name, p in list(photographs().items())[:2]}
START = dict(zip(style_transfer.WEIGHTS, style_transfer.DEFAULT, strict=True))


@pytest.fixture(scope="module")
def styles():
    return small_paintings()


@pytest.fixture(scope="module")
def painter():
    return small_painter()


@pytest.fixture(scope="module")
def loss():
    return perceptual_loss()


@pytest.fixture(scope="module")
def made(painter, styles, loss):
    return style_transfer.play(painter, PHOTOGRAPHS, styles, loss)


@pytest.fixture
def panel(made, styles):
    """The panel where it starts."""
    made.set(**START, style=next(iter(styles)), second=list(styles)[-1], share=0.0, photograph="astronaut")
    return made


@pytest.fixture
def seen(painter):
    """What the painter is given: photographs' shapes, styles and weights."""
    given = []
    hook = painter.register_forward_pre_hook(lambda _, told: given.append((tuple(told[0].shape), *told[1:])))
    yield given
    hook.remove()


def test_the_panel_has_a_slider_for_every_weight_over_its_trained_range(panel, painter):
    for name, low, high in zip(style_transfer.WEIGHTS, painter.prior.low, painter.prior.high, strict=True):
        slider = panel.controls[name]
        assert (slider.low, slider.high) == pytest.approx((low.item(), high.item()))
        assert slider.log
        assert panel.values[name] == pytest.approx(START[name])
    assert next(iter(panel.controls)) == "content"
    assert Image.open(io.BytesIO(panel.image)).size[0] > 900


@pytest.mark.parametrize("weight", style_transfer.WEIGHTS)
def test_every_weight_changes_the_picture(weight, panel):
    first = panel.image
    moved = panel.set(**{weight: panel.controls[weight].high})
    assert moved != first
    assert panel.set(**{weight: panel.controls[weight].low}) not in (first, moved)
    assert panel.set(**{weight: START[weight]}) == first


def test_style_photograph_and_mixture_change_the_picture(panel, styles):
    first, names = panel.image, list(styles)
    pictures = [first, panel.set(style=names[5])]
    for changed in ({"share": 0.9}, {"second": names[9]}, {"photograph": "chelsea"}, {"share": 0.0}):
        pictures.append(panel.set(**changed))
    assert len(set(pictures)) == len(pictures)
    assert panel.set(second=names[3]) == pictures[-1]  # a share of nothing


def test_a_readers_own_picture_is_painted_like_the_same_given_one(panel):
    given = panel.set(photograph="chelsea")
    assert panel.set(photograph=PHOTOGRAPHS["chelsea"].clone()) == given
    assert panel.set(photograph=torch.rand(3, 90, 50)) != given


@pytest.mark.parametrize(("half", "side"), [(True, 128), (False, 96), (True, 192)])
def test_a_dragged_picture_is_small_and_in_bfloat16_where_that_is_faster(
    half, side, painter, styles, loss, monkeypatch
):
    module = sys.modules[style_transfer.play.__module__]
    monkeypatch.setattr(module, "bfloat16_pays", lambda: True)
    monkeypatch.setattr(module, "faster_in_half", lambda compute: compute() is not None and half)
    monkeypatch.setattr(module, "in_time", lambda paint: paint(side) is not None and side)
    computed = []
    hook = painter.network[0].convolution.register_forward_hook(
        lambda _, given, found: computed.append((given[0].shape[-1], found.dtype))
    )
    made = style_transfer.play(painter, PHOTOGRAPHS, styles, loss)
    computed.clear()
    made.set(content=3.1)
    quick = made.image
    made.settle()
    hook.remove()
    assert computed == [(side, torch.bfloat16 if half else torch.float32), (FULL, torch.float32)]
    assert made.image != quick
    assert (SIDES, FULL) == ((192, 128, 96), 256)


def test_bfloat16_is_not_tried_where_the_processor_has_none(painter, styles, loss, monkeypatch):
    module = sys.modules[style_transfer.play.__module__]
    monkeypatch.setattr(module, "bfloat16_pays", lambda: False)
    monkeypatch.setattr(module, "faster_in_half", lambda compute: pytest.fail("19 times as slow"))
    style_transfer.play(painter, PHOTOGRAPHS, styles, loss)


def test_lambda_stands_in_every_still_frame(panel):
    stage = panel.render.__self__
    panel.set(content=7.5, style_2=2e-4)
    assert [text.get_text() for text in stage.asked] == [""] * 5
    panel.settle()
    said = dict(zip(style_transfer.WEIGHTS, (text.get_text() for text in stage.asked), strict=True))
    assert said == {
        "style_1": "λ = 0.001",
        "style_2": "λ = 0.0002",
        "style_3": "λ = 0.001",
        "style_4": "λ = 0.01",
        "content": "λ = 7.5",
    }


def test_still_pictures_stand_beside_one_another_pixel_by_pixel(panel):
    panel.settle()
    frame, stage = np.asarray(Image.open(io.BytesIO(panel.image)), dtype=int), panel.render.__self__
    for shown in stage.shown:
        left, bottom, right, top = np.round(shown.get_window_extent().extents).astype(int)
        assert (right - left, top - bottom) == (FULL, FULL)
        there = frame[len(frame) - top : len(frame) - bottom, left:right]
        # The paintings of this test are smaller, and enlarged; the photograph and what is painted are as they are.
        if shown is not stage.shown[1]:
            assert np.abs(there - shown.get_array().astype(int)).mean() < 8


def test_the_painter_is_told_what_the_sliders_say(made, styles, painter, seen):
    names = list(styles)
    made.set(
        content=7.5, style_1=2e-4, style_2=3e-4, style_3=4e-4, style_4=5e-3, style=names[4], second=names[8], share=0.3
    )
    seen.clear()
    made.settle()
    ((_, style, lam),) = seen
    assert lam.tolist() == [pytest.approx([2e-4, 3e-4, 4e-4, 5e-3, 7.5])]
    torch.testing.assert_close(style[0], 0.7 * painter.styles[4] + 0.3 * painter.styles[8])


@pytest.mark.parametrize("mixed", [False, True])
def test_the_readouts_are_the_losses_of_the_fine_picture(mixed, panel, painter, loss, styles):
    panel.set(second=list(styles)[8], share=0.25 if mixed else 0.0)
    assert dict(panel.readouts) == {}
    panel.settle()
    photograph = panel.controls["photograph"].pictures["astronaut"].pixels[None]
    first, other = (loss.style_targets(styles[name][None].float() / 255) for name in list(styles)[:9:8])
    targets = tuple(torch.lerp(a, b, 0.25) for a, b in zip(first, other, strict=True)) if mixed else first
    described = torch.lerp(painter.styles[:1], painter.styles[8:9], 0.25) if mixed else painter.styles[:1]
    with torch.no_grad():
        painted = painter(photograph, described, torch.tensor([style_transfer.DEFAULT]))
    expected = style_transfer.painted_terms(loss, painted, loss.content_targets(photograph), targets)
    said = dict(panel.readouts)
    assert said.pop("losses by") == "vgg16 with fixed random filters"
    assert said == pytest.approx({name.replace("_", " "): value.item() for name, value in expected.items()}, rel=1e-4)
    assert "vgg16 with fixed random filters" in panel._text.value


def test_buttons_are_within_the_ranges_and_have_pictures_of_their_own(panel):
    assert style_transfer.PRESETS["default"] == style_transfer.DEFAULT
    pictures = set()
    for lam in style_transfer.PRESETS.values():
        pictures.add(panel.set(**dict(zip(style_transfer.WEIGHTS, lam, strict=True))))
        assert "outside" not in panel._text.value
    assert len(pictures) == len(style_transfer.PRESETS)


def test_a_panel_can_be_made_under_the_papers_ranges_too(styles, loss):
    panel = style_transfer.play(small_painter(ranges="paper"), PHOTOGRAPHS, styles, loss)
    for name, ends in zip(style_transfer.WEIGHTS, style_transfer.RANGES["paper"], strict=True):
        assert (panel.controls[name].low, panel.controls[name].high) == ends


def test_the_panel_refuses_styles_it_does_not_have(panel):
    with pytest.raises(ReaderError, match="no style 'mona_lisa'"):
        panel.set(style="mona_lisa")
    with pytest.raises(ReaderError, match=r"'content' goes from 0.1 to 100"):
        panel.set(content=1000.0)


def test_a_saved_panel_shows_paintings_with_growing_content(made):
    strip = np.asarray(Image.open(io.BytesIO(made.still)).convert("RGB"), dtype=int)
    third = strip.shape[0] // 3
    first, second, last = strip[:third], strip[third : 2 * third], strip[2 * third :]
    assert min(np.abs(first - second).mean(), np.abs(second - last).mean()) > 0.5
    assert Image.open(io.BytesIO(made.still)).format == "JPEG"
