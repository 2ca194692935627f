"""The play panel of every notebook as an app, served by Voilà."""

import time
from importlib.metadata import version

import pytest
from app_servers import app_server
from playwright.sync_api import expect
from serving import served

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
    """A server with the app of every notebook."""
    home = tmp_path_factory.mktemp("voila")
    write_apps(home / "apps")
    with app_server(home / "apps", home) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in notebook_paths()])
def test_an_app_shows_its_panel_and_a_slider_changes_the_picture(name, voila, page, screenshots, record_property):
    browser = page.context.browser.version
    what = "the play panel as an app; a slider changes the picture"
    record_property("front_end", [f"Voilà {version('voila')}, Chromium {browser}", what])
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.goto(voila.link, timeout=180_000)
    page.goto(f"{voila.link.partition('?')[0]}voila/render/{name}.ipynb", timeout=180_000)
    picture = page.locator("img.widget-image")
    expect(picture).to_be_visible(timeout=180_000)
    assert "import lossconditioning" not in page.inner_text("body")

    control = page.locator("[role=slider]").first  # the handle of a slider, or the field of a triangle
    value, before = control.get_attribute("aria-valuetext"), picture.evaluate(BYTES)
    now, least = (control.get_attribute(f"aria-value{which}") for which in ("now", "min"))
    first = "lct-field" in control.get_attribute("class") or now == least  # a triangle's Home is the first corner
    control.press("End" if first else "Home")  # where it does not stand
    expect(control).not_to_have_attribute("aria-valuetext", value)
    until = time.monotonic() + 60
    while picture.evaluate(BYTES) == before:
        assert time.monotonic() < until, "the picture stays as it was"
        page.wait_for_timeout(200)
    page.screenshot(path=screenshots / f"voila_{name}.png")
    assert voila.kernels() == 1
    page.close(run_before_unload=True)
    voila.wait_for(kernels=0, seconds=20)  # far sooner than idle ones go


@pytest.mark.slow
def test_other_peoples_pages_start_nothing(voila, page, tmp_path):
    """A page from elsewhere, seen by somebody who is logged in, asks for an app in every way that a page can."""
    page.goto(voila.link)
    name = notebook_paths()[0].stem
    app = f"{voila.link.partition('?')[0]}voila/render/{name}.ipynb"
    ways = [f'<img src="{app}?{number}">' for number in range(20)]
    ways += [
        f'<iframe src="{app}"></iframe>',
        f'<link rel="stylesheet" href="{app}">',
        f'<script src="{app}"></script>',
    ]
    (tmp_path / "index.html").write_text("".join(ways), "utf-8")
    with served(tmp_path) as elsewhere:
        for address in (elsewhere, elsewhere.replace("127.0.0.1", "localhost")):  # another site, and another port
            page.goto(address, wait_until="networkidle")
            page.wait_for_timeout(1000)
            assert voila.kernels() == 0
