"""A folder as a site, for pages that a file address would not do for."""

import http.server
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path


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
