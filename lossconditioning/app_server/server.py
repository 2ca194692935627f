"""The server of the apps: Voilà, which asks for a token, answers to this machine's name alone, and keeps few kernels.

Every visit starts a kernel, which takes half a gigabyte and more. So only who has the link with the token starts one, there
are never more than a few, and a kernel ends when its page is closed, or never came to be.

Run as a program, with an app or a folder of apps and Voilà's own options, such as ``--port=8000``, ``--no-browser`` or
``--FewKernels.limit=8``; Ctrl-C ends it, and its kernels.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import webbrowser
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbformat import NotebookNode
from tornado import web
from tornado.ioloop import IOLoop
from traitlets import Integer, List, Unicode
from traitlets.config import Config
from voila.app import Voila

_IN_USE = "All {limit} places of this server are taken. Close the page of another app, or try again in a minute."


class FewKernels(AsyncMappingKernelManager):
    """A manager of kernels that starts no more than a few."""

    limit = Integer(4, min=1, config=True, help="How many kernels there may be at a time; every open page has one.")

    def __init__(self, **options):
        super().__init__(**options)
        self._starting: dict[str, asyncio.Task] = {}
        self._ending = False

    async def start_kernel(self, **options) -> str:
        """Start a kernel, and return its id; beyond the limit the visitor reads so, with status 503."""
        if self._ending:
            raise web.HTTPError(503, reason="This server is being stopped.")
        # Nothing is awaited between counting and entering: visits that arrive together do not pass the limit together.
        if len({*self.list_kernel_ids(), *self._starting}) >= self.limit:
            raise web.HTTPError(503, reason=_IN_USE.format(limit=self.limit))
        kernel_id = self.new_kernel_id()
        self._starting[kernel_id] = asyncio.ensure_future(super().start_kernel(kernel_id=kernel_id, **options))
        try:
            return await self._starting[kernel_id]
        finally:
            del self._starting[kernel_id]

    async def shutdown_all(self, now: bool = False) -> None:
        """End all kernels; those that are starting, once they have. None starts afterwards."""
        self._ending = True
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        await super().shutdown_all(now)


class AppServer(Voila):
    """Voilà with a link that holds the token, and a check of the name it is asked by."""

    classes = [*Voila.classes, FewKernels]  # noqa: RUF012 - traitlets' own
    hostnames = List(Unicode(), config=True, help="Names besides localhost to answer to, as of a proxy before it.")

    def init_settings(self) -> dict:
        # Voilà switches the check off. Without it any page could have its own name lead here (DNS rebinding).
        return {
            **super().init_settings(),
            "allow_remote_access": False,
            "local_hostnames": ["localhost", *self.hostnames],
        }

    def listen(self) -> None:
        """Serve until Ctrl-C, which is taken as a signal to terminate is: amid a request it could leave a kernel behind."""
        self.ioloop = IOLoop.current()
        signal.signal(signal.SIGINT, self._handle_signal_stop)
        super().listen()

    def stop(self) -> None:
        # Before the folder goes that they write to, and on the loop that starts them.
        self.ioloop.run_sync(self.kernel_manager.shutdown_all)
        super().stop()

    def launch_browser(self) -> None:
        """Open the link by way of a file in a folder that is its owner's: everybody may read a command line."""
        link = Path(self.connection_dir, "open.html")  # goes when the server stops
        address = f"{self.connection_url}?token={self.identity_provider.token}"
        link.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', "utf-8")
        threading.Thread(target=webbrowser.open, args=[link.as_uri()], daemon=True).start()


def before_a_kernel(handler: web.RequestHandler, notebook: NotebookNode, cwd: str) -> None:
    """Called with every request that is about to start a kernel: refuses those that no visitor made."""
    # Browsers say what they want an answer for. On one machine the login holds for the pages of every port.
    if handler.request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise web.HTTPError(403, reason="An app is opened as a page of its own, not within another.")
    _ = handler.xsrf_token  # sets the cookie without which the page may not end its kernel when it is closed


# What Voilà and Jupyter's server offer, and would leave off; a command line or a voila.json has the last word.
DEFAULTS = {
    "Voila": {"auto_token": True},
    "VoilaConfiguration": {
        "multi_kernel_manager_class": FewKernels,
        "prelaunch_hook": before_a_kernel,
        "file_allowlist": [],  # files are served without a token, and apps have none
    },
    "FewKernels": {
        # In seconds, of kernels without a page: an open one would not say that its kernel has ended.
        "cull_idle_timeout": 60,
        "cull_interval": 10,
        "buffer_offline_messages": False,
    },
    # So that other sites' pages cannot use a visitor's login, be it for a picture, a frame or a link.
    "IdentityProvider": {"cookie_options": {"samesite": "Strict"}},
}


if __name__ == "__main__":
    AppServer.launch_instance(config=Config(DEFAULTS))
