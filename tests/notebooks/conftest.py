"""One kernel serves every case of bad input: after each, what the reader made before is still there, and a good call works."""

import ipykernel
import pytest


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory):
    from reader import SETUP, Kernel

    kernel = Kernel(tmp_path_factory.mktemp("reader"))
    shown = kernel.run(SETUP)
    assert not shown.error, f"{shown.error}: {shown.said}"
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(shared_kernel, record_property):
    record_property("front_end", [f"ipykernel {ipykernel.__version__}", "bad input: a clear message, nothing lost"])
    yield shared_kernel
    shared_kernel.nothing_is_lost()
