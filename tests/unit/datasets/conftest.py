"""Servers on loopback: one that answers as a test tells it, one of a folder."""

import threading

import pytest
from bad_server import Server
from loopback import served


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def loopback(tmp_path, monkeypatch):
    """``tmp_path / "home"``, served; what is downloaded goes to ``tmp_path / "cache"``."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "cache"))
    with served(tmp_path / "home") as server:
        yield server
