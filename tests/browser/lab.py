"""JupyterLab as a reader has it: a notebook in a tab, a slider panel under mouse and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
from playwright.sync_api import Browser, Locator

IS_READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext.session?.kernel?.status === "idle";
}"""
NEW_KERNEL = """async () => {
    const {content, sessionContext} = jupyterapp.shell.currentWidget;
    const kernel = await sessionContext.changeKernel({name: content.model.getMetadata("kernelspec").name});
    await kernel.info;
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
# The kernel handles a move, and later a picture, in its main thread or in one that it has for widgets (a subshell). Each thread
# answers in turn: the first time it has the move that was made, the second time it has made the picture.
ANSWERED = """async () => {
    const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
    const threads = new Set([null, ...Array.from(kernel._comms.values(), comm => comm.subshellId)]);
    const message = {channel: "shell", parent_header: {}, metadata: {}, content: {}, buffers: []};
    const header = {msg_type: "kernel_info_request", session: kernel.clientId, username: "", version: "5.3"};
    for (let times = 0; times < 2; times++) {
        for (const subshell_id of threads) {
            const unique = {msg_id: crypto.randomUUID(), date: new Date().toISOString(), subshell_id};
            await kernel.sendShellMessage({...message, header: {...header, ...unique}}, true).done;
        }
        await new Promise(resolve => setTimeout(resolve, 10));
    }
}"""
# A panel is at rest when the kernel has answered and nothing has changed since, for longer than a fine picture waits (350 ms);
# and when the kernel answers then, too, for it may be making that picture.
AT_REST = """async (output) => {
    const picture = output.querySelector("img.widget-image");
    const pause = () => new Promise(resolve => setTimeout(resolve, 25));
    let changes = 0, seen, last;
    const watch = new MutationObserver(() => { changes++; last = performance.now(); });
    watch.observe(output, {subtree: true, childList: true, characterData: true, attributes: true});
    do {
        await (ANSWERED)();
        last = performance.now();
        while (performance.now() - last < 500 || !picture.complete) await pause();
        seen = changes;
        await (ANSWERED)();
        await pause();
    } while (changes !== seen);
    watch.disconnect();
    const bytes = await (await fetch(picture.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [
        Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join(""),
        output.querySelector("[role=status]").textContent,
        [...output.querySelectorAll(".widget-readout")].map(readout => readout.textContent),
        [...output.querySelectorAll("select")].map(choice => choice.selectedOptions[0].text),
    ];
}""".replace("ANSWERED", ANSWERED)

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


class Notebook:
    """One notebook in a tab and a workspace of its own: as it was saved, without a kernel, until it is run."""

    def __init__(self, browser: Browser, address: Callable[[str], str], path: Path):
        self.path, self.name, self.is_saved = path, path.stem, True
        self.context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self.page = self.context.new_page()
        self.page.goto(address(f"lab/workspaces/{self.name}/tree/{path.name}"))
        self.page.wait_for_function(IS_READY, timeout=90_000)
        self.command("kernelmenu:shutdown")

    def run(self) -> None:
        """Run → Run All Cells, in a new kernel."""
        self.is_saved = False
        self.page.evaluate(NEW_KERNEL)
        self.command("notebook:run-all-cells")

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
        if not self.is_saved:
            self.command("kernelmenu:shutdown")
        self.context.close()


class State(NamedTuple):
    """What a reader sees of a panel at rest."""

    picture: str  # the hash of its bytes
    text: str
    readouts: list[str]
    choices: list[str]


class Panel:
    """The slider panel in a cell's output."""

    def __init__(self, notebook: Notebook, cell: int):
        self.page, self.notebook, self.cell = notebook.page, notebook, cell
        self.output = notebook.cell(cell).locator(".jp-OutputArea-output:has(img.widget-image)")
        self.output.scroll_into_view_if_needed()

    @property
    def sliders(self) -> list[Locator]:
        return self.output.locator(".widget-slider").all()

    @property
    def triangles(self) -> list[Locator]:
        return self.output.locator(".lct-field").all()

    def name(self, slider: int) -> str:
        return self.sliders[slider].locator(".widget-label").inner_text()

    def at_rest(self) -> State:
        return State(*self.output.evaluate(AT_REST))

    def answered(self) -> None:
        """Wait until the kernel has made the picture of the last move."""
        self.page.evaluate(ANSWERED)

    def renew(self) -> None:
        """Run the cell again: a panel at its start, with no picture kept."""
        before = self.output.element_handle()
        self.page.evaluate("cell => { jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", self.cell)
        self.notebook.command("notebook:run-cell")
        before.wait_for_element_state("hidden")
        self.output.locator(".noUi-handle, .lct-field").first.focus()

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

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
