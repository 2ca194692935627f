"""The server of the apps: who starts a kernel, how many there are, and when they end."""

import http.client
import re
import signal
import threading
import time
from http.cookies import SimpleCookie
from types import SimpleNamespace

import nbformat
import pytest
from app_servers import app_server
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config
from voila.configuration import VoilaConfiguration

from lossconditioning.app_server.server import DEFAULTS, AppServer

APP = "/voila/render/light.ipynb"
LIMIT = 2
SOON = ("--FewKernels.cull_idle_timeout=1", "--FewKernels.cull_interval=1")


def light_app(folder):
    """An app whose kernel imports nothing."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_markdown_cell("# Light"), new_code_cell("1 + 1")]
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "light.ipynb")
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    home = tmp_path_factory.mktemp("server")
    with app_server(light_app(home / "apps"), home, *SOON, f"--FewKernels.limit={LIMIT}") as server:
        yield server
    assert not list((home / "tmp").iterdir())


@pytest.fixture
def server(running):
    """A server that has ended its kernels, and counts none."""
    running.wait_for(kernels=0)
    time.sleep(0.5)
    return running


def follow(server, path: str = "/") -> tuple[str, dict[str, str]]:
    """The page of somebody who has the link, and their cookies."""
    answer, page = server.ask(f"{path}?token={server.token}", Sec_Fetch_Dest="document")
    assert answer.status == 200
    cookies = [SimpleCookie(text) for text in answer.headers.get_all("Set-Cookie")]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    return page, {name: morsel.coded_value for cookie in cookies for name, morsel in cookie.items()}


def header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


WITHOUT_TOKEN = {
    "a page": (APP, {}),
    "the list": ("/", {}),
    "a picture in somebody's page": (
        APP,
        {"Accept": "image/*", "Sec_Fetch_Dest": "image", "Sec_Fetch_Site": "cross-site"},
    ),
    "a wrong token": (f"{APP}?token=abc", {}),
    "an empty token": (f"{APP}?token=", {}),
    "a wrong token in a header": (APP, {"Authorization": "token abc"}),
    "a made-up cookie": (APP, {"Cookie": "username-localhost=abc"}),
    "a static file": ("/voila/static/voila.js", {}),
    "a file beside the app": ("/voila/files/light.ipynb", {}),
    "the contents": ("/voila/api/contents", {}),
    "a kernel": ("/api/kernels/00000000-0000-0000-0000-000000000000", {}),
    "a kernel's channels": ("/api/kernels/00000000-0000-0000-0000-000000000000/channels", {"Upgrade": "websocket"}),
    "all kernels": ("/api/kernels", {}),
}


def test_without_the_token_no_kernel_starts(server):
    statuses = {}
    for what, (path, headers) in WITHOUT_TOKEN.items():
        answer, said = server.ask(path, **headers)
        statuses[what] = answer.status
        assert server.kernels() == 0, what
        assert server.token not in said
    assert statuses.pop("a static file") in (200, 404)  # Voilà's own scripts are everybody's
    assert set(statuses.values()) <= {302, 403, 404}
    assert statuses["a page"] == 302
    for method in ("POST", "DELETE"):
        assert server.ask("/api/kernels/00000000-0000-0000-0000-000000000000", method)[0].status in (403, 405)
    assert server.ask("/api/kernels", "POST")[0].status == 404


def test_a_login_is_of_no_use_to_other_pages(server):
    cookie = header(follow(server)[1])
    for wanted in ("image", "iframe", "script", "empty"):
        answer, said = server.ask(APP, Cookie=cookie, Sec_Fetch_Dest=wanted)
        assert answer.status == 403
        assert "a page of its own" in said
    for path in (APP, f"{APP}?token={server.token}"):  # a name that was made to lead here
        for host in ("example.org", f"example.org:{server.port}", "192.0.2.7"):
            assert server.ask(path, Cookie=cookie, Host=host)[0].status == 403
    assert server.kernels() == 0


def test_with_the_token_a_page_has_a_kernel_until_it_is_closed(server):
    page, cookies = follow(server, APP)
    assert "Light" in page
    assert server.kernels() == 1
    # What Voilà's script sends when a page is closed or left.
    (kernel,) = re.findall(r'"kernelId": "([\w-]+)"', page)
    form = {"Cookie": header(cookies), "Content_Type": "application/x-www-form-urlencoded"}
    answer, _ = server.ask(f"/voila/api/shutdown/{kernel}", "POST", f"_xsrf={cookies['_xsrf']}", **form)
    assert (answer.status, server.kernels()) == (204, 0)
    assert server.ask(APP, Cookie=header(cookies))[0].status == 200  # the login stays
    assert server.kernels() == 1


def test_beyond_the_limit_a_visitor_reads_so(server):
    answers = []
    visits = [
        threading.Thread(target=lambda: answers.append(server.ask(f"{APP}?token={server.token}"))) for _ in range(6)
    ]
    for visit in visits:
        visit.start()
    most = 0
    while any(visit.is_alive() for visit in visits):
        most = max(most, server.kernels())
        visits[0].join(0.05)
        visits.sort(key=threading.Thread.is_alive, reverse=True)
    refused = [said for answer, said in answers if answer.status == 503]
    assert [answer.status for answer, _ in answers].count(200) == len(answers) - len(refused) == LIMIT
    assert most <= LIMIT
    assert all(f"503: All {LIMIT} places of this server are taken" in said for said in refused)
    server.wait_for(kernels=0)  # nobody came back
    until = time.monotonic() + 30
    while server.ask(f"{APP}?token={server.token}")[0].status != 200:
        assert time.monotonic() < until


@pytest.mark.thorough
def test_fifty_visits_leave_no_kernel(tmp_path):
    app = light_app(tmp_path / "apps") / "light.ipynb"
    with app_server(app, tmp_path, *SOON) as server:  # one app, and the usual limit
        statuses, most = [], 0
        for _ in range(50):
            visit = http.client.HTTPConnection("localhost", server.port, timeout=60)
            visit.request("GET", f"/?token={server.token}")
            statuses.append(visit.getresponse().status)
            most = max(most, server.kernels())
            visit.close()  # in the middle of the page
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) >= 4
        assert 1 <= most <= 4
        server.wait_for(kernels=0)
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.thorough
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda stop: stop.name)
@pytest.mark.parametrize("seconds", [0, 0.05, 0.1, 0.3, 1])
def test_stopped_amid_a_visit_it_leaves_nothing(tmp_path, stop, seconds):
    app = light_app(tmp_path / "apps") / "light.ipynb"
    with app_server(app, tmp_path) as server:
        visit = http.client.HTTPConnection("localhost", server.port)
        visit.request("GET", f"/?token={server.token}")
        time.sleep(seconds)
        kernels = server.process.children(recursive=True)
        server.process.send_signal(stop)
        assert server.process.wait(30) == 0
        visit.close()
    assert not any(kernel.is_running() for kernel in kernels)
    assert not list((tmp_path / "tmp").iterdir())


def test_what_it_does_unless_told_otherwise():
    server = AppServer(hostnames=["apps.example.org"], config=Config(DEFAULTS))
    server.voila_configuration = VoilaConfiguration(parent=server)
    server.connection_dir = ""
    settings = server.init_settings()
    assert settings["allow_remote_access"] is False
    assert settings["local_hostnames"] == ["localhost", "apps.example.org"]
    assert len(server.identity_provider.token) >= 40
    assert server.ip == "localhost"
    kernels = server.kernel_manager
    assert 0 < kernels.cull_interval < kernels.cull_idle_timeout <= 120
    assert (kernels.limit, kernels.cull_connected) == (4, False)


def test_the_browser_is_sent_to_the_link_by_a_file(tmp_path, monkeypatch):
    opened, done = [], threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda address: (opened.append(address), done.set()))
    server = AppServer(port=8000)
    server.connection_dir = str(tmp_path)
    server.identity_provider = SimpleNamespace(token="secret")
    server.launch_browser()
    assert done.wait(10)
    assert opened == [(tmp_path / "open.html").as_uri()]  # everybody may read a command line
    assert "url=http://localhost:8000/?token=secret" in (tmp_path / "open.html").read_text()
