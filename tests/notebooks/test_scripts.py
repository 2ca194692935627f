"""Notebooks as scripts: what nbconvert and jupytext make of each of them is Python, in a .py file."""

import ast
import re
from pathlib import Path

import jupytext
import pytest
from nbconvert import ScriptExporter
from nbformat.v4 import new_code_cell, new_notebook

from lossconditioning import notebooks

PATHS = notebooks.notebook_paths()
ALL = pytest.mark.parametrize(
    "path", PATHS + notebooks.solution_paths(PATHS), ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def script(path: Path) -> str:
    """What ``jupyter nbconvert --to script`` writes."""
    text, resources = ScriptExporter().from_filename(str(path))
    assert resources["output_extension"] == ".py"
    return text


@ALL
def test_nbconvert_makes_a_script(path):
    ast.parse(script(path))


@ALL
@pytest.mark.parametrize("form", ["py:percent", "py:light", "py:hydrogen", "py:sphinx"])
def test_jupytext_makes_a_script(path, form):
    text = jupytext.writes(notebooks.read(path), fmt=form)
    if form == "py:hydrogen":  # it keeps magics, for an editor that knows them
        text = re.sub(r"^(\s*)%", r"\1# %", text, flags=re.MULTILINE)
    ast.parse(text)


@pytest.mark.parametrize("form", ["py:percent", "py:light"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_script_becomes_the_notebook_again(path, form):
    """The magic of the setup cell included."""
    lesson = notebooks.read(path)
    again = jupytext.reads(jupytext.writes(lesson, fmt=form), fmt=form)
    sources = [[c.source.strip() for c in nb.cells if c.cell_type == "code"] for nb in (lesson, again)]
    assert sources[0][0] in sources[1]


def test_what_a_run_writes_becomes_a_script_too(tmp_path):
    path = tmp_path / "mine.ipynb"
    notebooks.save(notebooks.clean(new_notebook(cells=[new_code_cell("1 + 1")])), path)
    assert "1 + 1" in script(path)
