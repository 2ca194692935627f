"""One torch thread for benchmarks that ask for it: two that share the cores with anything else measure that too."""

import pytest
import torch
from ratios import REPORT

from lossconditioning.training import keep_freed_memory


@pytest.fixture(scope="module")
def one_thread():
    """And freed memory kept, on both sides, as `Loop` does."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("ratios: ours / other, less is faster")
    terminalreporter.write_line("\n".join(REPORT))
