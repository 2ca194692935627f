"""Notebooks are run, timed and cleaned; one that fails says where, and the others still run."""

from itertools import groupby
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lossconditioning import ReaderError, notebooks
from lossconditioning.notebooks import WIDGET_VIEW, Execution

PARAMETERS = "profile = 'demo'\nseed = 0"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
PANEL = {"image/png": "iVBORw0KGgo=", WIDGET_VIEW: {"model_id": "1", "version_major": 2, "version_minor": 0}}
GOOD = [
    "print(profile, seed)",
    "import time\nfor i in range(4):\n    print(f'\\r{25 * (i + 1)}%', end='', flush=True)\n    time.sleep(0.1)\nprint()",
    f"from IPython.display import display\ndisplay({PANEL!r}, raw=True)",
    "block = b'x' * (300 * 2**20)\nlen(block)",
]


def write(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    made = new_notebook(cells=[new_markdown_cell("# Title"), first, *map(new_code_cell, cells)], metadata=KERNEL)
    path.parent.mkdir(exist_ok=True, parents=True)
    nbformat.write(made, path)
    return path


def shown(cell) -> list[tuple[str, str]]:
    """What a cell's streams show, however many outputs they came in."""
    streams = groupby(cell.outputs, key=lambda output: output.name)
    return [(name, "".join(output.text for output in outputs).replace("\r\n", "\n")) for name, outputs in streams]


# Running ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[dict[str, Execution], list[Execution], Path]:
    """Three notebooks, the good one last: name → run, the reports, the folder."""
    folder = tmp_path_factory.mktemp("notebooks")
    paths = [
        write(folder / "01_fails.ipynb", "a = 1", "values = {'kl': a}\nvalues['rate']", "print('not reached')"),
        write(folder / "02_dies.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
        write(folder / "03_good.ipynb", *GOOD),
    ]
    reports: list[Execution] = []
    runs = notebooks.run(paths, "smoke", folder / "out", {"seed": 7}, reports.append, progress=False)
    return {run.name: run for run in runs}, reports, folder / "out"


@pytest.mark.slow
def test_a_good_notebook_runs_with_its_parameters_and_is_cleaned(ran):
    runs, _, out = ran
    assert runs["03_good"].status == "ok"
    made = notebooks.read(out / "03_good.ipynb")
    _, parameters, printed, progress, panel, block = made.cells
    assert parameters.source == PARAMETERS
    assert printed.outputs[0].text == "smoke 7\n"
    assert shown(progress) == [("stdout", "100%\n")]
    assert [list(output.data) for output in panel.outputs] == [["image/png"]]
    assert [cell.execution_count for cell in made.cells[1:]] == [1, 2, 3, 4, 5]
    assert block.outputs[0].execution_count == 5
    assert made.metadata.keys() == {"kernelspec", "language_info"}
    assert all(cell.metadata.keys() <= {"tags"} for cell in made.cells)
    nbformat.validate(made)
    html = (out / "03_good.html").read_text()
    assert "smoke 7" in html
    assert "data:image/png;base64,iVBORw0KGgo=" in html


@pytest.mark.slow
def test_a_failing_notebook_shows_the_cell_and_the_error(ran):
    runs, reports, out = ran
    assert runs["01_fails"].status == "failed"
    error = runs["01_fails"].error
    assert "01_fails.ipynb" in error
    assert "    values = {'kl': a}\n    values['rate']\n" in error
    assert error.endswith("KeyError: 'rate'")
    assert "not reached" not in error
    assert (out / "01_fails.html").exists()
    assert reports == list(runs.values())


@pytest.mark.slow
def test_a_kernel_that_dies_is_reported(ran):
    run = ran[0]["02_dies"]
    assert run.status == "failed"
    assert "Kernel died" in run.error
    assert "02_dies" in run.error


@pytest.mark.slow
def test_minutes_and_memory_are_those_of_the_notebook(ran):
    small, large = ran[0]["01_fails"], ran[0]["03_good"]
    assert 0 < large.minutes < 3
    assert small.memory_mb < 300
    assert 250 < large.memory_mb - small.memory_mb < 500


@pytest.mark.parametrize(
    ("profile", "parameters", "said"),
    [
        ("huge", {}, "no profile 'huge'"),
        ("smoke", {"profile": "huge"}, "no profile 'huge'"),
        ("smoke", {"sede": 1}, "Did you mean 'seed'"),
    ],
)
def test_what_a_notebook_does_not_know_is_refused_before_anything_runs(profile, parameters, said, tmp_path):
    paths = [write(tmp_path / "01_a.ipynb"), write(tmp_path / "02_b.ipynb")]
    with pytest.raises(ReaderError, match=said):
        notebooks.run(paths, profile, tmp_path / "out", parameters)
    with pytest.raises(ReaderError, match=r"02_b\.ipynb.*'seed'"):
        notebooks.run(
            [paths[0], write(paths[1], parameters="profile = 'demo'")], "smoke", tmp_path / "out", {"seed": 1}
        )
    assert not (tmp_path / "out").exists()


# Which notebook -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A folder to stand in, beside a course of one notebook."""
    write(tmp_path / "course" / "00_a.ipynb")
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: tmp_path / "course")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_path_is_the_readers_own_file(course, monkeypatch):
    of_course, own = course / "course" / "00_a.ipynb", write(course / "here" / "mine" / "00_a.ipynb")
    for name in ("00", "00_a", "00_a.ipynb", "../course/00_a.ipynb", str(of_course)):
        (found,) = notebooks.notebook_paths([name])
        assert found.samefile(of_course)
        assert notebooks.of_the_course(found)
    for name in ("mine/00_a.ipynb", "./mine/00_a.ipynb", str(own)):
        assert notebooks.notebook_paths([name]) == [own]
    assert not notebooks.of_the_course(own)
    both = write(course / "here" / "00_a.ipynb")
    assert notebooks.notebook_paths(["00_a.ipynb"]) == [both]
    assert notebooks.notebook_paths(["00_a", "00"]) == [of_course]
    (course / "here" / "linked.ipynb").symlink_to(of_course)
    assert [path.name for path in notebooks.notebook_paths(["linked.ipynb"])] == ["linked.ipynb"]
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: pytest.fail("one's own file needs no course"))
    assert notebooks.notebook_paths(["mine/00_a.ipynb"]) == [own]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("elsewhere/00_a.ipynb", r"no notebook elsewhere/00_a\.ipynb \(not there\)"),
        ("./00", r"no notebook \./00 \(not there\)"),
        ("./text.md", r"no notebook \./text\.md \(a file that does not end in \.ipynb\)"),
        ("text.md", r"no notebook 'text\.md'"),
        ("folder", "no notebook 'folder'"),
        ("folder/", r"no notebook folder/ \(a folder\)"),
        ("../here/folder", r"no notebook \.\./here/folder \(a folder\)"),
        ("folder.ipynb", r"no notebook folder\.ipynb \(a folder\)"),
        ("00_b.ipynb", "no notebook '00_b'. Did you mean '00_a'"),
        ("", "no notebook ''"),
    ],
)
def test_what_is_no_notebook_is_refused(name, said, course):
    Path("folder").mkdir()
    Path("folder.ipynb").mkdir()
    Path("text.md").touch()
    with pytest.raises(ReaderError, match=said):
        notebooks.notebook_paths([name])


def test_two_notebooks_of_one_name_are_refused(course):
    own = write(course / "here" / "00_a.ipynb")
    with pytest.raises(ReaderError, match=rf"00_a\.ipynb and {own} have one name"):
        notebooks.notebook_paths(["00", str(own)])


def test_a_notebook_is_not_written_over_itself(course):
    own = write(course / "here" / "mine.ipynb")
    before = own.read_bytes()
    with pytest.raises(ReaderError, match="would be written over it"):
        notebooks.run([own], "smoke", Path("."))
    assert own.read_bytes() == before


def test_a_notebook_in_another_language_is_refused(course):
    nbformat.write(
        new_notebook(metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}), "r.ipynb"
    )
    with pytest.raises(ReaderError, match=r"r\.ipynb is written in R"):
        notebooks.run(notebooks.notebook_paths(["r.ipynb"]), "demo", Path("out"))


@pytest.mark.parametrize("minutes", [-1, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(minutes, course):
    with pytest.raises(ReaderError, match="cell_minutes is a number of minutes"):
        notebooks.run([], "smoke", Path("out"), cell_minutes=minutes)


def test_a_notebook_without_parameters_runs_in_demo_only(course):
    path = write(Path("bare.ipynb"))
    nbformat.write(new_notebook(cells=[new_code_cell("print(2 + 2)")], metadata=KERNEL), path)
    with pytest.raises(ReaderError, match="no parameter of bare"):
        notebooks.run([path], "smoke", Path("out"))
    (run,) = notebooks.run([path], "demo", Path("out"), progress=False)
    assert (run.error, shown(notebooks.read(Path("out/bare.ipynb")).cells[0])) == ("", [("stdout", "4\n")])


def test_values_of_an_earlier_run_are_replaced():
    cells = [
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell("profile = 'paper'", metadata={"tags": [notebooks.INJECTED]}),
        new_code_cell("print(profile)"),
    ]
    made = notebooks.with_parameters(new_notebook(cells=cells), {"profile": "smoke", "seed": float("nan")})
    values: dict = {}
    exec("\n".join(cell.source for cell in made.cells[:2]), values)
    assert (values["profile"], values["seed"] != values["seed"], len(made.cells)) == ("smoke", True, 3)


VALID = '{"cells": %s, "metadata": {}, "nbformat": %s, "nbformat_minor": 5}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        "3",
        '{"nbformat": 4}',
        VALID % (3, 4),
        VALID % ("[{}]", 4),
        VALID % ("[]", 99),
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_corrupt_notebook_is_refused(text, tmp_path):
    path = tmp_path / "01_corrupt.ipynb"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ReaderError, match=r"01_corrupt\.ipynb is not a notebook"):
        notebooks.run([path], "smoke", tmp_path / "out")


def test_a_notebook_without_a_kernels_name_can_be_checked(tmp_path):
    path = write(tmp_path / "01_a.ipynb")
    nbformat.write(new_notebook(cells=notebooks.read(path).cells), path)
    notebooks.check_parameters(path, {"seed": 1})


# Cleaning -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["  0%\r 50%\r100%\n"], "100%\n"),
        (["\r  0%", "\r 50%", "\r100%", "\n"], "100%\n"),
        (["\r  0%\r 50%"], " 50%"),
        (["one\n", "two\nthree"], "one\ntwo\nthree"),
        (["what a subprocess prints\r\n", "through a terminal\r\n"], "what a subprocess prints\nthrough a terminal\n"),
    ],
)
def test_a_spent_progress_bar_leaves_its_last_state(parts, expected):
    outputs = [new_output("stream", name="stderr", text=text) for text in parts]
    (cell,) = notebooks.clean(new_notebook(cells=[new_code_cell(outputs=outputs)])).cells
    assert shown(cell) == [("stderr", expected)]


def test_stdout_and_stderr_are_kept_apart_and_in_order():
    streams = [("stdout", "a\n"), ("stderr", "\r 50%"), ("stderr", "\r100%\n"), ("stdout", "b\n")]
    outputs = [new_output("stream", name=name, text=text) for name, text in streams]
    (cell,) = notebooks.clean(new_notebook(cells=[new_code_cell(outputs=outputs)])).cells
    assert shown(cell) == [("stdout", "a\n"), ("stderr", "100%\n"), ("stdout", "b\n")]


def test_cleaning_keeps_what_a_reader_sees():
    metadata = {"tags": ["exercise-1"], "papermill": {"duration": 1}, "collapsed": True}
    result = new_output("execute_result", data={"text/plain": "1"}, execution_count=9)
    picture = new_output("display_data", data={"image/png": "x", WIDGET_VIEW: {}}, metadata={"image/png": {"alt": "A"}})
    widget = new_output("display_data", data={"text/plain": "slider", WIDGET_VIEW: {"model_id": "1"}})
    made = new_notebook(
        cells=[
            new_markdown_cell("# Title"),
            new_code_cell("seed = 1", metadata={"tags": ["injected-parameters"]}, execution_count=1),
            new_code_cell("1", metadata=metadata, execution_count=9, outputs=[result, picture, widget]),
            new_code_cell("not run"),
        ],
        metadata={**KERNEL, "papermill": {"duration": 3}, "widgets": {"state": {}}},
    )
    title, cell, not_run = notebooks.clean(made).cells
    assert made.metadata.keys() == {"kernelspec", "language_info"}
    assert title.source == "# Title"
    assert cell.metadata == {"tags": ["exercise-1"]}
    assert (cell.execution_count, cell.outputs[0].execution_count, not_run.execution_count) == (1, 1, None)
    assert (cell.outputs[1].data, cell.outputs[1].metadata) == ({"image/png": "x"}, {"image/png": {"alt": "A"}})
    assert cell.outputs[2].data.keys() == {"text/plain", WIDGET_VIEW}


def test_the_table_is_aligned():
    runs = [Execution("01_short", "smoke", 0.25, 99), Execution("02_a_much_longer_name", "smoke", 12.34, 12345, "boom")]
    head, *rows = notebooks.table(runs).splitlines()
    places = [head.index(title) for title in ("notebook", "status", "minutes", "peak memory")]
    assert [[row[place:].split("  ")[0] for place in places] for row in rows] == [
        ["01_short", "ok", "0.2", "99 MB"],
        ["02_a_much_longer_name", "failed", "12.3", "12,345 MB"],
    ]
