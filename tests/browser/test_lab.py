"""Every notebook in JupyterLab, as a reader has it: opened, run, every slider moved by keyboard and by mouse."""

from importlib.metadata import version

import pytest
from lab import panel_cells

from lossconditioning.notebooks import notebook_paths

PANELS = [pytest.param(path, cell, id=f"{path.stem}-{cell}") for path in notebook_paths() for cell in panel_cells(path)]


def every_panel(fixture):
    """A test of each panel, whose notebook a fixture opens: once, for the scope keeps the tests of one notebook together."""
    return pytest.mark.parametrize((fixture, "cell"), PANELS, indirect=[fixture], scope="session")


@pytest.fixture(autouse=True)
def reported(browser, record_property):
    front_end = f"JupyterLab {version('jupyterlab')}, Chromium {browser.version}"
    record_property("front_end", [front_end, "run all cells; every slider by keyboard and mouse"])


@pytest.mark.parametrize("executed", notebook_paths(), ids=lambda path: path.stem, indirect=True, scope="session")
def test_runs_without_error_and_shows_every_widget(executed):
    assert executed.faults() == []


@every_panel("executed")
def test_every_slider_answers_mouse_and_keyboard(executed, cell, screenshots):
    panel = executed.panel(cell)
    before = panel.at_rest()
    for number, slider in enumerate(panel.sliders):
        name = panel.name(number)
        panel.drag(number)
        before = differs(before, panel.at_rest(), number, f"{name}, dragged")
        panel.press("ArrowLeft" if at_its_end(slider) else "ArrowRight")  # a dragged handle keeps the keyboard
        before = differs(before, panel.at_rest(), number, f"{name}, by an arrow key")
    panel.output.screenshot(path=screenshots / f"lab_{executed.name}_{cell}.png")


def at_its_end(slider):
    handle = slider.locator(".noUi-handle")
    return handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")


def differs(before, after, number, move):
    assert after.readouts[number] != before.readouts[number], move
    assert after.picture != before.picture, move
    assert not before.text or after.text != before.text, move  # a panel may come without a line of text
    return after


@every_panel("executed")
def test_fast_moves_end_on_the_last_value(executed, cell):
    panel = executed.panel(cell)
    ends = []
    for every in (0.0, 0.25):
        panel.renew()  # so that no picture of the fast way is kept for the slow one
        panel.press("Home")
        start = panel.at_rest()
        panel.press("ArrowRight", times=20, every=every)
        ends.append(differs(start, panel.at_rest(), 0, "20 moves"))
    fast, slow = ends
    assert fast == slow
