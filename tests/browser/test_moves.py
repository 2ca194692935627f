"""Moves in quick succession, of every kind of control: the panel ends on the last one, as if each had been waited for."""

from functools import partial

import pytest
from panels import each, where


def slide(panel):
    """From a slider's lower end 20 steps up."""
    panel.press("Home")
    return 20 * [partial(panel.press, "ArrowRight")]


def choose(panel):
    """To the second entry of a list and back to the first, in turn, and in the end to the third."""
    choose = panel.output.locator("select").select_option  # not by arrow keys, which JupyterLab takes for its cells
    return [partial(choose, index=index) for index in [*9 * [1, 0], 1, 2]]


def click(panel):
    """The first preset and the second, in turn."""
    panel.at_rest()  # the buttons stay where they are
    buttons = panel.output.locator(".jupyter-button:not(.widget-upload, .jupyter-widget-upload)").all()[:2]
    buttons[-1].scroll_into_view_if_needed()
    boxes = [button.bounding_box() for button in buttons]
    return 10 * [partial(panel.page.mouse.click, box["x"] + 5, box["y"] + 5) for box in boxes]


# A number, one on a logarithmic scale, one with a fine picture after the quick one; a name, a picture, several sliders at once.
# Each by words of the alt text of a panel that has it.
KINDS = {
    "slider": (slide, "One network's output over x"),
    "logarithmic": (slide, "Histogram of the first of two Dirichlet weights"),
    "refined": (slide, "A photograph and its painting: at α = 0"),
    "menu": (choose, "Six generated faces"),
    "upload": (choose, "where the bits of the file go"),
    "presets": (click, "A face with a hole"),
}


@pytest.fixture(autouse=True)
def reported(in_jupyterlab):
    in_jupyterlab("20 fast moves of every kind of control end on the last")


@each("path, kind", [(where(words)[0], kind) for kind, (_, words) in KINDS.items()])
def test_fast_moves_end_on_the_last_value(executed, kind):
    moves, words = KINDS[kind]
    panel = executed.panel(where(words)[1])
    ends = []
    for is_waited_for in (False, True):
        panel.renew()  # so that no picture of the fast way is kept for the slow one
        steps = moves(panel)
        start = panel.at_rest()
        assert len(steps) == 20
        for move in steps:
            move()
            if is_waited_for:
                panel.answered()
        end = panel.at_rest()
        assert end.picture != start.picture
        assert (end.readouts, end.choices) != (start.readouts, start.choices)
        if moves is slide:
            assert not start.text or end.text != start.text  # a panel may come without a line of text
        ends.append(end)
    fast, slow = ends
    assert fast == slow
