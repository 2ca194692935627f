"""The book (`make book`) in a real browser: pages, pictures, links, search, formulas, with nothing fetched from outside."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from serving import served

from lossconditioning import notebooks

ROOT = Path(__file__).parents[2]
LESSONS = notebooks.notebook_paths()
BADGES = {"colab.research.google.com", "img.shields.io"}  # the only pictures that come from elsewhere
NOTEBOOK = pytest.mark.parametrize(
    "path", LESSONS + notebooks.solution_paths(LESSONS), ids=lambda p: f"{p.parent.name}/{p.stem}"
)


@pytest.fixture(autouse=True)
def reported(browser, record_property):
    front_end = f"book (Sphinx {version('sphinx')}), Chromium {browser.version}"
    record_property("front_end", [front_end, "pages, links, pictures, search, formulas"])


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The site, built as `make book` builds it: a warning is an error."""
    made = tmp_path_factory.mktemp("book")
    (made / "source").mkdir()
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d", "doctrees", "-c"]
    result = subprocess.run(
        [sys.executable, *command, ROOT / "book", "source", "site"],
        cwd=made,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return made / "site"


@pytest.fixture(scope="session")
def site(folder):
    with served(folder) as address:
        yield address


@pytest.fixture
def outside(page, site):
    """The hosts a page asks for anything but this site; they get no answer."""
    hosts = set()

    def route(request):
        if request.request.url.startswith((site, "data:", "blob:")):
            request.continue_()
        else:
            hosts.add(urlsplit(request.request.url).hostname)
            request.abort()

    page.route("**/*", route)
    return hosts


def address_of(site, path):
    return f"{site}/{path.relative_to(ROOT).with_suffix('.html').as_posix()}"


def test_every_page_opens_and_every_link_and_picture_resolves(page, outside, site, folder):
    errors, waiting, seen, links = [], [f"{site}/index.html"], {}, set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda answer: answer.ok or errors.append(f"{answer.status} {answer.url}"))
    while waiting:
        address = waiting.pop()
        page.goto(address, wait_until="load")
        seen[address] = set(page.eval_on_selector_all("[id]", "all => all.map(e => e.id)"))
        page.eval_on_selector_all("img", "all => Promise.all(all.map(i => i.decode().catch(() => null)))")
        assert not page.evaluate(BROKEN), address
        assert page.evaluate(WIDTH) <= 1280, address
        for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"):
            target, place = urldefrag(link)
            if target.startswith(site):
                target = f"{site}/index.html" if target == f"{site}/" else target
                links.add((address, target, unquote(place)))
                if target.endswith(".html") and target not in seen and target not in waiting:
                    waiting.append(target)
            else:
                assert urlsplit(link).scheme == "https", f"{link} on {address}"
    files = {target for _, target, _ in links if not target.endswith(".html")}
    assert not [target for target in files if page.request.head(target).status != 200]
    missing = [link for link in links if link[2] and link[1] in seen and link[2] not in seen[link[1]]]
    assert not missing
    assert not errors
    assert outside <= BADGES
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html") if "_static" not in path.parts}
    assert {address.removeprefix(f"{site}/") for address in seen} == made - {
        "genindex.html",
        "search.html",
    }  # no links lead there


WIDTH = "document.documentElement.scrollWidth"
# Pictures that did not load, the badges excepted.
BROKEN = """() => [...document.images].filter(i => i.naturalWidth == 0 && !i.alt.match(/^(Open in Colab|Source)$/))
                                       .map(i => i.src)"""


@NOTEBOOK
def test_pictures_have_the_alt_text_of_the_notebook(page, outside, site, screenshots, path):
    page.goto(address_of(site, path))
    expected = [
        output.metadata[kind]["alt"]
        for cell in notebooks.read(path).cells
        for output in cell.get("outputs", [])
        if (kind := notebooks.picture_kind(output))
    ]
    assert page.eval_on_selector_all(".cell_output img", "all => all.map(i => i.alt)") == expected
    page.screenshot(path=screenshots / f"book_{path.stem}_1280.png")
    if path in LESSONS:
        strip = page.locator(".cell_output img").first  # of the first panel
        strip.scroll_into_view_if_needed()
        assert strip.is_visible()
        assert strip.bounding_box()["width"] > 500
        page.screenshot(path=screenshots / f"book_{path.stem}.png")


@pytest.mark.parametrize("stem", ["01_sym_parameter_toy", "02_beta_vae"])
def test_formulas_are_typeset_without_a_network(page, outside, site, screenshots, stem):
    page.goto(f"{site}/notebooks/{stem}.html")
    page.wait_for_selector("mjx-container", state="attached")
    page.wait_for_function("MathJax.startup.promise.then(() => true)")
    sources = page.locator("span.math, div.math").count()
    shown = page.eval_on_selector_all("mjx-container", "all => all.map(m => m.getBoundingClientRect().width)")
    assert len(shown) == sources > 10
    assert min(shown) > 3
    assert page.locator("mjx-merror").count() == 0
    assert outside <= BADGES
    page.locator("div.math").last.screenshot(path=screenshots / f"book_{stem}_formula.png")


def test_search_finds_a_word_and_leads_to_its_page(page, outside, site, screenshots):
    page.goto(f"{site}/index.html")
    page.locator("button.search-button-field, button.search-button__button").locator("visible=true").first.click()
    field = page.locator("input[type=search]").locator("visible=true").first
    field.fill("hypervolume")
    field.press("Enter")
    page.wait_for_selector("#search-results li a")
    page.screenshot(path=screenshots / "book_search.png")
    found = page.locator("#search-results li > a")
    assert any("01_sym_parameter_toy" in link.get_attribute("href") for link in found.all())
    found.filter(has_text="every mix of two losses").first.click()
    page.wait_for_url("**/01_sym_parameter_toy.html*")
    assert page.get_by_text("hypervolume").first.is_visible()


def test_no_page_is_wider_than_a_small_window(page, outside, site, screenshots):
    page.set_viewport_size({"width": 420, "height": 1000})
    for name in ("index", *(f"notebooks/{path.stem}" for path in LESSONS)):
        page.goto(f"{site}/{name}.html")
        page.screenshot(path=screenshots / f"book_{Path(name).name}_420.png")
        assert page.evaluate(WIDTH) <= 420, name
