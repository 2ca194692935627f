"""The demo: every notebook once, as Colab would run it, on a machine without a network, by nbval.

That one file lies in an empty folder; its setup cell installs the course beside Colab's versions. One execution answers all
that is asked about it, in one test, for what is executed once must not be executed again by another process.
"""

import json
import os
import shutil
import sys
from importlib import metadata
from itertools import chain

import pytest
from exercises import numbers, said
from network import namespace
from stand_in import CURRENT, PINS

from lossconditioning import notebooks

PATHS = notebooks.notebook_paths()
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
    "05_mixed_domain": ["losses by vgg19 with fixed random filters", "used instead: the built-in paintings"],
    "06_dynamic_net": ["losses by vgg19 with fixed random filters"],
    "07_staged_encoder": ["vgg19 with fixed random filters"],
    "08_hyper_singan": [],  # pictures are drawn, or come with scikit-image and scikit-learn
}
"""Notebook → what its outputs say about each thing that would otherwise have been downloaded."""

LOOKED_UP = {"00_welcome": {"github.com"}}
"""Notebook → names that it looks up, to say whether there is a network. Nothing else asks for anything outside."""

# Cells tagged nbval-check-output must give what is saved, the others must not fail.
NBVAL = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--color=no", "-q"),
    *("--nbval-lax", "--nbval-kernel-startup-timeout=300"),
)


def texts(outputs) -> str:
    return "\n".join(str(text) for o in outputs for text in (o.get("text", ""), *o.get("data", {}).values()))


@pytest.mark.slow(45)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_one_file_in_an_empty_folder_installs_the_course_and_runs(path, colab, offline, tmp_path, record_property):
    versions = [pin.replace("==", " ") for pin in PINS[:3]] + [f"{name} {metadata.version(name)}" for name in CURRENT]
    tried = "one file, setup cell, every cell, demo; network off; numbers as saved"
    record_property("front_end", ["Colab stand-in, " + ", ".join(versions), tried])
    content, executed = tmp_path / "content", tmp_path / "executed.ipynb"
    content.mkdir()
    shutil.copy(path, content)

    as_there = ("-p", "keep_outputs", "--nbval-kernel-name=colab", f"--rootdir={content}")
    offline.run(*NBVAL, *as_there, content / path.name, EXECUTED=str(executed), **colab.variables)

    notebook = notebooks.read(executed)
    setup, *outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    outputs = list(chain.from_iterable(outputs))
    # No network: everything is there, or something else is used, and said.
    assert not [output for output in outputs if output.output_type == "error"]
    assert [line for line in SAID[path.stem] if line not in texts(outputs)] == []
    assert set(offline.asked_for()) == LOOKED_UP.get(path.stem, set())
    assert not offline.downloaded()
    # Colab: the course that runs is the one that was installed, beside versions that stay as they are.
    assert "ERROR" not in texts(setup)
    panels = [output for output in outputs if notebooks.WIDGET_VIEW in output.get("data", {})]
    assert any("[slider panel]" in panel.data["text/plain"] and notebooks.picture_kind(panel) for panel in panels)
    where = "from importlib.util import find_spec; print(find_spec('lossconditioning').origin)"
    found = offline.run(colab.python, "-c", where, folder=content, **colab.variables)
    assert found.startswith(str(colab.environment))
    offline.run(colab.python, "-m", "pip", "check", **colab.variables)
    assert [file.name for file in content.iterdir()] == [path.name]
    # The exercises are left to the reader.
    assert said(notebook, "not solved yet") == numbers(notebook)


@pytest.mark.thorough
@pytest.mark.parametrize("path", notebooks.solution_paths(PATHS), ids=lambda path: path.stem)
def test_a_notebook_of_solutions_runs_by_itself(path, offline, tmp_path):
    """In the environment that `make` installs. The exercises' cells of it run in every smoke test, too."""
    shutil.copy(path, tmp_path)
    offline.run(*NBVAL, "--nbval-current-env", f"--rootdir={tmp_path}", tmp_path / path.name)


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


def test_the_network_is_off(offline):
    found = json.loads(offline.run(sys.executable, "-c", PROBE))
    assert found["look-up"] == "Temporary failure in name resolution"
    assert found["connection"] == "Network is unreachable"
    assert found["loopback"] == "answered"
    assert found["interfaces"] == ["lo"] or not namespace()
    assert offline.asked_for() == ["data.invalid", "192.0.2.1"]
