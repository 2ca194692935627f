"""The server of the apps in a process of its own, asked as a browser would, or as somebody else's page."""

import http.client
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lossconditioning.apps import SERVER


@dataclass(frozen=True)
class Server:
    """A server that runs: where it answers, what lets one in, and its process."""

    port: int
    token: str
    process: psutil.Process

    @property
    def link(self) -> str:
        return f"http://localhost:{self.port}/?token={self.token}"

    def kernels(self) -> int:
        """How many there are."""
        count = 0
        for child in self.process.children():
            with suppress(psutil.NoSuchProcess):  # ended meanwhile
                count += "ipykernel_launcher" in child.cmdline()
        return count

    def wait_for(self, kernels: int, seconds: float = 30) -> None:
        """Until there are so many kernels."""
        until = time.monotonic() + seconds
        while self.kernels() != kernels:
            assert time.monotonic() < until, f"{self.kernels()} kernels, not {kernels}"
            time.sleep(0.1)

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str):
        """The answer, read to its end, and what it says; redirections are not followed."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


@contextmanager
def app_server(served: Path, home: Path, *options: str) -> Iterator[Server]:
    """A server of an app or a folder of apps while it is needed; it ends as by Ctrl-C, and takes its kernels with it."""
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython", "TMPDIR": "tmp"}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **{name: str(home / at) for name, at in places.items()}}
    environment.pop("JUPYTER_TOKEN", None)
    (home / "tmp").mkdir()
    with open(home / "log", "w", encoding="utf-8") as log:
        command = [sys.executable, str(SERVER), str(served), "--no-browser", *options]
        process = psutil.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
    try:
        port, token = _printed_link(process, home / "log")
        yield Server(port, token, process)
    finally:
        running = [process, *process.children(recursive=True)] if process.is_running() else []
        for left in running[:1]:
            left.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            for left in running:
                if left.is_running():
                    left.kill()


def _printed_link(process: psutil.Popen, log: Path) -> tuple[int, str]:
    """Port and token of the link for people, once it is printed."""
    until = time.monotonic() + 120
    while not (link := re.search(r"http://localhost:(\d+)/\?token=(\w+)\s", log.read_text("utf-8"))):
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < until, log.read_text("utf-8")
        time.sleep(0.1)
    return int(link[1]), link[2]
