"""Where notebooks and cells are run: without a network, as on Colab, in one kernel for all cases of bad input."""

import ipykernel
import pytest
from network import Offline
from reader import SETUP, Kernel
from stand_in import Colab


@pytest.fixture
def offline(tmp_path):
    """Run Python with the network off, and an empty folder as home and for data."""
    return Offline(tmp_path)


@pytest.fixture(scope="session")
def colab(tmp_path_factory):
    """A stand-in for Colab. The first notebook that runs in it installs the course, the later ones find it there."""
    return Colab(tmp_path_factory.mktemp("colab"))


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("reader"))
    shown = kernel.run(SETUP)
    assert not shown.error, f"{shown.error}: {shown.said}"
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(shared_kernel, record_property):
    """After each case of bad input, what the reader made before is still there, and a good call works."""
    record_property("front_end", [f"ipykernel {ipykernel.__version__}", "bad input: a clear message, nothing lost"])
    yield shared_kernel
    shared_kernel.nothing_is_lost()
