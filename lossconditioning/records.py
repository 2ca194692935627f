"""What is generated, never typed: notebook headers, setup cells, the tables of the README and of docs/front_ends.md.

Measured minutes and memory come from ``data/records/notebooks.json``, claims from ``data/records/SYSTEM.json``, what was
tested in which front end from ``data/records/front_ends.json``, the repository's address from pyproject.toml.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from lossconditioning import notebooks
from lossconditioning.display import jpeg
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation import Claim, Evaluation, claims_markdown
from lossconditioning.frontispiece import dials
from lossconditioning.notebooks import Execution
from lossconditioning.paths import shipped
from lossconditioning.systems import SYSTEMS, system
from lossconditioning.training import PROFILES
from lossconditioning.training.checkpoints import write_atomically

MEASURED = re.compile(r"^\| \*\*Measured\*\* \|.*$", re.MULTILINE)
PICTURE, DIALS = Path("data/assets/one_network.png"), Path("data/assets/dials.jpg")
FRONT_ENDS = Path("docs/front_ends.md")
# The generated sections of both pages.
README_SECTIONS = ("notebooks", "tried", "slowest", "scoreboard")
FRONT_ENDS_SECTIONS = ("latency",)
BADGES = re.compile(r"^\[!\[Open in Colab\].*$", re.MULTILINE)


def repository() -> str:
    """The repository's address, from the package's metadata (pyproject.toml, project.urls)."""
    for entry in metadata.metadata("lossconditioning").get_all("Project-URL", []):
        label, _, address = entry.partition(", ")
        if label == "Repository":
            return address
    raise ReaderError("The package's metadata names no repository; install it anew: pip install -e .")


def badges(name: str) -> str:
    """The badge line of a notebook: open it in Colab, see its source."""
    address = repository()
    slug = address.removeprefix("https://github.com/")
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{slug}/blob/main/notebooks/{name}.ipynb) "
        f"[![Source](https://img.shields.io/badge/source-repository-blue)]({address}/blob/main/notebooks/{name}.ipynb)"
    )


def setup_source() -> str:
    """The setup cell every notebook begins with."""
    return (
        "# On Colab this fetches and installs the course. Everywhere else it does nothing.\n"
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        '    print("Installing the course takes a minute.")\n'  # as a script, a cell may not consist of a magic alone
        f'    %pip install --quiet "git+{repository()}"'
    )


def measured(name: str) -> str:
    """The header's row of measured minutes and peak memory per profile."""
    runs = read_runs().get(name, {})
    parts = [f"`{p}` {_minutes(runs[p])}, {runs[p].memory_mb:,} MB" for p in PROFILES if p in runs]
    return f"| **Measured** | {' · '.join(parts) or 'not yet'} (two CPU cores, no GPU) |"


def _minutes(run: Execution) -> str:
    return f"{run.minutes:.1f} min" if run.minutes >= 0.1 else "under 0.1 min"


def refresh(notebook: NotebookNode, name: str) -> NotebookNode:
    """Bring a notebook's generated parts up to date: badges, measured row, setup cell."""
    header = notebook.cells[0]
    header.source = MEASURED.sub(lambda _: measured(name), BADGES.sub(lambda _: badges(name), header.source))
    for cell in notebook.cells:
        if "setup" in cell.metadata.get("tags", []):
            cell.source = setup_source()
    return notebook


# Runs of notebooks --------------------------------------------------------------------------------------------------------


def read_runs() -> dict[str, dict[str, Execution]]:
    """The recorded runs: notebook → profile → run."""
    records: dict[str, dict[str, Execution]] = {}
    for row in _read("notebooks.json", []):
        records.setdefault(row["name"], {})[row["profile"]] = Execution(**row)
    return records


def record_runs(runs: Sequence[Execution]) -> None:
    """Add successful runs to the record, each in place of the earlier one of its notebook and profile."""
    records = read_runs()
    for run in runs:
        if not run.error:
            records.setdefault(run.name, {})[run.profile] = run
    rows = [asdict(records[name][p]) for name in sorted(records) for p in PROFILES if p in records[name]]
    _write("notebooks.json", rows)


# Evaluations of systems ---------------------------------------------------------------------------------------------------


def read_evaluations() -> list[dict[str, Any]]:
    """The recorded evaluation of every system that has one, in the order of the notebooks."""
    return [found for name in SYSTEMS if (found := _read(f"{name}.json", None))]


def record_evaluation(name: str, evaluation: Evaluation) -> None:
    """Record the evaluation of a system's shipped checkpoints."""
    _write(f"{name}.json", {**evaluation.as_json(name), "checkpoint": "shipped"})


# Front ends ---------------------------------------------------------------------------------------------------------------


def record_front_ends(found: Path) -> None:
    """Record what a run of the tests found about front ends, and the latency beside it if that was measured.

    Args:
        found: the file that the tests leave at ``build/front_ends.json``.
    """
    try:
        _write("front_ends.json", json.loads(found.read_text(encoding="utf-8")))
    except OSError:
        raise ReaderError(
            f"There is no {found}: make test and make test-browser write build/front_ends.json."
        ) from None
    latency = found.with_name("latency.json")
    if latency.exists():
        _write("latency.json", json.loads(latency.read_text(encoding="utf-8")))


def front_ends_markdown() -> str:
    """What was tested in which front end and version, and how it went, as Markdown."""
    rows = ["| front end | what was tried | result |", "|---|---|---|"]
    for row in _read("front_ends.json", []):
        counts = [f"{row[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped") if outcome in row]
        rows.append(f"| {row['front_end']} | {row['tried']} | {', '.join(counts)} |")
    return "\n".join(rows)


def latency_markdown() -> str:
    """Milliseconds from key press to painted pixels, per panel, as Markdown."""
    rows = ["| notebook | panel | keys | median | 95 % | longest |", "|---|---|---|---|---|---|"]
    for row in _read("latency.json", []):
        times = " | ".join(f"{row[name]:.0f}" for name in ("median", "p95", "max"))
        rows.append(f"| {row['notebook']} | {row['panel']} | {row['keys']} | {times} |")
    return "\n".join(rows)


def slowest_markdown() -> str:
    """How long a move takes in the slowest panel, as a sentence."""
    slowest = max((row["p95"] for row in _read("latency.json", []) if not row["keys"].startswith("held")), default=None)
    if slowest is None:
        return "How long a move takes has not been measured yet."
    return (
        f"From key press to painted pixels, 95 % of moves take {slowest:.0f} ms or less in every panel, in JupyterLab on two "
        f"cores ([panel by panel]({FRONT_ENDS.as_posix()}))."
    )


def _read(file: str, default: Any) -> Any:
    path = shipped("records") / file
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default


def _write(file: str, content: Any) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(shipped("records") / file, f"{text}\n".encode())


# The README's tables ------------------------------------------------------------------------------------------------------


def scoreboard_markdown() -> str:
    """Every claim of every system, reproduced or not, as Markdown."""
    parts = []
    for record in read_evaluations():
        claims = [Claim(**claim) for claim in record["claims"]]
        papers = [claim for claim in claims if not claim.claim.startswith("Beyond the paper")]
        yes = sum(claim.reproduced for claim in papers)
        parts.append(f"**{record['system']}**: {yes} of {len(papers)} claims reproduced\n\n{claims_markdown(claims)}")
    return "\n\n".join(parts) or "No system has been evaluated yet."


def notebooks_markdown() -> str:
    """The table of notebooks, as Markdown: title, paper, minutes and memory of the demo profile."""
    runs, rows = read_runs(), []
    for path in notebooks.notebook_paths():
        header = notebooks.read(path).cells[0].source
        title = header.splitlines()[0].removeprefix("# ")
        paper = re.search(r"^\| \*\*Paper\*\* \| (.*) \|$", header, re.MULTILINE)
        run = runs.get(path.stem, {}).get("demo")
        cost = f"{_minutes(run)} | {run.memory_mb:,} MB" if run else "not yet | not yet"
        rows.append(f"| [{path.stem}](notebooks/{path.name}) | {title} | {paper[1] if paper else ''} | {cost} |")
    return "\n".join(
        ["| notebook | topic | paper | time, two CPU cores | peak memory |", "|---|---|---|---|---|", *rows]
    )


def fill(text: str, names: Sequence[str]) -> str:
    """A text with these generated sections brought up to date; they stand between ``<!-- NAME:begin -->`` and ``:end``."""
    sections = {
        "notebooks": notebooks_markdown,
        "tried": front_ends_markdown,
        "slowest": slowest_markdown,
        "latency": latency_markdown,
        "scoreboard": scoreboard_markdown,
    }
    for name in names:
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ReaderError(f"The file has no section between {begin} and {end}.")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{sections[name]()}\n{end}{rest.split(end)[1]}"
    return text


def update_readme(path: Path) -> None:
    """Bring the generated sections of a README and of the page on front ends beside it up to date, and the README's
    pictures."""
    pages = {path: README_SECTIONS, path.parent / FRONT_ENDS: FRONT_ENDS_SECTIONS}
    filled = {page: fill(_text(page), names) for page, names in pages.items()}
    for page, text in filled.items():
        write_atomically(page, text.encode())
    write_atomically(path.parent / DIALS, jpeg(dials()))
    best = system("toy").load("best")
    write_atomically(path.parent / PICTURE, system("toy").play(best.model.member(0)).still)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReaderError(f"Can not read {path} ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ReaderError(f"{path} is not a text file.") from None
