"""The triangle of three weights in JupyterLab: by mouse, by finger, by keys, by program; beside a slider and an upload."""

import pytest
from playwright.sync_api import expect
from triangles import SET, TRIANGLE, TrianglePanel

NAMES = ("reconstruction", "style", "smoothness")
MIDDLE = (33.3, 33.3, 33.3)
HALF = (50, 50, 0)
CELLS = "() => jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.type)"
CLOSE = """() => [...jupyterapp.shell.widgets("main")]
    .filter(widget => widget.node.querySelector(".jp-LinkedOutputView")).forEach(widget => widget.dispose())"""
ACTIVE = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"

pytestmark = pytest.mark.parametrize("path", [TRIANGLE], ids=lambda path: path.stem)


@pytest.fixture
def panel(executed, in_jupyterlab):
    """The panel at its start: all weights alike."""
    in_jupyterlab("a triangle of three weights: mouse, touch, keys, program")
    panel = TrianglePanel(executed)
    panel.renew()
    return panel


def agrees(panel, percents, tolerance=0.06):
    """Whether handle, readouts, spoken text and the kernel's picture are all of these weights; gives the panel's state."""
    state = panel.at_rest()
    weights = panel.weights(state)
    assert panel.percents() == pytest.approx(percents, abs=tolerance)
    assert [100 * weight for weight in weights] == pytest.approx(panel.percents(), abs=0.06)
    assert panel.spoken() == ", ".join(
        f"{name} {percent:g} %" for name, percent in zip(NAMES, panel.percents(), strict=True)
    )
    assert [" ".join(readout.split()) for readout in panel.readouts()] == panel.spoken().split(", ")
    assert panel.handle() == pytest.approx(panel.place(*weights), abs=1)
    return state


def test_dragging(panel, screenshots):
    mouse, start = panel.page.mouse, agrees(panel, MIDDLE)
    mouse.move(*panel.handle())
    mouse.down()
    mouse.move(*panel.place(0.5, 0.25, 0.25), steps=6)
    first = agrees(panel, (50, 25, 25), tolerance=1.01)
    mouse.move(*panel.place(0.1, 0.2, 0.7), steps=6)
    second = agrees(panel, (10, 20, 70), tolerance=1.01)
    assert len({start.picture, first.picture, second.picture}) == 3
    mouse.move(*panel.place(-0.2, 0.6, 0.6), steps=3)  # below the lower side
    agrees(panel, (0, 50, 50), tolerance=1.01)
    assert panel.percents()[0] == 0
    mouse.move(*panel.place(1.2, -0.1, -0.1), steps=3)
    agrees(panel, (100, 0, 0))
    mouse.up()
    mouse.move(*panel.place(0.1, 0.2, 0.7))
    agrees(panel, (100, 0, 0))  # let go
    mouse.click(*panel.place(0.2, 0.4, 0.4))
    agrees(panel, (20, 40, 40), tolerance=1.01)
    mouse.click(*panel.place(0.2, 0.4, 0.4), button="right")
    panel.press("Escape")  # the context menu
    panel.output.screenshot(path=screenshots / "triangle.png")


def test_a_finger_drags_too(panel):
    session = panel.page.context.new_cdp_session(panel.page)

    def touch(kind, *weights):
        points = [dict(zip("xy", panel.place(*weights), strict=True))] if weights else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    scrolled = panel.handle()
    touch("touchStart", 0.3, 0.3, 0.4)
    for share in (0.4, 0.5, 0.6, 0.7, 0.8):
        touch("touchMove", share, (1 - share) / 2, (1 - share) / 2)
    touch("touchEnd")
    agrees(panel, (80, 10, 10), tolerance=1.01)
    panel.field.press("0")
    assert panel.handle() == pytest.approx(scrolled, abs=1)  # the page stays where it was


KEYS = {
    "1": (100, 0, 0),
    "2": (0, 100, 0),
    "3": (0, 0, 100),
    "Home": (100, 0, 0),
    "End": (0, 0, 100),
    "3 0": MIDDLE,
    "4": MIDDLE,
    "ArrowRight": (33.3, 32.3, 34.3),
    "ArrowLeft": (33.3, 34.3, 32.3),
    "ArrowUp": (34.3, 32.8, 32.8),
    "ArrowDown": (32.3, 33.8, 33.8),
    "Shift+ArrowRight": (33.3, 23.3, 43.3),
    "Shift+ArrowUp": (43.3, 28.3, 28.3),
    "ArrowRight ArrowLeft ArrowUp ArrowDown": MIDDLE,
    "3 Shift+ArrowRight": (0, 0, 100),
    "3 Shift+ArrowUp": (10, 0, 90),  # along the side
    "1 ArrowUp ArrowLeft ArrowRight": (100, 0, 0),
    "1 Shift+ArrowDown": (90, 5, 5),
    "Control+ArrowRight": MIDDLE,  # the page's
}


def test_keys(panel):
    cells, active = panel.page.evaluate(CELLS), panel.page.evaluate(ACTIVE)
    middle = panel.at_rest().picture
    panel.field.focus()
    for keys, percents in KEYS.items():
        panel.press("0")
        for key in keys.split():
            panel.press(key)
        assert (agrees(panel, percents).picture == middle) == (percents == MIDDLE), keys
    # JupyterLab has commands for most of these keys: digits make headings, two zeros restart the kernel.
    assert (panel.page.evaluate(CELLS), panel.page.evaluate(ACTIVE)) == (cells, active)
    assert panel.page.locator(".jp-Dialog").count() == 0
    panel.press("Tab")
    assert not panel.field.evaluate("field => field === document.activeElement")
    panel.press("Shift+Tab")
    assert panel.field.evaluate("field => field === document.activeElement")


def test_what_a_screen_reader_is_told(panel):
    told = {
        name: panel.field.get_attribute(name) for name in ("role", "aria-label", "aria-roledescription", "tabindex")
    }
    assert told == {
        "role": "slider",
        "aria-label": "weights λ",
        "aria-roledescription": "triangle",
        "tabindex": "0",
    }
    assert panel.spoken() == "reconstruction 33.3 %, style 33.3 %, smoothness 33.3 %"
    panel.output.get_by_role("button", name="half and half").click()
    agrees(panel, HALF)
    assert panel.spoken() == "reconstruction 50 %, style 50 %, smoothness 0 %"
    bounds = [panel.field.get_attribute(f"aria-value{end}") for end in ("min", "now", "max")]
    assert bounds == ["0", "50", "100"]
    assert "Arrow keys move it" in panel.field.get_attribute("title")


def test_who_has_the_keyboard_is_seen(panel):
    ring = "field => getComputedStyle(field.querySelector('.lct-focus')).visibility"
    panel.field.blur()
    assert panel.field.evaluate(ring) == "hidden"
    panel.field.focus()
    assert panel.field.evaluate(ring) == "visible"


def test_nothing_is_cut_off_where_there_is_little_room(panel):
    panel.page.set_viewport_size({"width": 640, "height": 1000})
    try:
        panel.at_rest()
        room = panel.output.bounding_box()
        assert room["width"] < 300
        for part in panel.output.locator(".lct-corner, .lct-area, .lct-readout b").all():
            box = part.bounding_box()
            assert room["x"] <= box["x"]
            assert box["x"] + box["width"] <= room["x"] + room["width"], part.inner_text()
        panel.page.mouse.click(*panel.place(0, 0, 1))
        agrees(panel, (0, 0, 100))
    finally:
        panel.page.set_viewport_size({"width": 1280, "height": 1000})


def test_fast_moves_end_on_the_last(panel):
    panel.field.focus()
    for _ in range(20):
        panel.press("ArrowRight")
    agrees(panel, (33.3, 13.3, 53.3))
    for _ in range(30):
        panel.press("ArrowLeft")
    agrees(panel, (33.3, 43.3, 23.3))


def test_what_a_program_sets_moves_the_handle_and_takes_no_focus(panel):
    panel.field.press("2")
    agrees(panel, (0, 100, 0))
    panel.output.get_by_role("button", name="half and half").click()
    agrees(panel, HALF)
    panel.field.press("ArrowUp")  # on from there
    agrees(panel, (51, 49, 0))
    kernel = "code => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}).done"
    panel.page.evaluate(f"async code => {{ await ({kernel})(code); }}", SET)
    agrees(panel, (10, 20, 70))
    assert panel.field.evaluate("field => field === document.activeElement")


def test_a_second_view_of_the_panel_follows(panel):
    """JupyterLab's Create New View for Cell Output."""
    panel.field.press("3")
    agrees(panel, (0, 0, 100))
    panel.notebook.command("notebook:create-output-view")
    other = panel.page.locator(".jp-LinkedOutputView .lct-field")
    try:
        expect(other).to_have_attribute("aria-valuetext", panel.spoken())
        other.press("1")
        expect(panel.field).to_have_attribute("aria-valuetext", other.get_attribute("aria-valuetext"))
        panel.field.press("2")
        expect(other).to_have_attribute("aria-valuetext", panel.spoken())
    finally:
        panel.page.evaluate(CLOSE)
    agrees(panel, (0, 100, 0))


def test_it_goes_together_with_a_slider_and_an_upload(panel):
    panel.field.press("2")
    start = panel.at_rest()
    assert start.text.endswith("light: 1")
    panel.sliders[0].locator(".noUi-handle").press("Home")
    dark = panel.at_rest()
    assert dark.text.endswith("light: 0")
    panel.sliders[0].locator(".noUi-handle").press("End")
    assert panel.at_rest().picture == start.picture
    panel.output.locator("select").select_option("night")
    assert agrees(panel, (0, 100, 0)).text.endswith("light: 0.5")
    panel.field.press("1")
    assert agrees(panel, (100, 0, 0)).text.endswith("light: 0.5")
