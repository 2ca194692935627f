"""A real Chromium for the tests in this folder; without one they are skipped, and say so."""

import shutil
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from lab import Notebook, empty_panel
from serving import jupyterlab
from triangles import TRIANGLE, triangle_panel
from unwatched import TimedNotebook

from lossconditioning.notebooks import notebook_folder

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A test server's browser needs no sandbox, and must not look for updates where there is no network.
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


def shared(nodeid):
    """What a test shares with others: a notebook's page in JupyterLab, or the server of its file."""
    file, _, place = nodeid.partition("::")
    if not file.endswith(("test_lab.py", "test_moves.py", "test_upload.py", "test_latency.py")):
        return file
    return place.partition("[")[2].rstrip("]").partition("-")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """What shares something comes one after the other; latency last, when nothing else has anything to do."""
    items.sort(key=lambda item: (item.path.name == "test_latency.py", shared(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With ``-n``: what shares something goes to one process."""
    from xdist.scheduler import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = shared
    return scheduler


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


@pytest.fixture
def in_jupyterlab(browser, record_property):
    """Says what a test has tried in JupyterLab."""
    front_end = f"JupyterLab {version('jupyterlab')}, Chromium {browser.version}"
    return lambda tried: record_property("front_end", [front_end, tried])


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """JupyterLab on a copy of the notebooks; gives the address of one of its pages."""
    home = tmp_path_factory.mktemp("jupyterlab")
    shutil.copytree(notebook_folder(), home / "notebooks")
    (home / "notebooks/empty.ipynb").write_text(empty_panel(), "utf-8")
    (home / "notebooks" / TRIANGLE).write_text(triangle_panel(), "utf-8")
    with jupyterlab(home / "notebooks", home) as address:
        yield address


class OneAtATime:
    """Opens a notebook, and closes the one before it."""

    def __init__(self, kind, *where):
        self.kind, self.where, self.opened = kind, where, None

    def __call__(self, path):
        if self.opened is None or self.opened.path != path:
            self.close()
            self.opened = self.kind(*self.where, path)
        return self.opened

    def close(self):
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.close()


@pytest.fixture(scope="session")
def notebooks(browser, lab):
    with closing(OneAtATime(Notebook, browser, lab)) as opened:
        yield opened


@pytest.fixture
def notebook(notebooks, path):
    """A notebook in JupyterLab: as it was saved, until a test wants it executed."""
    return notebooks(path)


@pytest.fixture
def executed(notebook):
    """The same after Run → Run All Cells."""
    if notebook.is_saved:
        notebook.run()
    return notebook


@pytest.fixture(scope="session")
def timed_notebooks(browser, lab):
    with closing(OneAtATime(TimedNotebook, browser, lab)) as opened:
        yield opened


@pytest.fixture
def timed(timed_notebooks, path):
    """A notebook in JupyterLab with its panels, on a page on which latency is measured."""
    return timed_notebooks(path)


@pytest.fixture(scope="session")
def empty(browser, lab):
    """The panel in JupyterLab that has its pictures already, beside which panels that compute theirs are timed."""
    with closing(TimedNotebook(browser, lab, Path("empty.ipynb"), [0])) as notebook:
        yield notebook
