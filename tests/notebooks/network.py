"""The network off, and nothing in any cache: how a command is run as if on a fresh machine without a connection.

It is off twice: by a namespace without any but the loopback interface, where the machine lets one have it, and by an audit hook
in every Python process (within/sitecustomize.py), which also notes what was asked for.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

WITHIN = Path(__file__).with_name("within")
"""What the processes of such a command can import."""

ONLY_LOOPBACK = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
CACHES = ("XDG_", "JUPYTER_", "IPYTHON", "MPLCONFIGDIR", "TORCH_HOME", "SKIMAGE_DATADIR", "SCIKIT_LEARN_DATA")


@cache
def namespace() -> list[str]:
    """What to put before a command so that it has no interface but loopback; nothing where that can not be had."""
    try:
        possible = subprocess.run([*ONLY_LOOPBACK, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    return ONLY_LOOPBACK if possible else []


class Offline:
    """Runs commands with the network off, and an empty folder as home, for data and for what is trained."""

    def __init__(self, folder: Path):
        self.data, self._asked_for = folder / "data", folder / "asked_for"
        self._asked_for.touch()
        for name in ("home", "data"):
            (folder / name).mkdir()
        # What a pytest around this one has set is not meant for one that is run here.
        kept = {name: value for name, value in os.environ.items() if not name.startswith((*CACHES, "PYTEST_"))}
        self.environment = kept | {
            "HOME": str(folder / "home"),
            "LOSSCONDITIONING_DATA": str(self.data),
            "LOSSCONDITIONING_RUNS": str(folder / "runs"),
            "PYTHONPATH": str(WITHIN),
            "ASKED_FOR": str(self._asked_for),
        }

    def run(self, *command: str | os.PathLike, folder: Path | None = None, **more: str) -> str:
        """Run a command in a folder, with these variables besides; what it printed."""
        variables = self.environment | more
        if "PYTHONPATH" in more:
            variables["PYTHONPATH"] = os.pathsep.join([str(WITHIN), more["PYTHONPATH"]])
        done = subprocess.run(
            [*namespace(), *command], cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def asked_for(self) -> list[str]:
        """The names and addresses that were asked for, and not reached."""
        return self._asked_for.read_text().split()

    def downloaded(self) -> list[Path]:
        return list(self.data.iterdir())
