"""Every notebook in JupyterLab, on one page, as a reader has it: opened as it was saved, run, every slider moved."""

import pytest
from panels import PANELS, every_notebook, every_panel


@every_notebook
def test_saved_panels_show_their_film_strip(notebook, path, in_jupyterlab):
    in_jupyterlab("saved notebook without a kernel")
    assert notebook.is_saved, "it has run: this test comes first"
    for cell in PANELS[path]:
        strip = notebook.cell(cell).locator(".jp-OutputArea-output img")
        strip.scroll_into_view_if_needed()
        assert strip.evaluate("strip => strip.naturalWidth * strip.naturalHeight") > 0
    assert notebook.faults() == []


@pytest.fixture
def reported(in_jupyterlab):
    in_jupyterlab("run all cells; every slider by keyboard and mouse")


@every_notebook
def test_runs_without_error_and_shows_every_widget(reported, executed):
    assert executed.faults() == []


@every_panel
def test_every_slider_answers_mouse_and_keyboard(reported, executed, cell, screenshots):
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
