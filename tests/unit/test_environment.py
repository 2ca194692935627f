"""The environment check says that all is ready, or exactly what to do."""

import pytest

import lossconditioning as lc
from lossconditioning import environment
from lossconditioning.environment import Finding, Report, check_environment


def test_the_environment_check_ends_in_one_green_line(monkeypatch):
    monkeypatch.setattr(environment, "_network", lambda: Finding("network", "offline"))
    report = check_environment("smoke")
    assert report.ready
    assert str(report).splitlines()[-1].startswith("✔ Ready.")
    with pytest.raises(lc.ReaderError, match="profile 'huge'"):
        check_environment("huge")


def test_the_environment_check_ends_in_exact_advice(monkeypatch):
    monkeypatch.setattr(environment, "free_memory_gb", lambda: 0.5)
    report = Report([environment._memory("demo"), Finding("torch", "2.0", False, 'Run: pip install "torch>=2.6".')])
    assert report.verdict.startswith("✘ Not ready yet: (1) Free some memory: 4 GiB are needed, 0.5 are free.")
    assert report.verdict.endswith('(2) Run: pip install "torch>=2.6".')
    assert "✘" in report._repr_html_()
