"""A notebook's play panel as an app: the notebook up to its panel, without outputs, and what serves it."""

import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lossconditioning import ReaderError
from lossconditioning.apps import playground, voila_command, write_apps
from lossconditioning.notebooks import notebook_paths, read


def test_an_app_ends_at_the_first_panel():
    panel = new_output("display_data", data={"text/plain": "[slider panel] a grey", "image/png": ""})
    cells = [
        new_markdown_cell("# A title\n\n| goals | … |"),
        new_code_cell("import torch", execution_count=1),
        new_code_cell("panel", execution_count=2, outputs=[panel]),
        new_code_cell("more", execution_count=3, outputs=[panel]),
    ]
    app = playground(new_notebook(cells=cells))
    assert [cell.source for cell in app.cells] == ["# A title", "import torch", "panel"]
    assert [(cell.outputs, cell.execution_count) for cell in app.cells[1:]] == [([], None)] * 2


def test_a_notebook_without_a_panel_is_no_app():
    with pytest.raises(ReaderError, match="no slider panel; execute it first"):
        playground(new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell("1 + 1")]))


def test_every_notebook_has_an_app_and_earlier_ones_go(tmp_path):
    (tmp_path / "99_earlier.ipynb").touch()
    assert [path.name for path in write_apps(tmp_path)] == [path.name for path in notebook_paths()]
    (only,) = write_apps(tmp_path, ["02"])
    assert "play(" in read(only).cells[-1].source
    assert voila_command([only], "--no-browser") == [sys.executable, "-m", "voila", str(only), "--no-browser"]
    assert voila_command([only, only])[-1] == str(tmp_path)
