"""The wheel is whole: installed far from the checkout, it runs and evaluates what it ships."""

import json
import math
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*command, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The bin folder of a new environment that sees the third-party packages of this one."""
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is not searched for further .pth files, so the editable install stays out of sight.
    (site_packages / "parent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return python.parent


def test_the_wheel_holds_the_package_and_what_it_ships(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "lossconditioning").rglob("*.*")
        if path.suffix in (".py", ".html", ".js")  # a front end's markup and script
    }
    shipped = {
        f"lossconditioning/shipped/{path.relative_to(ROOT / 'data')}"
        for folder in ("checkpoints", "records", "assets/paintings")
        for path in (ROOT / "data" / folder).rglob("*.*")
    }
    assert package <= names
    assert shipped <= names
    assert f"lossconditioning/shipped/{Path('checkpoints', 'toy', 'best.safetensors')}" in names
    unexpected = {name for name in names - package - shipped if ".dist-info/" not in name}
    assert unexpected == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_runs_from_its_own_place(installed, tmp_path):
    found = run(
        installed / "python",
        "-c",
        "import importlib.util; print(importlib.util.find_spec('lossconditioning').origin)",
        cwd=tmp_path,
    )
    assert Path(found.strip()).is_relative_to(installed.parent)
    assert not Path(found.strip()).is_relative_to(ROOT)
    assert "evaluate" in run(installed / "lossconditioning", "--help", cwd=tmp_path)


def test_it_evaluates_the_checkpoints_it_ships(installed, tmp_path):
    found = json.loads(run(installed / "lossconditioning", "evaluate", "toy", "--json", cwd=tmp_path))
    assert Path(found["checkpoint"]).is_relative_to(installed.parent)
    assert all(math.isfinite(value) for value in found["metrics"].values())
    card = json.loads((ROOT / "data" / "checkpoints" / "toy" / "best.json").read_text(encoding="utf-8"))
    for name, value in card["metrics"].items():
        assert found["metrics"][name] == pytest.approx(value, rel=0.01, abs=1e-6)
    assert {"similar_to_separate", "better_recipe"} <= {claim["id"] for claim in found["claims"]}
    assert list(tmp_path.iterdir()) == []
