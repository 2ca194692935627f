"""Every notebook in JupyterLab, on one page, as a reader has it: opened as it was saved, run, every slider moved."""

import pytest
from panels import PANELS, every_notebook, every_panel, replaced


@every_notebook
def test_saved_panels_show_their_film_strip(notebook, path, in_jupyterlab):
    in_jupyterlab("saved notebook without a kernel")
    assert notebook.is_saved, "it has run: this test comes first"
    for cell in PANELS[path]:
        strip = notebook.cell(cell).locator(".jp-OutputArea-output img")
        strip.scroll_into_view_if_needed()
        assert strip.evaluate("strip => strip.naturalWidth * strip.naturalHeight") > 0
    assert notebook.faults() == []


@every_panel
def test_a_panel_can_be_run_again_at_the_end(path, cell):
    assert replaced(path, cell) == set()


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
        before = differs(before, panel.at_rest(), f"{name}, dragged", number)
        panel.press("ArrowLeft" if at_its_end(slider) else "ArrowRight")  # a dragged handle keeps the keyboard
        before = differs(before, panel.at_rest(), f"{name}, by an arrow key", number)
    for triangle in panel.triangles:
        spoken = [triangle.get_attribute("aria-valuetext")]
        triangle.locator(".lct-area").click()  # into its middle
        before = differs(before, panel.at_rest(), "triangle, clicked")
        spoken.append(triangle.get_attribute("aria-valuetext"))
        panel.press("ArrowUp")
        before = differs(before, panel.at_rest(), "triangle, by an arrow key")
        spoken.append(triangle.get_attribute("aria-valuetext"))
        assert len(set(spoken)) == 3
    assert panel.sliders or panel.triangles
    panel.output.screenshot(path=screenshots / f"lab_{executed.name}_{cell}.png")


def at_its_end(slider):
    handle = slider.locator(".noUi-handle")
    return handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")


def differs(before, after, move, slider=None):
    if slider is not None:
        assert after.readouts[slider] != before.readouts[slider], move
    assert after.picture != before.picture, move
    assert not before.text or after.text != before.text, move  # a panel may come without a line of text
    return after
