"""Notebooks run: in the smoke profile as they are, and with every exercise solved."""

import re

import pytest

from lossconditioning import notebooks

PATHS = notebooks.notebook_paths()
SOLUTIONS = notebooks.solution_paths(PATHS)


def printed(notebook):
    return "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))


def exercise(cell):
    return next((tag for tag in cell.metadata.get("tags", []) if tag.startswith("exercise-")), None)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_smoke_profile_runs_every_line(path, tmp_path):
    (run,) = notebooks.run([path], "smoke", tmp_path, {"seed": 1}, progress=False)
    assert not run.error
    assert (tmp_path / f"{path.stem}.html").stat().st_size > 10_000
    executed = notebooks.read(tmp_path / path.name)
    unsolved = re.findall(r"Exercise \d: not solved yet", printed(executed))
    assert len(unsolved) == len([cell for cell in executed.cells if exercise(cell)])


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_every_solution_passes_its_check(path, tmp_path):
    answers = {exercise(cell): cell.source for cell in notebooks.read(path).cells if exercise(cell)}
    lesson = notebooks.read(path.parent.parent / path.name)
    asked = [cell for cell in lesson.cells if exercise(cell)]
    assert {exercise(cell) for cell in asked} == set(answers)
    for cell in asked:
        cell.source = answers[exercise(cell)]
    solved = tmp_path / path.name
    notebooks.save(notebooks.clean(lesson), solved)

    (run,) = notebooks.run([solved], "smoke", tmp_path / "out", progress=False)

    assert not run.error
    right = re.findall(r"Exercise (\d): right", printed(notebooks.read(tmp_path / "out" / path.name)))
    assert right == [tag.removeprefix("exercise-") for tag in map(exercise, asked)]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_misspelt_parameter_is_refused_before_anything_runs(path, tmp_path):
    with pytest.raises(notebooks.ReaderError, match="profil"):
        notebooks.run([path], "smoke", tmp_path, {"profil": "demo"})
    assert not list(tmp_path.iterdir())
