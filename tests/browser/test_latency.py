"""From key press to changed pixels, in the browser: 95 % of moves within 100 ms, for every panel.

A benchmark: nothing else should run beside it, so it is run apart from the other tests here. A panel is new, or the keys go
where it has not been, so every picture is made for its key press; the numbers go to build/latency.json. On a machine so slow,
or so busy, that a panel which computes nothing needs more than half of the 100 ms, twice that panel's time counts, measured
beside it.

A held key repeats 30 times a second, more often than a picture can go the whole way through two cores and Jupyter's server
(whose websocket alone waits up to 40 ms for an acknowledgement). The picture then follows some moves behind, and ends on the
last value; how far behind is measured and written down, not promised.

The page is one that nobody listens to: see `unwatched`.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from panels import every_panel

PROMISE = 100  # ms, for 95 % of moves
TIMES_EMPTY = 2  # or this many times what the panel that computes nothing takes
RECORD = Path(__file__).parents[2] / "build" / "latency.json"
RECORDER = Path(__file__).with_name("latency.js").read_text("utf-8")
PARTS = ("key to message", "message to kernel", "kernel to picture", "picture to page", "page to loaded", "to painted")
PRESSES = 45
TRIES = 3  # something else may have had the cores meanwhile; every try is printed


@pytest.fixture(scope="session")
def rows():
    """The measurements of all panels, by notebook and cell; written down at the end."""
    found = defaultdict(list)
    yield found
    rows = [row for place in sorted(found) for row in found[place]]
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


@every_panel
def test_a_move_reaches_the_screen_in_time(timed, cell, rows, empty, in_jupyterlab):
    pressed = {"pace": "8 a second", "every": 1 / 8}
    for _ in range(TRIES):
        row, bound = measured(timed.renewed(cell), **pressed), PROMISE
        if row["p95"] > PROMISE:
            bound = max(PROMISE, TIMES_EMPTY * measured(empty.renewed(0), **pressed)["p95"])
        if row["p95"] <= bound:
            break
    rows[timed.name, cell].append(row)
    kept = "95 % within 100 ms" if row["p95"] <= PROMISE else f"95 % within {TIMES_EMPTY} times an empty panel's"
    in_jupyterlab(f"key press to changed pixels, {kept}")
    assert row["p95"] <= bound


@every_panel
def test_how_far_a_picture_falls_behind_a_held_key(timed, cell, rows):
    panel = timed.panel(cell)  # with pictures from the other end on: 45 of a slider's hundred
    row = measured(panel, "held, 30 a second", from_the_other=True, every=1 / 30, held=True)
    rows[timed.name, cell].append(row)


def measured(panel, pace, from_the_other=False, **how):
    """The times of 45 presses, from one end of a panel's first slider, or of a triangle's base, on; every one is answered."""
    ends = (
        [("End", "ArrowLeft"), ("2", "ArrowRight")]
        if panel.is_triangle
        else [("Home", "ArrowRight"), ("End", "ArrowLeft")]
    )
    start, key = ends[from_the_other]
    panel.press(start)
    panel.at_rest()
    panel.evaluate(RECORDER)
    panel.press(key, times=PRESSES, **how)
    panel.at_rest()
    log = panel.evaluate("output => output.log")
    moves = ways(log)
    assert len(log["keys"]) == len(moves) == PRESSES
    row = {"notebook": panel.notebook, "panel": f"{panel.name} (cell {panel.cell})", "keys": pace, **summary(moves)}
    print("\n" + ", ".join(f"{name} {value}" for name, value in row.items()))
    return row


def ways(log):
    """Per key press that a picture answered the times of its stations, each ``(7,)``: key, sent, in the kernel, …, painted.

    A key's picture is the first that the kernel sent after it had this value: one of this value, or of a later one.
    """
    found = []
    for key in log["keys"]:
        sent, message = next((sent for sent in log["sent"] if sent[0] >= key), (None, None))
        received = log["received"].get(message, np.inf)
        picture = bisect_left(log["pictures"], received)
        if picture == len(log["pictures"]):
            continue
        shown = log["shown"][picture]
        load = bisect_left(log["loaded"], shown)
        found.append([key, sent, received, log["pictures"][picture], shown, log["loaded"][load], log["painted"][load]])
    return np.array(found)


def summary(moves):
    """The distribution of the whole way, and the median of each of its parts, in milliseconds."""
    whole = moves[:, -1] - moves[:, 0]
    shares = {"median": 50, "p90": 90, "p95": 95, "max": 100}
    parts = np.median(np.diff(moves), axis=0)
    return {
        "count": len(moves),
        **{name: round(float(np.percentile(whole, share)), 1) for name, share in shares.items()},
        "parts": {name: round(float(part), 1) for name, part in zip(PARTS, parts, strict=True)},
    }
