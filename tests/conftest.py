"""Which front end was tested, and how it went: collected from the tests that say so, for the README's table.

A test says so with ``record_property("front_end", [front end and version, what was tried])``. What a run of the tests found
goes to build/front_ends.json; ``make front-ends`` makes it the record that the README shows.
"""

import json
from pathlib import Path

FOUND = Path(__file__).parents[1] / "build" / "front_ends.json"
_OUTCOMES: dict[tuple[str, str], list[str]] = {}


def pytest_runtest_logreport(report):
    """A test counts by its call, or by whatever kept it from being called."""
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        for name, value in report.user_properties:
            if name == "front_end":
                _OUTCOMES.setdefault(tuple(value), []).append(report.outcome)


def pytest_sessionfinish(session):
    if not _OUTCOMES or hasattr(
        session.config, "workerinput"
    ):  # under xdist the workers' reports reach the main process
        return
    rows = {} if not FOUND.exists() else {(r["front_end"], r["tried"]): r for r in json.loads(FOUND.read_text("utf-8"))}
    for (front_end, tried), outcomes in _OUTCOMES.items():
        counts = {
            outcome: outcomes.count(outcome) for outcome in ("passed", "failed", "skipped") if outcome in outcomes
        }
        rows[front_end, tried] = {"front_end": front_end, "tried": tried, **counts}
    FOUND.parent.mkdir(exist_ok=True)
    FOUND.write_text(json.dumps([rows[key] for key in sorted(rows)], indent=1, ensure_ascii=False) + "\n", "utf-8")
