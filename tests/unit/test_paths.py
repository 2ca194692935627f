"""Where things stand: the notebooks find the clone's own folder for what they train, wherever they are run from."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lossconditioning import ReaderError, notebooks, paths
from lossconditioning.paths import runs_folder


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """What tells a clone."""
    monkeypatch.delenv("LOSSCONDITIONING_RUNS", raising=False)
    root = tmp_path / "clone"
    for folder in ("notebooks/solutions", "lossconditioning"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (root / "lossconditioning" / "paths.py").touch()
    return root


@pytest.mark.parametrize("place", [".", "notebooks", "notebooks/solutions"])
def test_training_stays_in_the_clone_around_the_working_directory(place, clone, monkeypatch):
    monkeypatch.chdir(clone / place)
    assert runs_folder() == clone / "runs"


def test_elsewhere_the_clone_is_the_one_that_the_package_runs_from(clone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs_folder() == paths.checkout() / "runs"


def test_without_a_clone_training_stays_in_the_working_directory(clone, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "site-packages" / "lossconditioning")
    (tmp_path / "other" / "notebooks").mkdir(parents=True)  # another project's, with notebooks of its own
    (tmp_path / "other" / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "other" / "notebooks")
    assert runs_folder() == tmp_path / "other" / "notebooks" / "runs"


def test_a_folder_that_is_named_comes_first(clone, tmp_path, monkeypatch):
    monkeypatch.chdir(clone)
    monkeypatch.setenv("LOSSCONDITIONING_RUNS", "drive")
    assert runs_folder() == clone / "drive"


@pytest.mark.skipif(sys.platform == "win32", reason="a working directory can not be deleted there")
def test_a_deleted_working_directory(clone, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert runs_folder() == paths.checkout() / "runs"
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "site-packages" / "lossconditioning")
    with pytest.raises(ReaderError, match="working directory has been deleted"):
        runs_folder()


@pytest.mark.parametrize("path", notebooks.notebook_paths()[1:], ids=lambda path: path.stem)
def test_every_lesson_asks_where_to_train(path):
    text = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")
    assert text.count('None if profile == "demo" else runs_folder() / f"') == 1
    assert "../" not in text


@pytest.mark.slow
def test_papermill_from_the_root_trains_in_the_clone(clone, tmp_path, record_property):
    record_property("front_end", [f"papermill {metadata.version('papermill')}", "from the root: trains in the clone"])
    cells = [
        new_code_cell("profile = 'demo'", metadata={"tags": ["parameters"]}),
        new_code_cell("from lossconditioning.paths import runs_folder"),
        new_code_cell("folder = None if profile == 'demo' else runs_folder() / 'toy'\nprint(folder)"),
    ]
    notebooks.save(notebooks.clean(new_notebook(cells=cells)), clone / "notebooks" / "01.ipynb")
    command = ["papermill", "notebooks/01.ipynb", str(tmp_path / "out.ipynb"), "-p", "profile", "smoke"]
    subprocess.run([sys.executable, "-m", *command, "--no-progress-bar"], cwd=clone, check=True, capture_output=True)
    assert notebooks.read(tmp_path / "out.ipynb").cells[-1].outputs[0].text == f"{clone / 'runs' / 'toy'}\n"


def test_messages_name_what_is_in_the_clone_from_there_on(clone, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "checkout", lambda: clone)
    assert paths.in_words(clone / "data" / "cache") == "data/cache"
    assert paths.in_words(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")
    monkeypatch.setattr(paths, "checkout", lambda: None)
    assert paths.in_words(clone / "data") == str(clone / "data")
