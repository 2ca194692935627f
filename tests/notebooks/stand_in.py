"""A stand-in for Colab: an environment with its versions, to which a notebook's setup cell adds the course.

The versions are Colab's where they can be: those that its own package asks for, and current numpy, torch and torchvision. The
large packages are not installed a second time, which would take another 5 GB and 80 seconds: a .pth file lets the environment
see those that the tests run with. ``google.colab`` is a stand-in with the real one's requirements. git answers the repository's
address with a copy of the working tree, and pip finds in a folder what it would find on the package index.
"""

import json
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

from filelock import FileLock
from packaging.requirements import Requirement

from lossconditioning.records import repository

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "colab"
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
BUILDS = "hatchling>=1.25"  # what pip wants for building the course


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
    """An environment with Colab's pins that sees this one's large packages; beside it, wheels of what the course adds."""
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

    def pip(*arguments):
        command = [BUILD / "env" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    pip("install", "--quiet", *PINS)
    found = json.loads(pip("install", "--quiet", "--dry-run", "--report", "-", str(ROOT)))
    names = {item["metadata"]["name"]: item["metadata"]["version"] for item in found["install"]}
    del names["lossconditioning"]
    wheels = ("wheel", "--quiet", "--wheel-dir", str(BUILD / "wheels"))
    pip(*wheels, "--no-deps", *(f"{name}=={version}" for name, version in names.items()))
    pip(*wheels, BUILDS)


def made_environment() -> Path:
    """The environment without the course; made once, and again when what goes in has changed."""
    shared = sorted({(d.name, d.version) for d in with_requirements(SHARED)})
    key = json.dumps([sys.version, PINS, BUILDS, shared, metadata.requires("lossconditioning")])
    BUILD.parent.mkdir(exist_ok=True)
    with FileLock(f"{BUILD}.lock"):
        if not (BUILD / "key").exists() or (BUILD / "key").read_text() != key:
            make_environment()
            (BUILD / "key").write_text(key)
    return BUILD / "env"


def working_tree(folder: Path) -> Path:
    """A repository with the working tree as its only commit: what is tested is what stands here, committed or not."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (
        ["-c", "init.defaultBranch=main", "init"],
        # It is cloned for every notebook: packing weights and pictures tightly would take longer than all else there.
        ["config", "core.compression", "0"],
        ["config", "pack.window", "0"],
        ["add", "--all", "--force"],
        [*author, "commit", "-m", "working tree"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


class Colab:
    """An environment of one's own, so that tests wait for nobody; its Jupyter kernel is called "colab".

    Attributes:
        environment: the folder of the environment.
        python: its interpreter.
        variables: what its processes are to see.
    """

    def __init__(self, folder: Path):
        self.environment = folder / "env"
        shutil.copytree(made_environment(), self.environment, symlinks=True)
        self.python = self.environment / "bin" / "python"
        beside = folder / "beside"
        package, about = beside / "google" / "colab", beside / "google_colab-1.0.0.dist-info"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        about.mkdir()
        requires = "".join(f"Requires-Dist: {pin}\n" for pin in PINS)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: google-colab\nVersion: 1.0.0\n{requires}")
        launch = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv = [*launch, "--IPKernelApp.exec_lines=import google.colab"]
        kernel = {"argv": argv, "display_name": "Colab stand-in", "language": "python"}
        (folder / "kernels" / "colab").mkdir(parents=True)
        (folder / "kernels" / "colab" / "kernel.json").write_text(json.dumps(kernel))
        self.variables = {
            "PYTHONPATH": str(beside),
            "JUPYTER_PATH": str(folder),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{working_tree(folder / 'repository').as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": repository(),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(BUILD / "wheels"),
        }
