"""A real Chromium for the tests in this folder; without one they are skipped, and say so."""

import shutil
from pathlib import Path

import pytest

from lossconditioning.notebooks import notebook_folder

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A test server's browser needs no sandbox, and must not look for updates where there is no network.
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="session")
def browser():
    """Chromium, headless, driven by playwright."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium or Chrome is installed (looked for {', '.join(NAMES)})")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A fresh tab, 1280×1000 pixels."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def screenshots():
    """The folder for what the tests saw; looked at by people."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """JupyterLab on copies of the notebooks, to run, to time and to leave alone; gives the address of one of its pages."""
    from lab import empty_panel, jupyterlab

    home = tmp_path_factory.mktemp("jupyterlab")
    for copy in ("run", "timed", "saved"):
        shutil.copytree(notebook_folder(), home / "notebooks" / copy)
    (home / "notebooks/empty.ipynb").write_text(empty_panel(), "utf-8")
    with jupyterlab(home / "notebooks", home) as address:
        yield address


@pytest.fixture(scope="session")
def executed(request, browser, lab):
    """A notebook in JupyterLab after Run → Run All Cells; by the file's path."""
    from lab import Notebook

    notebook = Notebook(browser, lab, f"run/{request.param.name}")
    notebook.command("notebook:run-all-cells")
    yield notebook
    notebook.close()


@pytest.fixture(scope="session")
def timed(request, browser, lab):
    """A notebook in JupyterLab, run, on a page on which latency is measured; by the file's path."""
    from unwatched import TimedNotebook

    notebook = TimedNotebook(browser, lab, f"timed/{request.param.name}")
    yield notebook
    notebook.close()


@pytest.fixture(scope="session")
def empty(browser, lab):
    """The panel in JupyterLab that has its pictures already, beside which panels that compute theirs are timed."""
    from unwatched import TimedNotebook

    notebook = TimedNotebook(browser, lab, "empty.ipynb")
    yield notebook
    notebook.close()
