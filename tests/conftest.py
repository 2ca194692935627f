"""The order of the tests; and which front end was tested, and how it went, for the README's table.

Slow tests start first, so that the processes that share the tests end together.

A test names its front end with ``record_property("front_end", [front end and version, what was tried])``. What a run of the
tests found goes to build/front_ends.json; ``make front-ends`` makes it the record that the README shows.
"""

import json
from pathlib import Path

import pytest

FOUND = Path(__file__).parents[1] / "build" / "front_ends.json"
_OUTCOMES: dict[tuple[str, str], list[str]] = {}


@pytest.hookimpl(trylast=True)  # what is deselected is gone by then
def pytest_collection_modifyitems(config, items):
    """Slow tests first, dealt out like cards: each process of xdist begins with a slice of the list, all of one length."""
    processes = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    slow = sorted((item for item in items if seconds(item)), key=seconds, reverse=True)
    quick = [item for item in items if not seconds(item)]
    ordered = []
    for number in range(processes):
        ordered += slow[number::processes]
        room = len(items) * (number + 1) // processes - len(ordered)
        ordered += [quick.pop(0) for _ in range(min(room, len(quick)))]
    items[:] = ordered + quick


def seconds(item):
    """About how long a test takes, as its mark says: ``slow(40)``. A plain ``slow`` is ten seconds, no mark none."""
    mark = item.get_closest_marker("slow")
    return (mark.args or (10,))[0] if mark else 0


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
