"""Speeds as ratios, measured in turn in one run: they are reported, and fail only far outside of what they usually are."""

import statistics
import time

FAR = 1.5
"""A ratio fails above this many times what it usually is on two quiet cores: a busy or a different machine explains less."""
REPORT: list[str] = []
"""What was measured, in words; printed when all is done."""


def side_by_side(benchmark, ours, other, rounds=9, usually=None):
    """Time ``ours`` and ``other`` in turn, ``rounds`` times each; report ours / other: of the quickest, or the median of pairs.

    What else happens on a machine only ever adds time, so the quickest say most about the code, as `timeit` advises, if there
    are enough of them; the median of pairs holds where other work comes and goes.
    """
    others, mine = [], []

    def timed():
        started = time.perf_counter()
        ours()
        mine.append(time.perf_counter() - started)

    def other_first():
        started = time.perf_counter()
        other()
        others.append(time.perf_counter() - started)

    ours(), other()  # warm both
    benchmark.pedantic(timed, setup=other_first, rounds=rounds, iterations=1)
    ratio, middle = min(mine) / min(others), statistics.median(a / b for a, b in zip(mine, others, strict=True))
    benchmark.extra_info["ratio"] = round(ratio, 3)
    # Beside other work either can be far off, hardly both.
    report(benchmark.name, min(ratio, middle), usually, f"quickest of {rounds} each {ratio:.3f}, of pairs {middle:.3f}")


def report(name: str, ratio: float, usually: float | None, how: str) -> None:
    """Note a ratio, and what it is usually, if that is known; then it must not be far above."""
    known = "" if usually is None else f", usually {usually:.2f}, fails above {FAR * usually:.2f}"
    REPORT.append(f"{ratio:7.3f}  {name.removeprefix('test_')}{known} ({how})")
    assert usually is None or ratio <= FAR * usually
