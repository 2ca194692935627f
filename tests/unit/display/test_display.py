"""Panels follow their sliders, figures carry alt text, the environment check says exactly what to do."""

import asyncio
import io

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image

import lossconditioning as lc
from lossconditioning import environment
from lossconditioning.display import LiveFigure, Slider, figure, film_strip, png, show
from lossconditioning.environment import Finding, Report, check_environment
from lossconditioning.systems import toy

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


def test_a_live_figure_redraws_like_a_fresh_one():
    def stage(height):
        made, (axis,) = figure(size=(4, 2))
        (line,) = axis.plot([0, 1], [height, height])
        axis.set(xlim=(0, 1), ylim=(0, 1))
        return made, line

    made, line = stage(0.2)
    live = LiveFigure(made, [line])
    live.frame()
    line.set_ydata([0.8, 0.8])
    moved = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    fresh = np.asarray(Image.open(io.BytesIO(png(stage(0.8)[0]))).convert("RGB"), dtype=int)
    assert np.abs(moved - fresh).mean() < 1
    assert np.abs(moved - np.asarray(Image.open(io.BytesIO(png(stage(0.2)[0]))).convert("RGB"))).mean() > 1


def test_a_live_figures_still_parts_change_when_it_is_told():
    made, (axis,) = figure(size=(4, 2))
    line, still = axis.plot([0, 1], [0.2, 0.2], [0, 1], [0.5, 0.5])
    live = LiveFigure(made, [line])
    before = live.frame()
    still.set_ydata([0.9, 0.9])
    assert live.frame() == before
    live.redraw()
    assert live.frame() != before


def test_a_live_figure_puts_pictures_where_imshow_does():
    content = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)

    def stage(pixels):
        made, (left, right) = figure(2, size=(5, 2.3))
        right.plot([0, 1])
        left.set_title("a picture")
        return made, left.imshow(pixels, interpolation="nearest")

    made, shown = stage(np.full_like(content, 255))
    live = LiveFigure(made, [shown])
    shown.set_data(content)
    pasted = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    drawn = np.asarray(Image.open(io.BytesIO(png(stage(content)[0]))).convert("RGB"), dtype=int)
    # Of 500 columns and 230 rows, a shift by one pixel would change a fifth of the picture by 80 or more.
    assert (np.abs(pasted - drawn).max(axis=2) > 40).mean() < 0.03


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (np.linspace(0, 1, 64).reshape(8, 8), {"cmap": "viridis"}),
        (np.random.default_rng(0).random((8, 8, 3)), {}),
        (np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8), {"origin": "lower"}),
        (np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8), {"zoom": (2, 5)}),
    ],
    ids=["numbers", "floats", "first row at the bottom", "zoomed in"],
)
def test_a_live_figure_leaves_other_pictures_to_matplotlib(content, options):
    zoom = options.pop("zoom", None)

    def stage(pixels):
        made, (axis,) = figure(size=(3, 3))
        shown = axis.imshow(pixels, interpolation="nearest", **options)
        if zoom:
            axis.set(xlim=zoom, ylim=zoom[::-1])
        return made, shown

    made, shown = stage(np.zeros_like(content))
    shown.set_clim(0, 1)
    live = LiveFigure(made, [shown])
    shown.set_data(content)
    moved = np.asarray(Image.open(io.BytesIO(live.frame())).convert("RGB"), dtype=int)
    drawn = np.asarray(Image.open(io.BytesIO(png(stage(content)[0]))).convert("RGB"), dtype=int)
    assert (np.abs(moved - drawn).max(axis=2) > 40).mean() < 0.03


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


def test_controls_are_sliders_or_uploads():
    with pytest.raises(lc.ReaderError, match=r"a is steered by a Slider, a Menu or an Upload.*got \(0, 1\)"):
        lc.explore(shade, a=(0, 1), alt="grey")


def test_film_strips_stack_rows():
    strip = Image.open(io.BytesIO(film_strip([shade(0), shade(0.5), shade(1)], width=200, columns=2)))
    assert strip.size == (200, 100)


def test_the_toy_panel_shows_the_network_it_was_given():
    network = toy.build(toy.Config("panel", seeds=1)).member(0)
    panel = toy.play(network)
    left = panel.set(s1=0.0)
    assert panel.set(s1=1.0) != left
    x, y_r, y_c = toy.sym_toy(801)
    with torch.no_grad():
        values = toy.losses(network(x, torch.tensor([[1.0, 0.0]]).expand(801, 2)), y_r, y_c)
    assert panel.readouts["L regression"] == pytest.approx(float(values["regression"].mean()))
    assert panel.readouts["regret"] == pytest.approx(float(values["regression"].mean()), abs=1e-6)
    panel.set(s1=1.2)
    assert panel.readouts["regret"] == "not defined"


def test_the_environment_check_ends_in_one_green_line(monkeypatch):
    monkeypatch.setattr(environment, "_network", lambda: Finding("network", "offline"))
    report = check_environment("smoke")
    assert report.ready
    assert str(report).splitlines()[-1].startswith("✔ Ready.")
    with pytest.raises(lc.ReaderError, match="profile 'huge'"):
        check_environment("huge")


def test_the_environment_check_ends_in_exact_advice(monkeypatch):
    monkeypatch.setattr(environment, "free_memory_gb", lambda: 0.5)
    report = Report([environment._memory("demo"), Finding("torch", "2.0", False, 'Run: pip install "torch>=2.6".')])
    assert report.verdict.startswith("✘ Not ready yet: (1) Free some memory: 4 GiB are needed, 0.5 are free.")
    assert report.verdict.endswith('(2) Run: pip install "torch>=2.6".')
    assert "✘" in report._repr_html_()


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
