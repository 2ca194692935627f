"""What every system is tried with: its smallest experiments of each kind, finished once in a session."""

from dataclasses import replace

import pytest
from filelock import FileLock
from smallest import SMOKE, Shelf, chosen

from lossconditioning.systems import system


@pytest.fixture(scope="session")
def shelves(tmp_path_factory):
    """Name of a system → its `Shelf`, trained by whichever worker asks first."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if root.name.startswith("popen-") else root  # what xdist's workers share
    made = {}

    def shelf(name: str) -> Shelf:
        if name not in made:
            found, run = system(name), replace(SMOKE, out=root / "contract" / name)
            kinds, configs = chosen(found)
            with FileLock(root / f"contract-{name}.lock"):
                assert found.train_all(configs.values(), run) == len(configs)
            made[name] = Shelf(found, kinds, configs, run)
        return made[name]

    return shelf
