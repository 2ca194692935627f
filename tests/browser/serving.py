"""Servers for the browser: a folder as a site, JupyterLab."""

import http.server
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

SETTINGS = {
    # JupyterLab's own choice: every cell is in the page, and those far below are laid out when they are scrolled to.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "contentVisibility"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextmanager
def served(folder: Path):
    """A folder as a site on a free loopback port; gives its address."""
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def jupyterlab(folder: Path, home: Path):
    """JupyterLab of this environment over a folder, with nobody's settings; gives the address of a page by its path."""
    settings = home / "config/labconfig/default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    environment = {name: str(home / place) for name, place in places.items()}
    token = secrets.token_hex()
    options = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", "--port=0"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"]

    def address(server):  # it chose a free port itself
        written = home / f"data/runtime/jpserver-{server.pid}.json"
        with suppress(OSError, ValueError):  # not yet written, or not to its end
            return json.loads(written.read_text("utf-8"))["url"]

    with _running(command, {**environment, "JUPYTER_TOKEN": token}, home / "log", address) as url:
        yield lambda path: f"{url}{path}?token={token}"


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path, address: Callable):
    """A server in a process of its own while it is needed; gives where it answers."""
    with open(log, "w", encoding="utf-8") as file:
        server = subprocess.Popen(command, env={**os.environ, **environment}, stdout=file, stderr=file)
    try:
        until = time.monotonic() + 60
        while (url := address(server)) is None:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{' '.join(command[1:3])} did not start:\n{log.read_text('utf-8')}")
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()  # takes the kernels with it
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:  # a kernel that was starting can keep it; kernels end with their server
            server.kill()
