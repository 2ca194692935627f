"""Where data sets come from in tests: a folder that is served on loopback, and the command that fetches them."""

import functools
import http.server
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from lossconditioning import cli


class Counting(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        self.server.asked += 1


@contextmanager
def served(folder: Path):
    """A server of a folder: its ``address``, how often it was ``asked``, the ``folder``."""
    folder.mkdir(exist_ok=True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counting, directory=folder)) as server:
        server.asked, server.folder, server.address = 0, folder, f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetched(name: str, status: int = 0) -> None:
    """`lossconditioning data fetch NAME`, which ends with that status."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(["data", "fetch", name])
    assert leaving.value.code == status
