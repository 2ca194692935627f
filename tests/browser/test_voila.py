"""The play panel of every notebook as an app, served by Voilà."""

import os
import socket
import subprocess
import time
import urllib.request
from contextlib import closing, suppress
from importlib.metadata import version

import pytest
from playwright.sync_api import expect

from lossconditioning.apps import voila_command, write_apps
from lossconditioning.notebooks import notebook_paths

# A picture's bytes, once they are all there; again where the next picture takes its place meanwhile.
BYTES = """async (picture) => {
    for (;;) try {
        await picture.decode();
        return Array.from(new Uint8Array(await (await fetch(picture.src)).arrayBuffer()));
    } catch { await new Promise(resolve => setTimeout(resolve, 50)); }
}"""


@pytest.fixture(scope="module")
def voila(browser, tmp_path_factory):
    """A server with the app of every notebook; gives its address."""
    home = tmp_path_factory.mktemp("voila")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = voila_command(write_apps(home / "apps"), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}")
    with open(home / "log", "w+", encoding="utf-8") as log:
        server = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 60
            while not answers(address):
                ended = server.poll() is not None or time.monotonic() > until
                assert not ended, (home / "log").read_text("utf-8")
                time.sleep(0.1)
            yield address
        finally:
            server.terminate()  # takes the kernels with it
            server.wait(60)


def answers(address):
    with suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
        return answer.status == 200
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in notebook_paths()])
def test_an_app_shows_its_panel_and_a_slider_changes_the_picture(name, voila, page, screenshots, record_property):
    browser = page.context.browser.version
    what = "the play panel as an app; a slider changes the picture"
    record_property("front_end", [f"Voilà {version('voila')}, Chromium {browser}", what])
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.goto(f"{voila}/voila/render/{name}.ipynb")
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
