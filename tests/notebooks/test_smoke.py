"""The smoke profile: every line of every notebook once, with the solutions in the place of the exercises, as `run` does it.

In the environment that `make` installs, and with the network off: training and its data need none either.
"""

import os
import sys
from importlib import metadata
from unittest.mock import patch

import pytest
from exercises import numbers, said, solved

from lossconditioning import notebooks

PATHS = notebooks.notebook_paths()
LESSONS = [path for path in PATHS if notebooks.solution_paths([path])]
FRONT_END = f"nbclient {metadata.version('nbclient')}, network off"


def executed(path, out):
    """What a run wrote, both times."""
    assert (out / f"{path.stem}.html").stat().st_size > 10_000
    return notebooks.read(out / path.name)


@pytest.mark.slow(60)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_line_runs_and_every_solution_passes_its_check(path, offline, tmp_path, record_property):
    record_property("front_end", [FRONT_END, "every lesson, smoke, exercises solved"])
    lesson = solved(path)
    (tmp_path / "solved").mkdir()
    notebooks.save(lesson, tmp_path / "solved" / path.name)

    with patch.dict(os.environ, offline.environment, clear=True):  # for the kernel and its processes
        (run,) = notebooks.run(
            [tmp_path / "solved" / path.name], "smoke", tmp_path / "out", {"seed": 1}, progress=False
        )

    assert not run.error
    assert said(executed(path, tmp_path / "out"), "right") == numbers(lesson)
    assert not offline.asked_for()
    assert not offline.downloaded()


@pytest.mark.slow
def test_the_command_runs_a_notebook(offline, tmp_path):
    """The welcome, which has no exercises."""
    (path,) = notebooks.notebook_paths(["00"])
    offline.run(sys.executable, "-m", "lossconditioning", "run", "00", "--profile", "smoke", "--out", tmp_path / "out")
    assert executed(path, tmp_path / "out").cells


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_misspelt_parameter_is_refused_before_anything_runs(path, tmp_path):
    with pytest.raises(notebooks.ReaderError, match="profil"):
        notebooks.run([path], "smoke", tmp_path, {"profil": "demo"})
    assert not list(tmp_path.iterdir())
