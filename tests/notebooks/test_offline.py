"""Every notebook runs in its demo profile with the network off and nothing in any cache, and says what it uses instead.

The network is off twice: by a namespace without any but the loopback interface, where the machine lets one have it, and by an
audit hook in every Python process, which also stops name look-ups (a resolver may be asked through a file) and notes them.
"""

import json
import os
import shlex
import subprocess
import sys

import pytest

from lossconditioning import notebooks

SAID = {
    "00_welcome": ["offline; nothing needs to be downloaded"],
    "01_sym_parameter_toy": [],  # its data are formulas
    "02_beta_vae": [
        "on rendered 3-D Shapes",
        "The networks were trained on CIFAR-10; the picture is a patch of a photograph that ships with scikit-image",
        "on CIFAR-10's side with patches of photographs",
    ],
    "03_compression": [],  # its photographs come with scikit-image and scikit-learn
    "04_style_transfer": ["losses by vgg19 with fixed random filters"],
    "06_dynamic_net": ["losses by vgg19 with fixed random filters"],
}
"""Notebook → what its outputs say about each thing that would otherwise have been downloaded."""

LOOKED_UP = {"00_welcome": {"github.com"}}
"""Notebook → names that it looks up, to say whether there is a network. Nothing else asks for anything outside."""

NETWORK_OFF = """
import errno, os, socket, sys

def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    elif event in ("socket.connect", "socket.sendto") and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        name = arguments[1][0]
        error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    else:
        return
    if name not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1"):
        with open(os.environ["ASKED_FOR"], "a") as file:
            file.write(f"{name}\\n")
        raise error

sys.addaudithook(hook)
"""

ONLY_LOOPBACK = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def namespace() -> list[str]:
    """What to put before a command so that it has no interface but loopback; nothing where that can not be had."""
    try:
        possible = subprocess.run([*ONLY_LOOPBACK, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    return ONLY_LOOPBACK if possible else []


@pytest.fixture
def offline(tmp_path):
    """Run a command with the network off, and an empty folder as home and for data. Returns what it printed."""
    for name in ("home", "data", "hook"):
        (tmp_path / name).mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(NETWORK_OFF)
    (tmp_path / "asked_for").touch()
    caches = ("XDG_", "JUPYTER_", "IPYTHON", "MPLCONFIGDIR", "TORCH_HOME", "SKIMAGE_DATADIR", "SCIKIT_LEARN_DATA")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(caches)} | {
        "HOME": str(tmp_path / "home"),
        "LOSSCONDITIONING_DATA": str(tmp_path / "data"),
        "PYTHONPATH": str(tmp_path / "hook"),
        "ASKED_FOR": str(tmp_path / "asked_for"),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [*namespace(), sys.executable, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


PROBE = """
import json, socket
server = socket.create_server(("127.0.0.1", 0))
found = {"interfaces": [name for _, name in socket.if_nameindex()]}
for name, ask in {
    "look-up": lambda: socket.getaddrinfo("data.invalid", 443),
    "connection": lambda: socket.socket().connect(("192.0.2.1", 443)),  # an address that belongs to nobody
    "loopback": lambda: socket.create_connection(server.getsockname()),
}.items():
    try:
        found[name] = ask() and "answered"
    except OSError as error:
        found[name] = error.strerror
print(json.dumps(found))
"""


def test_the_network_is_off(offline, tmp_path):
    found = json.loads(offline("-c", PROBE))
    assert found["look-up"] == "Temporary failure in name resolution"
    assert found["connection"] == "Network is unreachable"
    assert found["loopback"] == "answered"
    assert found["interfaces"] == ["lo"] or not namespace()
    assert (tmp_path / "asked_for").read_text().split() == ["data.invalid", "192.0.2.1"]


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.notebook_paths(), ids=lambda p: p.stem)
def test_the_demo_runs_offline_and_says_what_it_uses_instead(path, offline, tmp_path, record_property):
    record_property("front_end", ["papermill, network off", "every notebook, demo"])
    offline(*shlex.split(f"-m lossconditioning run {path.stem} --profile demo --out"), str(tmp_path / "out"))
    executed = notebooks.read(tmp_path / "out" / path.name)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    texts = "\n".join(str(text) for o in outputs for text in (o.get("text", ""), *o.get("data", {}).values()))
    assert [line for line in SAID[path.stem] if line not in texts] == []
    assert set((tmp_path / "asked_for").read_text().split()) == LOOKED_UP.get(path.stem, set())
    assert not list((tmp_path / "data").iterdir())
