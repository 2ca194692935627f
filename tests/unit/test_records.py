"""What runs of notebooks and tests leave behind: records, and the generated parts of notebooks and README."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lossconditioning import ReaderError, notebooks, records
from lossconditioning.notebooks import Execution


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """Records and notebooks of its own in place of the project's."""
    monkeypatch.setattr(records, "shipped", lambda folder: tmp_path / folder)
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: tmp_path / "notebooks")
    records.record_runs([Execution("01_toy", "demo", 1.26, 1234), Execution("01_toy", "smoke", 0.04, 400)])
    return tmp_path


def test_successful_runs_are_recorded_the_latest_of_each_profile(shelf):
    records.record_runs(
        [
            Execution("01_toy", "demo", 2.0, 5),
            Execution("01_toy", "smoke", 9.0, 5, "boom"),
            Execution("00_a", "paper", 3, 5),
        ]
    )
    rows = json.loads((shelf / "records" / "notebooks.json").read_text())
    assert [(row["name"], row["profile"], row["minutes"]) for row in rows] == [
        ("00_a", "paper", 3),
        ("01_toy", "smoke", 0.04),
        ("01_toy", "demo", 2.0),
    ]
    assert records.read_runs()["01_toy"]["demo"] == Execution("01_toy", "demo", 2.0, 5)


def test_refresh_replaces_what_is_generated_and_nothing_else(shelf):
    header = "# Toy\n\n[![Open in Colab](old)](old)\n\n| **Paper** | A paper |\n| **Measured** | long ago |\n\nText."
    cells = [new_markdown_cell(header), new_code_cell("old", metadata={"tags": ["setup"]}), new_code_cell("mine")]
    title, setup, mine = records.refresh(new_notebook(cells=cells), "01_toy").cells
    address = records.repository()
    badge, measured = title.source.splitlines()[2], title.source.splitlines()[5]
    assert badge.count(f"{address.removeprefix('https://github.com/')}/blob/main/notebooks/01_toy.ipynb") == 2
    assert measured == (
        "| **Measured** | `smoke` under 0.1 min, 400 MB · `demo` 1.3 min, 1,234 MB (two CPU cores, no GPU) |"
    )
    assert (
        title.source.replace(badge, "[![Open in Colab](old)](old)").replace(measured, "| **Measured** | long ago |")
        == header
    )
    assert f"git+{address}" in setup.source
    assert 'if "google.colab" in sys.modules' in setup.source
    assert mine.source == "mine"


ALL_SECTIONS = (*records.README_SECTIONS, *records.FRONT_ENDS_SECTIONS)
README = """Before.
<!-- notebooks:begin -->
old
<!-- notebooks:end -->
Between.
<!-- tried:begin --><!-- tried:end -->
<!-- slowest:begin --><!-- slowest:end -->
<!-- latency:begin --><!-- latency:end -->
<!-- scoreboard:begin --><!-- scoreboard:end -->
"""


def test_fill_writes_the_sections_of_a_readme(shelf):
    (shelf / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Title")]), shelf / "notebooks" / "01_toy.ipynb")
    claims = [{"id": "a", "claim": "It works", "paper": "1", "value": "2", "reproduced": yes} for yes in (True, False)]
    (shelf / "records" / "toy.json").write_text(json.dumps({"system": "toy", "claims": claims}))
    found = shelf / "found.json"
    found.write_text(json.dumps([{"front_end": "A browser 1.0", "tried": "a slider", "passed": 2, "failed": 1}]))
    row = {"notebook": "01_toy", "panel": "s₁", "keys": "8 a second", "median": 60.4, "p95": 80.5, "max": 99.9}
    (shelf / "latency.json").write_text(json.dumps([row]))
    records.record_front_ends(found)
    filled = records.fill(README, ALL_SECTIONS)
    assert "| [01_toy](notebooks/01_toy.ipynb) | Title |  | 1.3 min | 1,234 MB |" in filled
    assert "| A browser 1.0 | a slider | 2 passed, 1 failed |" in filled
    assert "| 01_toy | s₁ | 8 a second | 60 | 80 | 100 |" in filled
    assert "**toy**: 1 of 2 claims reproduced" in filled
    assert "| It works | 1 | 2 | **no** |" in filled
    assert "\nold\n" not in filled
    assert filled.startswith("Before.\n")
    assert "\nBetween.\n" in filled
    assert records.fill(filled, ALL_SECTIONS) == filled


def test_front_ends_are_recorded_from_a_test_run_only(shelf):
    with pytest.raises(ReaderError, match="make test-browser"):
        records.record_front_ends(shelf / "nothing.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        README.replace("<!-- notebooks:end -->", ""),
        README.replace("<!-- scoreboard:begin -->", ""),
        README + README,
        README.replace("begin", "x").replace("end", "begin").replace("x", "end"),
    ],
    ids=["none", "no end", "no begin", "twice", "the wrong way round"],
)
def test_fill_complains_about_missing_markers(text, shelf):
    with pytest.raises(ReaderError, match="no section between"):
        records.fill(text, ALL_SECTIONS)
