"""Panels follow their sliders, and say in words what a reader got wrong."""

import asyncio
import io

import ipywidgets as widgets
import pytest
import torch
from PIL import Image

import lossconditioning as lc
from lossconditioning.display import Slider, figure, show

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def shade(value: float) -> bytes:
    """A PNG whose grey tells the value in [0, 1]."""
    buffer = io.BytesIO()
    Image.new("L", (40, 20), round(255 * min(1, max(0, value)))).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def panel():
    return lc.explore(
        lambda a: (shade(a), {"twice": 2 * a}), a=lc.Slider(0.0, 1.0, 0.5, beyond=0.2), alt="a grey that grows with a"
    )


def test_set_renders_at_once_and_returns_the_picture(panel):
    assert panel.set(a=0.25) == shade(0.25) == panel.image
    assert panel.values == {"a": 0.25}
    assert panel.readouts == {"twice": 0.5}
    assert "0.5" in panel._text.value


def test_moving_the_slider_without_an_event_loop_renders_at_once(panel):
    panel._widgets["a"].value = 0.75
    assert panel.image == shade(0.75)


def test_fast_moves_collapse_into_the_last(panel):
    made = panel.frames

    async def drag():
        for step in range(20):
            panel._widgets["a"].value = 0.3 + step / 100
        await asyncio.sleep(0.1)

    asyncio.run(drag())
    assert panel.image == shade(0.49)
    assert panel.frames == made + 1


def test_recent_pictures_are_kept(panel):
    panel.set(a=0.1)
    made = panel.frames
    panel.set(a=0.9), panel.set(a=0.1)
    assert panel.frames == made + 1


def test_outside_the_trained_range_the_panel_says_so(panel):
    panel.set(a=1.2)
    assert "extrapolated" in panel._text.value
    panel.set(a=1.0)
    assert "extrapolated" not in panel._text.value


def test_a_readers_mistake_inside_render_is_shown_and_loses_nothing():
    def render(a):
        if a > 0.5:
            raise lc.ReaderError("no <picture> above one half")
        return shade(a)

    panel = lc.explore(render, a=lc.Slider(0.0, 0.4, 0.2, beyond=1.0), alt="grey")
    before = panel.image
    panel.set(a=0.6)
    assert panel.image == before
    assert "no &lt;picture&gt; above one half" in panel._text.value


@pytest.mark.parametrize(
    ("values", "message"), [({"b": 0.5}, "no slider 'b'"), ({"a": 1.3}, "from -0.2 to 1.2; got 1.3")]
)
def test_set_refuses_unknown_sliders_and_values_out_of_range(panel, values, message):
    with pytest.raises(lc.ReaderError, match=message):
        panel.set(**values)
    assert panel.values == {"a": 0.5}


def test_a_saved_panel_shows_its_film_strip(panel):
    bundle, metadata = panel._repr_mimebundle_()
    assert WIDGET_VIEW in bundle
    assert metadata["image/png"]["alt"] == "a grey that grows with a"
    strip = Image.open(io.BytesIO(bundle["image/png"])).convert("L")
    assert strip.size == (1200, 600)
    corners = [strip.getpixel((x, y)) for y in (10, 590) for x in (10, 1190)]
    assert corners == pytest.approx([0, 85, 170, 255], abs=3)


def test_log_sliders_step_on_the_log_scale():
    slider = lc.Slider(0.5, 512.0, value=16.0, log=True, beyond=0.1)
    control = slider.widget("beta")
    assert [slider.position(share) for share in (0, 0.5, 1)] == pytest.approx([0.5, 16, 512])
    assert slider.ends == pytest.approx((0.25, 1024))
    assert 10**control.min == pytest.approx(0.25)


def test_a_slider_reaches_both_of_its_ends():
    for slider in (
        lc.Slider(0, 1, 0.5, beyond=0.25),
        lc.Slider(-3, -1, -2),
        lc.Slider(0.1, 10, 1, log=True, beyond=0.3),
    ):
        for end in slider.ends:
            assert slider.check("α", end) == end
            outside = end + 1e-6 * (1 if end == slider.ends[1] else -1)
            with pytest.raises(lc.ReaderError, match="goes from"):
                slider.check("α", outside)


@pytest.mark.parametrize("bad", [(1.0, 0.0, 0.5), (0.0, float("inf"), 1.0), (0.0, 1.0, 2.0)])
def test_sliders_need_a_range_and_a_start_within_it(bad):
    with pytest.raises(lc.ReaderError):
        lc.Slider(*bad)


def test_panels_and_figures_need_words():
    made, _ = figure()
    with pytest.raises(lc.ReaderError, match="alt text"):
        lc.explore(shade, value=lc.Slider(0, 1, 0.5), alt=" ")
    with pytest.raises(lc.ReaderError, match="caption"):
        show(made, alt="something", caption="")
    with pytest.raises(lc.ReaderError, match="slider"):
        lc.explore(shade, alt="nothing to move")


def test_a_render_that_draws_no_picture_is_told_so():
    panel = lc.explore(lambda a: shade(a) if a < 0.9 else None, a=lc.Slider(0.0, 1.0, 0.5), alt="grey", strip=1)
    panel.set(a=0.95)
    assert "returned None" in panel._text.value


def test_an_error_while_dragging_is_shown():
    def render(a):
        return shade(a) if a < 0.9 else shade("no number")

    panel = lc.explore(render, a=lc.Slider(0.0, 1.0, 0.5), alt="grey", strip=1)

    async def drag():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        panel._widgets["a"].value = 0.95
        await asyncio.sleep(0.1)

    asyncio.run(drag())
    assert "TypeError" in panel._text.value


def test_a_panel_renders_on_one_thread_and_gives_the_others_back():
    seen, before = [], torch.get_num_threads()

    def render(a):
        seen.append(torch.get_num_threads())
        return shade(a)

    lc.explore(render, a=lc.Slider(0.0, 1.0, 0.5), alt="grey")
    assert set(seen) == {1}
    assert torch.get_num_threads() == before


def test_a_panel_describes_itself_to_who_can_not_see_it(panel):
    texts = [child.value for child in panel.widget.children if isinstance(child, widgets.HTML)]
    assert any("a grey that grows with a" in text for text in texts)
    assert any("role='status'" in text for text in texts)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"low": "a"}, "low is a number; got 'a'"),
        ({"value": None}, "value is a number; got None"),
        ({"steps": 0}, "steps must be"),
        ({"beyond": -0.5}, "beyond is a share"),
    ],
)
def test_what_a_slider_is_not(bad, message):
    with pytest.raises(lc.ReaderError, match=message):
        lc.Slider(**{"low": 0.0, "high": 1.0, "value": 0.5, **bad})


def test_a_panel_names_the_controls_there_are():
    with pytest.raises(
        lc.ReaderError, match=r"a is steered by a Slider, a Triangle, a Menu or an Upload.*got \(0, 1\)"
    ):
        lc.explore(shade, a=(0, 1), alt="grey")


def test_a_panel_of_photographs_is_saved_in_all_colours():
    panel = lc.explore(lambda a: shade(a), a=Slider(0.0, 1.0, 0.5), alt="a grey", photographs=True, columns=1, strip=3)
    bundle, metadata = panel._repr_mimebundle_()
    assert Image.open(io.BytesIO(bundle["image/jpeg"])).size == (1200, 1800)
    assert metadata == {"image/jpeg": {"alt": "a grey"}}
    assert "image/png" not in bundle


@pytest.mark.parametrize(
    ("slider", "printed"),
    [
        (Slider(0, 1, 0.0, beyond=0.25), ".2f"),
        (Slider(0, 1, 0.5, steps=24), ".2f"),
        (Slider(0, 10, 5.0), ".1f"),
        (Slider(0, 1000, 5.0, steps=1500), ".1f"),
        (Slider(4, 40, 28, steps=36), ".0f"),
        (Slider(0.5, 512, 16, log=True), ".3g"),
    ],
    ids=str,
)
def test_a_slider_prints_as_many_digits_as_its_steps_need(slider, printed):
    """So every step shows, and what rounding leaves of 0 does not."""
    assert slider.widget("a").readout_format == printed
    if not slider.log:
        step = (slider.high - slider.low) / slider.steps
        values = [format(slider.low + i * step, printed) for i in range(slider.steps + 1)]
        assert len(set(values)) == len(values)
