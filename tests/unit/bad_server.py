"""A server on loopback that does what servers do to downloads: it answers well, slowly, half, wrongly, or not at all."""

import functools
import http.server
import threading
import time

from lossconditioning.datasets.download import CHUNK

DATA = bytes(range(256)) * 1000  # 15.6 chunks
OTHER = DATA[::-1]
BROKEN_OFF = DATA[: 5 * CHUNK + 100]  # of which five chunks are kept


def answer(
    request, data=DATA, *, tag='"one"', date=None, heeds=("Range", "If-Range"), stop=None, announce=True, headers=()
):
    """Send a file as a good server does, or less well.

    Args:
        heeds: which headers of the request are heeded.
        stop: break the connection off before this byte of the file.
        announce: whether to say how long it is.
    """
    start, total, asked = 0, len(data), request.headers
    same = asked["If-Range"] in (None, tag, date) or "If-Range" not in heeds
    if asked["Range"] and "Range" in heeds and same:
        start = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= total:
            request.send_error(416)
            return
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
    for name, value in (("ETag", tag), ("Last-Modified", None if start else date), *headers):
        if value:
            request.send_header(name, value)
    if announce:
        request.send_header("Content-Length", str(total - start))
    request.end_headers()
    request.wfile.write(data[start:stop])


def slowly(request, pause=0.01):
    request.send_response(200)
    request.send_header("ETag", '"one"')
    request.send_header("Content-Length", str(len(DATA)))
    request.end_headers()
    for begin in range(0, len(DATA), CHUNK):
        request.wfile.write(DATA[begin : begin + CHUNK])
        request.server.look()
        time.sleep(pause)


def status(code):
    return lambda request: request.send_error(code)


def silent(request):
    request.server.closing.wait(10)


def stalls(request):
    answer(request, stop=len(BROKEN_OFF))
    request.wfile.flush()
    silent(request)


breaks_off = functools.partial(answer, stop=len(BROKEN_OFF))


def page(request):
    answer(request, b"<html>Please log in</html>", heeds=(), headers=[("Content-Type", "text/html; charset=utf-8")])


class Server(http.server.ThreadingHTTPServer):
    """Answers the first request by the first of ``answers``, and so on; the last one answers all that follow."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = [answer], []
        self.closing = threading.Event()
        self.look = lambda: None
        self.address = f"http://127.0.0.1:{self.server_port}/data.bin"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(dict(self.headers))
        turn = self.server.answers[min(len(self.server.asked), len(self.server.answers)) - 1]
        turn(self)

    def log_message(self, *_):
        pass
