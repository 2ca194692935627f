"""What the project promises about itself: dependencies in step, imports downward, nothing unpickled."""

import ast
import graphlib
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lossconditioning"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def ranges(requirements) -> dict[str, str]:
    """Requirements as name → versions."""
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in parsed}


# Dependencies -------------------------------------------------------------------------------------------------------------


def test_the_conda_environment_is_in_step():
    expected = ranges([*PROJECT["dependencies"], *EXTRAS["lab"]])
    for name in ("moocore", "constriction", "pytorch-msssim"):  # not on conda-forge, or nobody knows; pip installs them
        del expected[name]
    for name, conda in (("torch", "pytorch"), ("matplotlib", "matplotlib-base")):
        expected[conda] = expected.pop(name)
    expected |= {"python": PROJECT["requires-python"], "pip": ""}
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert ranges(entry for entry in listed if isinstance(entry, str)) == expected
    assert [entry for entry in listed if not isinstance(entry, str)] == [{"pip": ["-e .[dev]"]}]


def test_every_requirement_has_a_pin_that_satisfies_it():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}
    assert len(versions) == len(pins)
    assert all(version.startswith("==") and "*" not in version for version in versions.values())
    for text in [*PROJECT["dependencies"], *EXTRAS["lab"], *EXTRAS["app"], *EXTRAS["dev"]]:
        requirement = Requirement(text)
        if requirement.name != PROJECT["name"]:
            version = versions[canonicalize_name(requirement.name)].removeprefix("==")
            assert requirement.specifier.contains(version, prereleases=True), f"{text}, but pinned to {version}"


# Imports ------------------------------------------------------------------------------------------------------------------

# Room of the package → rooms it may import. Each line reads downward only: what it names stands above it.
MAY_IMPORT = {
    "errors": [],
    "tracing": [],
    "skeletons": [],
    "paths": ["errors"],
    "environment": ["errors"],
    "workplaces": [],
    "execution": ["workplaces"],
    "priors": ["errors"],
    "conditioning": ["errors", "tracing", "skeletons", "priors"],
    "losses": ["errors", "paths"],
    "display": ["errors"],
    "evaluation": ["errors", "losses"],
    "training": ["errors", "tracing", "skeletons", "paths", "losses", "evaluation"],
    "datasets": ["errors", "paths", "training"],
    "": ["errors", "priors", "conditioning", "losses", "display", "evaluation", "training"],
    "painting": ["errors", "tracing", "paths", "losses", "training", "datasets"],
    "codec": ["errors", "tracing", "priors", "conditioning", "evaluation", "training", "datasets"],
    "systems": [
        *("errors", "paths", "priors", "conditioning", "losses", "display", "evaluation", "training", "datasets"),
        *("painting", "codec"),
    ],
    "notebooks": ["errors", "paths", "workplaces", "execution", "training"],
    "frontispiece": ["datasets", "display", "systems"],
    "records": ["errors", "paths", "training", "evaluation", "display", "systems", "notebooks", "frontispiece"],
    "app_server": [],
    "apps": ["errors", "notebooks"],
    "commands": ["errors", "training", "codec", "systems", "notebooks", "records", "apps"],
    "cli": ["errors", "paths", "datasets", "commands"],
    "__main__": ["cli"],
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """Every module a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in names}
    return found


def room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def test_the_table_of_rooms_reads_downward():
    seen = []
    for name, below in MAY_IMPORT.items():
        assert set(below) <= set(seen), name
        seen.append(name)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downward(module):
    own = {name for name in imports(MODULES[module]) if name.split(".")[0] == PACKAGE.name}
    assert {room(name) for name in own} <= {room(module), *MAY_IMPORT[room(module)]}


def owner(module: str) -> str:
    """The system that a module belongs to; empty for all others."""
    return (
        module.removeprefix("lossconditioning.systems").strip(".").partition(".")[0]
        if room(module) == "systems"
        else ""
    )


@pytest.mark.parametrize("module", [module for module in MODULES if owner(module)])
def test_no_system_imports_another_systems_insides(module):
    assert {owner(name) for name in imports(MODULES[module])} <= {"", owner(module)}


def test_imports_run_in_no_circle():
    graph = {module: imports(path) & MODULES.keys() for module, path in MODULES.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_what_is_imported_is_declared():
    distributions = packages_distributions()
    for module, path in MODULES.items():
        extra = EXTRAS["app"] if room(module) == "app_server" else []  # a program that runs where that is installed
        declared = ranges([*PROJECT["dependencies"], *extra])
        for name in {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {PACKAGE.name}:
            assert {canonicalize_name(owner) for owner in distributions[name]} & declared.keys(), f"{module}: {name}"


# The tracked tree ---------------------------------------------------------------------------------------------------------


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_nothing_unpickles():
    for path in tracked():
        if path.relative_to(ROOT).parts[0] != "tests":
            text = path.read_bytes()
            assert b"pickle.load" not in text, path
            assert b"torch.load(" not in text, path


def test_no_file_is_a_drawer():
    assert not [path for path in tracked() if path.stem in ("utils", "helpers", "misc", "common")]
