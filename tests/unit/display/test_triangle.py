"""The triangle of three weights: what it refuses, what it hands on, what it tells its front end, its place in a panel."""

import asyncio
import html
import io
import re

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from driven_panels import STILL, buttons, run
from PIL import Image

import lossconditioning as lc
from lossconditioning.display import Menu, Slider, Triangle, Upload, explore

THIRD = pytest.approx((1 / 3, 1 / 3, 1 / 3))


def mixed(weights, scale=1.0, side=4, **_):
    """A PNG whose colour tells the weights, and how bright it is the scale."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), tuple(round(255 * scale * weight) for weight in weights)).save(buffer, "PNG")
    return buffer.getvalue()


def move(panel, *weights: float, mark: str = "a") -> None:
    """What the front end does when the reader moves the point."""
    panel._widgets["weights"]._sent.set_state({"value": " ".join([*map(str, weights), mark])})


def told(panel) -> tuple[tuple[float, ...], str]:
    """The weights that the front end was told last, and the mark of the move that this answers."""
    weights, mark = re.search(
        r'data-weights="(.*?)" data-answers="(.*?)"', panel._widgets["weights"]._told.value
    ).groups()
    return tuple(map(float, weights.split())), mark


@pytest.fixture
def panel():
    return explore(mixed, weights=Triangle(("sharp", "smooth", "small")), alt="a colour")


# Values -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [(0.5, 0.5, 0), [0.2, 0.3, 0.5], torch.tensor([0.1, 0.2, 0.7]), np.array([0, 0, 1]), (1 - 0.7 - 0.3, 0.7, 0.3)],
    ids=str,
)
def test_a_value_is_three_floats_that_sum_to_one(value):
    taken = Triangle().check("weights", value)
    assert isinstance(taken, tuple)
    assert taken == pytest.approx(tuple(map(float, value)), abs=1e-7)
    assert all(isinstance(weight, float) and 0 <= weight <= 1 for weight in taken)
    assert sum(taken) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ((0.5, 0.6, 0.0), r"got \(0.5, 0.6, 0.0\), which sum to 1.1. Divide them by their sum."),
        ((0.333, 0.333, 0.333), "which sum to 0.999"),
        ((1.2, -0.2, 0.0), "Set what is negative or not finite to 0 or more"),
        ((float("nan"), 0.5, 0.5), "not finite"),
        ((float("inf"), 0.0, 0.0), "not finite"),
        ((0.5, 0.5), r"got \(0.5, 0.5\). Name one number for each of sharp, smooth, small"),
        ("abc", "Name one number for each"),
        (("0.5", "0.5", "0"), "Name one number for each"),
        ((True, False, False), "Name one number for each"),
        (torch.eye(3), "Name one number for each"),
        (0.5, "got 0.5"),
        (None, "got None"),
    ],
    ids=str,
)
def test_other_values_are_refused_with_what_to_do(panel, value, said):
    with pytest.raises(lc.ReaderError, match=said) as refused:
        panel.set(weights=value)
    assert "Triangle 'weights' takes three weights of 0 or more that sum to 1" in str(refused.value)
    assert panel.values == {"weights": THIRD}
    with pytest.raises(lc.ReaderError, match="three weights"):
        Triangle(value=value)


@pytest.mark.parametrize(
    "names", [("A", "B"), ("A", "B", "B"), ("A", "B", 3), ("A", " ", "C"), "ABC", (), ("A", "B", "C", "D")], ids=str
)
def test_a_triangle_needs_three_different_names(names):
    with pytest.raises(lc.ReaderError, match=r"three different names, one for each corner.*got"):
        Triangle(names)


def test_its_steps_are_a_whole_number():
    with pytest.raises(lc.ReaderError, match="steps must be a whole number"):
        Triangle(steps=0)


def test_values_drawn_anywhere_are_spread_evenly():
    drawn = np.array([Triangle().anywhere() for _ in range(3000)])
    assert drawn.min() >= 0
    assert drawn.sum(axis=1) == pytest.approx(np.ones(3000))
    # Of Dirichlet(1, 1, 1): each weight is 1/3 on average, with a variance of 1/18. Six standard errors.
    assert drawn.mean(axis=0) == pytest.approx(np.full(3, 1 / 3), abs=6 * (1 / 18 / 3000) ** 0.5)
    assert drawn.var(axis=0) == pytest.approx(np.full(3, 1 / 18), rel=0.15)


# Film-strips --------------------------------------------------------------------------------------------------------------


def test_a_film_strip_walks_round_the_triangle_and_ends_in_its_middle():
    a, b, c = np.eye(3)
    assert Triangle().positions(1) == [(1, 0, 0)]
    assert Triangle().positions(3) == [tuple(a), tuple(b), tuple(c)]
    assert Triangle().positions(4) == [tuple(a), tuple(b), tuple(c), THIRD]
    around = [a, (a + b) / 2, b, (b + c) / 2, c, (c + a) / 2]
    assert np.allclose(Triangle().positions(7), [*around, np.full(3, 1 / 3)])
    for count in range(1, 12):
        positions = Triangle().positions(count)
        assert len(set(positions)) == count
        assert all(sum(weights) == pytest.approx(1) and min(weights) >= 0 for weights in positions)


def test_a_saved_panel_shows_the_corners_and_the_middle(panel):
    bundle, _ = panel._repr_mimebundle_()
    strip = Image.open(io.BytesIO(bundle["image/png"])).convert("RGB")
    width, height = strip.size
    seen = [strip.getpixel((x * width // 4, y * height // 4)) for y in (1, 3) for x in (1, 3)]
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (85, 85, 85)]
    assert np.abs(np.array(seen) - wanted).max() <= 3
    assert panel.image == mixed((1 / 3, 1 / 3, 1 / 3))


# The front end ------------------------------------------------------------------------------------------------------------


def test_a_move_makes_a_picture_and_is_answered(panel):
    assert told(panel) == (THIRD, "")
    move(panel, 0.25, 0.25, 0.5, mark="x1")
    assert panel.values == {"weights": (0.25, 0.25, 0.5)}
    assert panel.image == mixed((0.25, 0.25, 0.5))
    assert told(panel) == ((0.25, 0.25, 0.5), "x1")
    made = panel.frames
    move(panel, 0.25, 0.25, 0.5, mark="x2")  # there again, before the kernel had heard that it was away
    assert told(panel) == ((0.25, 0.25, 0.5), "x2")
    assert panel.frames == made


def test_what_a_program_sets_is_told_to_the_front_end_once(panel, monkeypatch):
    move(panel, 0.0, 1.0, 0.0, mark="x1")
    said = []
    for widget in panel._widgets["weights"].children:
        monkeypatch.setattr(widget, "_send", lambda message, buffers=None: said.append(message["state"]))
    assert panel.set(weights=(0.5, 0.5, 0)) == mixed((0.5, 0.5, 0))
    assert told(panel) == ((0.5, 0.5, 0), "x1")
    assert [list(state) for state in said] == [["value"]]


def test_its_picture_is_not_drawn_anew(panel):
    picture = panel._widgets["weights"]._picture
    before = picture.value
    move(panel, 0.0, 1.0, 0.0)
    panel.set(weights=(1, 0, 0))
    assert picture.value == before


def test_it_is_made_of_core_widgets():
    """Which every front end has: a widget of our own would need a script installed beside Jupyter."""
    left, seen = [Triangle().widget("weights")], set()
    while left:
        widget = left.pop()
        left += getattr(widget, "children", ())
        seen.add((widget._model_module, widget._view_module))
    assert seen == {("@jupyter-widgets/controls", "@jupyter-widgets/controls")}


def test_names_and_label_are_text_and_nothing_else():
    triangle = Triangle(("<b>", 'a"b', "x & y"), label="<i>'s")
    picture = triangle.widget("weights")._picture
    assert picture.description == "<i>'s"
    assert f'aria-label="{html.escape(triangle.label)}"' in picture.value
    for name in triangle.names:
        assert picture.value.count(f">{html.escape(name)}") == 2  # at its corner and beside its weight
    assert "$" not in re.sub(r'onanimationstart=".*?"', "", picture.value, flags=re.DOTALL)
    assert Triangle().widget("weights")._picture.description == "weights"


# In a panel ---------------------------------------------------------------------------------------------------------------


def test_it_goes_together_with_every_other_control():
    seen = []

    def render(weights, scale, picture, tone):
        seen.append((weights, scale, picture.name, tone))
        return mixed(weights, scale)

    panel = explore(
        render,
        scale=Slider(0.0, 1.0, 1.0),
        weights=Triangle(value=(0, 0, 1)),
        picture=Upload({"night": torch.zeros(3, 4, 4), "day": torch.ones(3, 4, 4)}),
        tone=Menu(["one", "other"]),
        presets={"left": {"weights": (0, 1, 0), "scale": 0.5, "picture": "day"}},
        alt="a colour",
    )
    assert seen[-1] == ((0, 0, 1), 1.0, "night", "one")
    move(panel, 0.5, 0.5, 0.0)
    assert seen[-1] == ((0.5, 0.5, 0), 1.0, "night", "one")
    made = panel.frames
    buttons(panel)["left"].click()
    assert seen[-1] == ((0, 1, 0), 0.5, "day", "one")
    assert panel.frames == made + 1
    assert told(panel)[0] == (0, 1, 0)
    panel._widgets["scale"].value = 0.25
    assert seen[-1] == ((0, 1, 0), 0.25, "day", "one")
    labels = [panel._widgets[name].style.description_width for name in ("scale", "tone")]
    assert {panel._widgets["weights"]._picture.style.description_width, *labels} == {"8ch"}


def test_surprises_go_anywhere_in_it():
    panel = explore(mixed, weights=Triangle(), presets={"middle": {"weights": (1 / 3, 1 / 3, 1 / 3)}}, alt="a colour")
    seen = set()
    for _ in range(20):
        buttons(panel)["surprise me"].click()
        seen.add(panel.values["weights"])
        assert told(panel)[0] == panel.values["weights"]
    assert len(seen) == 20


def test_a_preset_outside_the_triangle_is_refused_at_once():
    with pytest.raises(lc.ReaderError, match="sum to 2"):
        explore(mixed, weights=Triangle(), presets={"all": {"weights": (1, 1, 0)}}, alt="a colour")


def test_amid_a_drag_the_last_weights_win_and_the_fine_picture_comes_at_rest():
    panel = explore(mixed, weights=Triangle(), refine=lambda weights: mixed(weights, side=8), alt="a colour")
    made = panel.frames

    async def drag():
        for step in range(1, 11):
            move(panel, step / 10, 1 - step / 10, 0.0, mark=f"m{step}")
        await asyncio.sleep(STILL / 2)
        quick, frames = panel.image, panel.frames
        await asyncio.sleep(4 * STILL)
        return quick, frames

    assert run(drag()) == (mixed((1, 0, 0)), made + 1)
    assert panel.image == mixed((1, 0, 0), side=8)
    assert told(panel) == ((1, 0, 0), "m10")


def test_weights_that_look_alike_are_one_picture(panel):
    panel.set(weights=(0.1, 0.2, 0.7))
    made = panel.frames
    panel.set(weights=torch.tensor([0.1, 0.2, 0.7]))
    assert panel.frames == made


def test_a_triangle_can_be_compared_and_is_exported():
    assert Triangle() == Triangle(value=[1 / 3, 1 / 3, 1 / 3])
    assert hash(Triangle()) == hash(Triangle(["A", "B", "C"]))
    assert lc.Triangle is Triangle
    assert isinstance(Triangle().widget("weights"), widgets.ValueWidget)
