"""The Makefile's targets that open a server: root is told what to do, and is not let through in silence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("make"), reason="make and a shell are needed"
)


@pytest.fixture
def make(tmp_path):
    """`make` as some user, with programs that print how they were called in place of those of the environment."""
    for file in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / file, tmp_path)
    programs = {".venv/bin/jupyter": 'echo jupyter "$@"', ".venv/bin/lossconditioning": 'echo lossconditioning "$@"'}
    programs["bin/id"] = "echo $USER_NUMBER"
    for name, line in programs.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".venv/.installed").touch()

    def run(*arguments: str, user: int) -> subprocess.CompletedProcess:
        places = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        environment = {**kept, "PATH": places, "USER_NUMBER": str(user)}
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_lab_as_root_says_what_to_do(make):
    for options in ([], ["LAB=--no-browser"]):
        done = make("lab", *options, user=0)
        assert (done.returncode, done.stdout) == (2, "")
        assert "You are root" in done.stderr
        assert "make lab LAB=--allow-root" in done.stderr


@pytest.mark.parametrize(("user", "options"), [(0, "--allow-root"), (0, "--no-browser --allow-root"), (1000, "")])
def test_lab_opens_for_others_and_for_root_who_says_so(make, user, options):
    done = make("lab", f"LAB={options}", user=user)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["jupyter", "lab", *options.split(), "notebooks/00_welcome.ipynb"]


def test_app_hands_its_options_on(make):
    for options in ("", "--allow-root", "02 -- --port=8000"):
        assert make("app", f"APP={options}", user=0).stdout.split() == ["lossconditioning", "app", *options.split()]
