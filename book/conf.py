"""The course as a static site: `make book` (Sphinx, myst-nb, sphinx-book-theme).

Nothing is executed: the pages show the outputs that the committed notebooks keep. The sources are copied into the source
folder, build/book-src, in the repository's own layout, so that every relative link in them holds here too.
"""

import re
import shutil
from pathlib import Path

import nbformat
from sphinx.errors import ConfigError

from lossconditioning import notebooks
from lossconditioning.records import repository

ROOT = Path(__file__).parents[1]

project = "One network, every trade-off"
author = "The lossconditioning authors"
html_title = project
language = "en-GB"

# sphinx_mathjax_offline brings MathJax along, so that formulas need no network.
extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # links to headings, as code-hosting pages name them
nb_execution_mode = "off"
nb_merge_streams = True
exclude_patterns = ["README.md"]  # the front page includes it

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_theme_options = {
    "repository_url": repository(),
    "use_repository_button": True,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "navbar_persistent": [],  # search stands in the sidebar already
}
html_show_copyright = False


def setup(app):
    app.connect("config-inited", gather)


def gather(app, _config):
    """Copy what the book is made of into Sphinx's source folder."""
    source = Path(app.srcdir)
    if any(source.iterdir()):  # it may be somebody's own folder
        raise ConfigError(f"The book's source folder is filled anew and must be empty; {source} is not. Use: make book")
    shutil.copy2(ROOT / "book" / "index.md", source)
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        text = re.sub(r"README\.md(?=[#)])", "index.md", page.read_text("utf-8"))  # the README is the front page
        place(page, source).write_text(text, "utf-8")
    for picture in (ROOT / "data" / "assets").iterdir():
        if picture.suffix in (".png", ".jpg"):
            shutil.copy2(picture, place(picture, source))
    lessons = notebooks.notebook_paths()
    for path in [*lessons, *notebooks.solution_paths(lessons)]:
        nbformat.write(with_alt_text(notebooks.read(path)), place(path, source))


def place(path, source):
    """Where a file of the repository stands in the source folder; makes the folders on the way."""
    target = source / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def with_alt_text(notebook):
    """Alt text stands in the metadata of an output; myst-nb reads it from the metadata of the cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get(notebooks.picture_kind(output), {}).get("alt")
            if alt:
                cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return notebook
