"""A notebook's play panel as an app: the notebook up to its panel, without outputs, and what serves it."""

import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lossconditioning import ReaderError, cli
from lossconditioning.apps import SERVER, playground, serve_apps, write_apps
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


@pytest.fixture
def become(monkeypatch):
    """What this process was to become."""
    commands = []
    monkeypatch.setattr("os.execv", lambda program, command: commands.append(command))
    monkeypatch.setattr("sys.platform", "linux")
    return commands


def test_one_app_is_served_or_the_folder_of_several(become, tmp_path):
    one, other = tmp_path / "01.ipynb", tmp_path / "02.ipynb"
    serve_apps([one], ["--no-browser"])
    serve_apps([one, other])
    assert become == [[sys.executable, str(SERVER), *rest] for rest in ([str(one), "--no-browser"], [str(tmp_path)])]
    assert SERVER.is_file()


def test_without_voila_it_says_what_to_install(become, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ReaderError, match=r"pip install 'lossconditioning\[app\]'"):
        serve_apps([tmp_path / "01.ipynb"])
    assert not become


@pytest.mark.parametrize(
    ("command", "options"),
    [("app 02", []), ("app 02 -- --port=8000 --no-browser", ["--port=8000", "--no-browser"])],
)
def test_what_stands_after_two_dashes_is_for_voila(command, options, become, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
    with pytest.raises(SystemExit):
        cli.main(command.split())
    ((_, _, app, *given),) = become
    assert (app, given) == (str(Path("build/apps/02_beta_vae.ipynb")), options)


def test_root_serves_nothing_unless_told(become, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    for command in ("app", "app 02", "app -- --no-browser"):
        with pytest.raises(SystemExit) as leaving:
            cli.main(command.split())
        assert leaving.value.code == 2
        assert "make app APP=--allow-root" in capsys.readouterr().err
    assert not become
    assert not any(tmp_path.iterdir())
    with pytest.raises(SystemExit):
        cli.main(["app", "02", "--allow-root"])
    assert len(become) == 1
