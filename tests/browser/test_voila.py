"""The play panel of every notebook as an app, served by Voilà."""

import time
from importlib.metadata import version

import pytest
from playwright.sync_api import expect
from serving import apps_by_voila

from lossconditioning.apps import write_apps
from lossconditioning.notebooks import notebook_paths

# A picture's bytes, once they are all there; again where the next picture takes its place meanwhile.
BYTES = """async (picture) => {
    for (;;) try {
        await picture.decode();
        return Array.from(new Uint8Array(await (await fetch(picture.src)).arrayBuffer()));
    } catch { await new Promise(resolve => setTimeout(resolve, 50)); }
}"""


@pytest.fixture(scope="session")
def voila(browser, tmp_path_factory):
    """A server with the app of every notebook; gives its address."""
    home = tmp_path_factory.mktemp("voila")
    with apps_by_voila(write_apps(home / "apps"), home) as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in notebook_paths()])
def test_an_app_shows_its_panel_and_a_slider_changes_the_picture(name, voila, page, screenshots, record_property):
    browser = page.context.browser.version
    what = "the play panel as an app; a slider changes the picture"
    record_property("front_end", [f"Voilà {version('voila')}, Chromium {browser}", what])
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.goto(f"{voila}/voila/render/{name}.ipynb", timeout=180_000)
    picture = page.locator("img.widget-image")
    expect(picture).to_be_visible(timeout=180_000)
    assert "import lossconditioning" not in page.inner_text("body")

    slider = page.locator(".widget-slider:has([role=slider])").first
    value, before = slider.locator(".widget-readout").inner_text(), picture.evaluate(BYTES)
    slider.locator("[role=slider]").press("Home")
    expect(slider.locator(".widget-readout")).not_to_have_text(value)
    until = time.monotonic() + 60
    while picture.evaluate(BYTES) == before:
        assert time.monotonic() < until, "the picture stays as it was"
        page.wait_for_timeout(200)
    page.screenshot(path=screenshots / f"voila_{name}.png")
