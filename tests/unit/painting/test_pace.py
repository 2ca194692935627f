"""Paintings are as large as this machine paints in time."""

import time

import pytest

from lossconditioning.painting import in_time


@pytest.mark.parametrize(("slowest", "expected"), [(0, 192), (192, 128), (128, 96), (96, 96)])
def test_the_first_size_that_is_painted_in_time_is_taken(slowest, expected, monkeypatch):
    now, tried = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def paint(side):
        tried.append(side)
        now[0] += 0.08 if side >= slowest > 0 else 0.06

    assert in_time(paint) == expected
    assert 96 not in tried  # whatever it takes, there is nothing smaller


def test_one_slow_painting_of_three_does_not_count(monkeypatch):
    now, seconds = [0.0], iter([5.0, 0.05, 5.0])
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def paint(side):
        now[0] += next(seconds)

    assert in_time(paint, (64, 32)) == 64
