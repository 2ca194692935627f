"""Every committed notebook keeps the promises of the design: anatomy, outputs, alt text, generated parts, no pollution."""

import ast
import re
import statistics
from itertools import pairwise

import nbformat
import pytest

from lossconditioning import notebooks, records
from lossconditioning.records import badges, measured, repository, setup_source

PATHS = notebooks.notebook_paths()
LESSONS = [path for path in PATHS if not path.stem.startswith("00")]
SOLUTIONS = notebooks.solution_paths(PATHS)
ALL = pytest.mark.parametrize("path", PATHS + SOLUTIONS, ids=lambda p: f"{p.parent.name}/{p.stem}")
COURSE = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def words(notebook):
    """Words of prose, formulas not counted."""
    return len(re.findall(r"\w+", re.sub(r"\$.*?\$", "", prose(notebook), flags=re.DOTALL)))


def headings(notebook):
    fenced = re.sub(r"```.*?```", "", prose(notebook), flags=re.DOTALL)
    return re.findall(r"^(#+) (.+)$", fenced, flags=re.MULTILINE)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def test_there_are_notebooks():
    assert [path.stem for path in PATHS][:2] == ["00_welcome", "01_sym_parameter_toy"]
    assert SOLUTIONS


@ALL
def test_executed_top_to_bottom_without_errors(path):
    notebook = notebooks.read(path)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert not [output for output in outputs(notebook) if output.output_type == "error"]


@ALL
def test_no_widget_state_timing_or_size(path):
    notebook = notebooks.read(path)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert not [
        o for o in outputs(notebook) if notebooks.WIDGET_VIEW in o.get("data", {}) and not notebooks.picture_kind(o)
    ]
    assert not [o for o in outputs(notebook) if notebooks.WIDGET_VIEW in o.get("data", {})]
    assert path.stat().st_size < 2 * 2**20


@ALL
def test_one_title_and_headings_in_order(path):
    levels = [len(marks) for marks, _ in headings(notebooks.read(path))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@ALL
def test_every_picture_has_alt_text(path):
    for output in outputs(notebooks.read(path)):
        if kind := notebooks.picture_kind(output):
            assert len(output.metadata.get(kind, {}).get("alt", "")) > 30


@COURSE
def test_every_figure_has_a_numbered_caption_after_it(path):
    for cell in code(notebooks.read(path)):
        if "show(" in cell.source:
            captions = [o.data.get("text/markdown", "") for o in cell.outputs if "data" in o]
            assert any(caption.startswith("*Figure ") for caption in captions)


@COURSE
def test_header_and_setup_are_what_the_records_generate(path):
    notebook = notebooks.read(path)
    header = notebook.cells[0].source
    assert badges(path.stem) in header
    assert measured(path.stem) in header
    for row in ("Goals", "You need", "Paper"):
        assert f"| **{row}** |" in header
    assert [cell.source for cell in tagged(notebook, "setup")] == [setup_source()]
    assert code(notebook)[0].source == setup_source()


@COURSE
def test_the_demo_was_measured_within_its_promise(path):
    run = records.read_runs()[path.stem]["demo"]
    assert run.minutes <= 2
    assert run.memory_mb <= 4096


@ALL
def test_the_repository_stands_in_one_place(path):
    addresses = set(
        re.findall(r"https://github\.com/[\w.-]+/[\w.-]+|(?<=colab/)github/[\w.-]+/[\w.-]+", path.read_text())
    )
    slug = repository().removeprefix("https://github.com/")
    assert {re.sub(r"\.git$", "", address).split("github", 1)[1].lstrip(".com/") for address in addresses} <= {slug}


@COURSE
def test_parameters_come_second_and_have_plain_defaults(path):
    notebook = notebooks.read(path)
    (parameters,) = tagged(notebook, "parameters")
    assert code(notebook)[1] is parameters
    names = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(parameters.source).body}
    assert names == {"profile": "demo", "seed": 0}


@COURSE
def test_a_panel_stands_within_the_first_screen(path):
    first = [cell for cell in code(notebooks.read(path))[:6] if any("[slider panel]" in str(o) for o in cell.outputs)]
    assert first


@ALL
def test_cells_are_short(path):
    sources = [cell.source.splitlines() for cell in code(notebooks.read(path))]
    assert max(map(len, sources)) <= 50
    assert statistics.median(sum(1 for line in source if line.strip()) for source in sources) <= 8


@LESSON
def test_lessons_have_the_length_of_a_lesson(path):
    notebook = notebooks.read(path)
    assert 30 <= len(code(notebook)) <= 50
    assert 2500 <= words(notebook) <= 4000


@LESSON
def test_lessons_have_exercises_claims_and_references(path):
    notebook = notebooks.read(path)
    exercises = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", []) if tag.startswith("exercise-")]
    assert 3 <= len(exercises) <= 5
    titles = [title for _, title in headings(notebook)]
    assert {"7. Claims", "Summary"} <= set(titles)
    assert "**References.**" in prose(notebook)
    assert "**Next.**" in prose(notebook)
    assert any("claims_table(" in cell.source and cell.outputs for cell in code(notebook))


@LESSON
def test_numbers_are_checked_on_every_test_run(path):
    assert len(tagged(notebooks.read(path), "nbval-check-output")) >= 3
