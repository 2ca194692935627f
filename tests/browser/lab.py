"""JupyterLab as a reader has it: a server of its own, a notebook in a tab, a slider panel under mouse and keyboard."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import nbformat
from playwright.sync_api import Browser, Locator

from lossconditioning.notebooks import read

SETTINGS = {
    # JupyterLab's own choice: every cell is in the page, and those far below are laid out when they are scrolled to.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "contentVisibility"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
IS_READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext.session?.kernel?.status === "idle";
}"""
# What a reader would stumble over in a notebook that has run: cells left out, errors, widgets with nothing to see.
FAULTS = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, number) => {
    const found = [];
    if (cell.model.type !== "code") return found;
    if (cell.model.sharedModel.source.trim() && !cell.model.executionCount) found.push("not executed");
    for (let i = 0; i < cell.outputArea.model.length; i++) {
        const output = cell.outputArea.model.get(i);
        const node = cell.outputArea.widgets[i].node.querySelector(".jp-OutputArea-output");
        if (output.type === "error") found.push(output.toJSON().evalue);
        const pictures = [...node.querySelectorAll("img")];
        if (pictures.some(picture => !picture.naturalWidth)) found.push("a blank picture");
        if (!output.data["application/vnd.jupyter.widget-view+json"]) continue;
        const text = node.textContent.trim(), {width, height} = node.getBoundingClientRect();
        if (!width || !height || !(text || pictures.length)) found.push("a blank widget");
        if (/(Loading|Error displaying) widget/.test(text) || node.querySelector(".jupyter-widgets-error-widget"))
            found.push(`a broken widget: ${text}`);
    }
    return found.map(fault => `cell ${number}: ${fault}`);
})"""
# A panel is at rest when nothing in it has changed for a while and the kernel has nothing left to do.
AT_REST = """async (output) => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const picture = output.querySelector("img.widget-image");
    let last = performance.now();
    const watch = new MutationObserver(() => { last = performance.now(); });
    watch.observe(output, {subtree: true, childList: true, characterData: true, attributes: true});
    while (performance.now() - last < 1000 || kernel.status !== "idle" || !picture.complete)
        await new Promise(resolve => setTimeout(resolve, 50));
    watch.disconnect();
    const bytes = await (await fetch(picture.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [
        Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join(""),
        output.querySelector("[role=status]").textContent,
        [...output.querySelectorAll(".widget-readout")].map(readout => readout.textContent),
    ];
}"""

# What a move takes where there is nothing to compute: one of two pictures that are there already.
EMPTY = """from itertools import cycle

from lossconditioning.display import Slider, explore, figure
from lossconditioning.display.figures import snapshot

pictures = []
for title in ("one", "two"):
    drawn, (axis,) = figure(size=(8, 3))
    axis.set_title(title)
    pictures.append(snapshot(drawn))
turns = cycle(pictures)
explore(lambda x: next(turns), x=Slider(0, 1, 0.5), alt="empty axes")"""


def empty_panel() -> str:
    """A notebook whose only cell is a slider panel that computes nothing."""
    kernel = {"name": "python3", "display_name": "Python 3"}  # JupyterLab would ask for one
    cells = [nbformat.v4.new_code_cell(EMPTY)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


@contextmanager
def jupyterlab(folder: Path, home: Path):
    """JupyterLab of this environment over a folder, with nobody's settings; gives the address of a page by its path."""
    settings = home / "config/labconfig/default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    token = secrets.token_hex()
    options = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", "--port=0"]
    with open(home / "log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"],
            env={**os.environ, **{name: str(home / place) for name, place in places.items()}, "JUPYTER_TOKEN": token},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        address = _address(server, home)
        yield lambda path: f"{address}{path}?token={token}"
    finally:
        server.terminate()  # takes the kernels with it
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:  # a kernel that was starting can keep it; kernels end with their server
            server.kill()


def _address(server: subprocess.Popen, home: Path) -> str:
    """Where a server that is starting will answer; it chose a free port itself."""
    until = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < until:
        with suppress(OSError, ValueError):  # not yet written, or not to its end
            return json.loads((home / f"data/runtime/jpserver-{server.pid}.json").read_text("utf-8"))["url"]
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log').read_text('utf-8')}")


class Notebook:
    """One notebook, opened in a tab and a workspace of its own."""

    def __init__(self, browser: Browser, address: Callable[[str], str], path: str):
        self.name, workspace = Path(path).stem, path.removesuffix(".ipynb").replace("/", "-")
        self.context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self.page = self.context.new_page()
        self.page.goto(address(f"lab/workspaces/{workspace}/tree/{path}"))
        self.page.wait_for_function(IS_READY, timeout=90_000)

    def command(self, name: str) -> None:
        """What a menu entry does, to its end."""
        self.page.evaluate("name => jupyterapp.commands.execute(name)", name)

    def cell(self, number: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def faults(self) -> list[str]:
        """What is wrong and stays so: widgets and pictures appear a moment after their cell has ended."""
        until = time.monotonic() + 10
        while (found := self.page.evaluate(FAULTS)) and time.monotonic() < until:
            self.page.wait_for_timeout(200)
        return found

    def panel(self, cell: int) -> Panel:
        return Panel(self, cell)

    def close(self) -> None:
        self.command("kernelmenu:shutdown")
        self.context.close()


class State(NamedTuple):
    """What a reader sees of a panel at rest."""

    picture: str  # the hash of its bytes
    text: str
    readouts: list[str]


class Panel:
    """The slider panel in a cell's output."""

    def __init__(self, notebook: Notebook, cell: int):
        self.page, self.notebook, self.cell = notebook.page, notebook, cell
        self.output = notebook.cell(cell).locator(".jp-OutputArea-output:has(img.widget-image)")
        self.output.scroll_into_view_if_needed()

    @property
    def sliders(self) -> list[Locator]:
        return self.output.locator(".widget-slider").all()

    def name(self, slider: int) -> str:
        return self.sliders[slider].locator(".widget-label").inner_text()

    def at_rest(self) -> State:
        return State(*self.output.evaluate(AT_REST))

    def renew(self) -> None:
        """Run the cell again: a panel at its start, with no picture kept."""
        before = self.output.element_handle()
        self.page.evaluate("cell => { jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", self.cell)
        self.notebook.command("notebook:run-cell")
        before.wait_for_element_state("hidden")
        self.output.locator(".noUi-handle").first.focus()

    def press(self, key: str, times: int = 1, every: float = 0.0) -> None:
        """Press a key again and again, so many seconds apart, or as fast as it goes."""
        started = time.perf_counter()
        for count in range(1, times + 1):
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(max(0.0, 1000 * (started + count * every - time.perf_counter())))

    def drag(self, slider: int) -> None:
        """Drag a slider's handle by the mouse, two fifths of its way towards the farther end."""
        handle = self.sliders[slider].locator(".noUi-handle")
        handle.scroll_into_view_if_needed()
        track, box = self.sliders[slider].locator(".noUi-target").bounding_box(), handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        way = track["width"] * (0.4 if x < track["x"] + track["width"] / 2 else -0.4)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + way, y, steps=8)
        self.page.mouse.up()


def panel_cells(path: Path) -> list[int]:
    """The cells of a notebook that end in a slider panel, by what they saved."""
    return [
        number
        for number, cell in enumerate(read(path).cells)
        for output in cell.get("outputs", [])
        if output.get("data", {}).get("text/plain", "").startswith("[slider panel]")
    ]
