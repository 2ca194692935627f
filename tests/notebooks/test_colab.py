"""Each notebook as Colab would run it: that one file in an empty folder, where the setup cell installs the course.

The environment is Colab's where it can be: the versions that its own package asks for, and current numpy, torch and
torchvision. The large packages are not installed a second time, which would take another 5 GB and 80 seconds: a .pth file
lets the environment see those that the tests run with. ``google.colab`` is a stand-in with the real one's requirements, and
git answers the repository's address with a copy of the working tree.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import papermill
import pytest
from filelock import FileLock
from packaging.requirements import Requirement

from lossconditioning import notebooks
from lossconditioning.records import repository

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "colab"
PYTHON = BUILD / "env" / "bin" / "python"
# What Colab's package pins, and the ipywidgets that its front end speaks. Raising them under a running session breaks it.
PINS = (
    "ipython==7.34.0",
    "ipykernel==6.17.1",
    "ipywidgets==7.7.1",
    "notebook==6.5.7",
    "pandas==2.2.*",
    "tornado==6.4.2",
)
CURRENT = ("numpy", "torch", "torchvision")
# Large or many, in Colab as well, and not what the course brings: these and all that they require.
SHARED = (
    *CURRENT,
    "accelerate",
    "h5py",
    "matplotlib",
    "scikit-image",
    "scikit-learn",
    "jupyter-server",
    "ipykernel",
    "pip",
)


def with_requirements(names):
    """The installed distributions of these names, and of all that they require."""
    seen, waiting = {}, [Requirement(name) for name in names]
    while waiting:
        asked = waiting.pop()
        if (asked.name, *asked.extras) not in seen:
            seen[(asked.name, *asked.extras)] = distribution = metadata.distribution(asked.name)
            for needed in map(Requirement, distribution.requires or ()):
                if not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *asked.extras)):
                    waiting.append(needed)
    return seen.values()


def make_environment():
    """A virtual environment with Colab's pins that sees this one's large packages."""
    shutil.rmtree(BUILD, ignore_errors=True)
    venv.create(BUILD / "env")
    # Beside the environment, not in it: pip leaves alone what stands outside.
    shared = BUILD / "shared"
    shared.mkdir()
    for distribution in with_requirements(SHARED):
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (shared / top).exists():
                (shared / top).symlink_to(distribution.locate_file(top))
    (packages,) = BUILD.glob("env/lib/python*/site-packages")
    (packages / "shared.pth").write_text(f"{shared}\n")
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *PINS], check=True)


@pytest.fixture
def environment():
    """The environment, without the course; made once, and again when what goes in has changed."""
    key = json.dumps([sys.version, PINS, sorted({(d.name, d.version) for d in with_requirements(SHARED)})])
    BUILD.parent.mkdir(exist_ok=True)
    with FileLock(f"{BUILD}.lock"):
        if not (BUILD / "key").exists() or (BUILD / "key").read_text() != key:
            make_environment()
            (BUILD / "key").write_text(key)
        subprocess.run([PYTHON, "-m", "pip", "uninstall", "--quiet", "--yes", "lossconditioning"], check=True)
        yield


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A repository with the working tree as its only commit: what is tested is what stands here, committed or not."""
    folder = tmp_path_factory.mktemp("colab") / "repository"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (["init"], ["add", "--all", "--force"], [*author, "commit", "-m", "working tree"]):
        subprocess.run(["git", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def colab(environment, clone, tmp_path, monkeypatch):
    """The Jupyter kernel "colab"; gives the variables that its processes see."""
    stand_in = tmp_path / "stand-in"
    (stand_in / "google" / "colab").mkdir(parents=True)
    (stand_in / "google" / "colab" / "__init__.py").touch()
    (stand_in / "google_colab-1.0.0.dist-info").mkdir()
    requires = "".join(f"Requires-Dist: {pin}\n" for pin in PINS)
    (stand_in / "google_colab-1.0.0.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: google-colab\nVersion: 1.0.0\n{requires}"
    )
    variables = {
        "PYTHONPATH": str(stand_in),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository(),
    }
    launch = [str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {
        "argv": [*launch, "--IPKernelApp.exec_lines=import google.colab"],
        "display_name": "Colab stand-in",
        "language": "python",
        "env": variables,
    }
    (tmp_path / "kernels" / "colab").mkdir(parents=True)
    (tmp_path / "kernels" / "colab" / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return {**os.environ, **variables}


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.notebook_paths(), ids=lambda path: path.stem)
def test_one_file_in_an_empty_folder_installs_the_course_and_runs(path, colab, tmp_path, record_property):
    versions = [pin.replace("==", " ") for pin in PINS[:3]] + [f"{name} {metadata.version(name)}" for name in CURRENT]
    record_property("front_end", ["Colab stand-in, " + ", ".join(versions), "one file, setup cell, every cell, demo"])
    content = tmp_path / "content"
    content.mkdir()
    shutil.copy(path, content)

    papermill.execute_notebook(
        content / path.name, tmp_path / "executed.ipynb", kernel_name="colab", cwd=content, progress_bar=False
    )

    executed = notebooks.read(tmp_path / "executed.ipynb")
    panels = [
        o.data for cell in executed.cells for o in cell.get("outputs", []) if notebooks.WIDGET_VIEW in o.get("data", {})
    ]
    assert any("[slider panel]" in data["text/plain"] and "image/png" in data for data in panels)
    where = "import lossconditioning as course; print(course.__file__)"
    found = subprocess.run([PYTHON, "-c", where], cwd=content, env=colab, check=True, capture_output=True, text=True)
    assert found.stdout.startswith(str(BUILD / "env"))
    conflicts = subprocess.run([PYTHON, "-m", "pip", "check"], env=colab, capture_output=True, text=True)
    assert conflicts.returncode == 0, conflicts.stdout
    assert [file.name for file in content.iterdir()] == [path.name]
