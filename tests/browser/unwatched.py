"""A slider panel in JupyterLab on a page that nobody listens to, as a reader's is: what latency is measured on.

Playwright has every message between its pages and Jupyter's server copied, in the page's process and into its own. Whatever is
copied must be cleared away again: about one move in a hundred met the page's or Playwright's garbage collector at work, for
36 to 83 ms of a core. So this page is opened beside Playwright's, and asked over the DevTools protocol for what is needed, and
no more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab import AT_REST, IS_READY
from panels import PANELS, needed
from playwright.sync_api import Browser

# Windows' codes, which the protocol asks for.
KEYS = {"End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "2": 50}
OUTPUT = """(cell) => document.querySelectorAll(".jp-Notebook .jp-Cell")[cell]
    .querySelector(".jp-OutputArea-output:has(img.widget-image)")"""
# Run cells one after the other, to the first error.
RUN = """async (cells) => {
    const {content} = jupyterapp.shell.currentWidget;
    for (const cell of cells) {
        content.activeCellIndex = cell;
        await jupyterapp.commands.execute("notebook:run-cell");
        const error = content.activeCell.model.outputs?.toJSON().find(output => output.output_type === "error");
        if (error) throw new Error(`cell ${cell}: ${error.evalue}`);
    }
}"""
# Give the keyboard to the first slider or triangle of a panel, where asked to of a new one: the cell runs again.
FOCUS = """async (cell, isNew) => {
    const before = isNew ? OUTPUT(cell) : null, pause = () => new Promise(resolve => setTimeout(resolve, 50));
    if (isNew) await RUN([cell]);
    while (OUTPUT(cell) === before || !OUTPUT(cell)?.querySelector("img.widget-image").naturalWidth) await pause();
    OUTPUT(cell).scrollIntoView({block: "center"});
    const first = OUTPUT(cell).querySelector(".noUi-handle, .lct-field");
    first.blur();  // a focus that came before the control's script is none
    first.focus();
}""".replace("OUTPUT", f"({OUTPUT})").replace("RUN", f"({RUN})")

# What the first slider or triangle of a panel is called.
NAME = """output => (output.querySelector(".widget-slider .widget-label")?.innerText
    ?? output.querySelector(".lct-field").ariaLabel)"""


class Page:
    """A tab of 1280×1000 pixels that tells nothing but what it is asked."""

    def __init__(self, browser: Browser, address: str):
        self.browser = browser.new_browser_cdp_session()
        # Outside of Playwright's contexts, where it lets go of a page at once.
        self.target = self.browser.send("Target.createTarget", {"url": address, "newWindow": True})["targetId"]
        attached = self.browser.send("Target.attachToTarget", {"targetId": self.target, "flatten": False})
        self.session, self.answers, self.asked = attached["sessionId"], {}, 0
        self.browser.on("Target.receivedMessageFromTarget", self._answered)
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        self.ask("Emulation.setDeviceMetricsOverride", width=1280, height=1000, deviceScaleFactor=1, mobile=False)

    def tell(self, method: str, **arguments: Any) -> int:
        """Send a command, and do not wait for it; gives its number."""
        self.asked += 1
        message = json.dumps({"id": self.asked, "method": method, "params": arguments})
        self.browser.send("Target.sendMessageToTarget", {"sessionId": self.session, "message": message})
        return self.asked

    def ask(self, method: str, timeout: float = 120, **arguments: Any) -> dict[str, Any]:
        """Send a command, and wait for what it returns."""
        number, until = self.tell(method, **arguments), time.monotonic() + timeout
        while number not in self.answers:
            if time.monotonic() > until:
                raise TimeoutError(f"No answer to {method} within {timeout} s.")
            time.sleep(0.02)
            self.browser.send("Browser.getVersion")  # answers arrive while something is being sent
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def evaluate(self, function: str, *arguments: Any, timeout: float = 120) -> Any:
        """What a JavaScript function returns, or its promise fulfils."""
        call = f"({function})(...{json.dumps(arguments)})"
        answer = self.ask("Runtime.evaluate", timeout, expression=call, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def close(self) -> None:
        self.browser.send("Target.closeTarget", {"targetId": self.target})
        self.browser.detach()

    def _answered(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if event["sessionId"] == self.session and "id" in message:
            self.answers[message["id"]] = message


class TimedNotebook:
    """A notebook that was opened on such a page, and of which the cells ran that its panels need."""

    def __init__(self, browser: Browser, address: Callable[[str], str], path: Path, cells: Sequence[int] = ()):
        self.path, self.name = path, path.stem
        self.page = Page(browser, address(f"lab/workspaces/timed-{path.stem}/tree/{path.name}"))
        until = time.monotonic() + 90
        while not self.page.evaluate(IS_READY):
            assert time.monotonic() < until, f"JupyterLab did not open {path.name}"
            time.sleep(0.2)
        self.page.evaluate(RUN, list(cells) or needed(path, PANELS[path]), timeout=600)

    def panel(self, cell: int) -> TimedPanel:
        """The panel of a cell as it is, its first control under the keyboard."""
        self.page.evaluate(FOCUS, cell, False)
        return TimedPanel(self, cell)

    def renewed(self, cell: int) -> TimedPanel:
        """The panel of a cell that runs again: at its start, with no picture kept, its first control under the keyboard."""
        self.page.evaluate(FOCUS, cell, True)
        TimedPanel(self, cell).at_rest()  # by then a triangle's script has run, and hears of the focus
        return self.panel(cell)

    def close(self) -> None:
        self.page.evaluate("async () => { await jupyterapp.commands.execute('kernelmenu:shutdown'); }")
        self.page.close()


class TimedPanel:
    """The slider panel in a cell's output."""

    def __init__(self, notebook: TimedNotebook, cell: int):
        self.page, self.notebook, self.cell = notebook.page, notebook.name, cell
        self.name = self.evaluate(NAME)

    def evaluate(self, function: str) -> Any:
        """What a JavaScript function of the output makes of it."""
        return self.page.evaluate(f"(cell) => ({function})(({OUTPUT})(cell))", self.cell)

    @property
    def is_triangle(self) -> bool:
        """Whether the control under the keyboard is a triangle, along whose base the keys then go."""
        return self.evaluate("() => document.activeElement.matches('.lct-field')")

    def at_rest(self) -> None:
        self.evaluate(AT_REST)

    def press(self, key: str, times: int = 1, every: float = 0.0, held: bool = False) -> None:
        """Press a key again and again, so many seconds apart; or hold it, so that it repeats."""
        named, started = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}, time.perf_counter()
        for count in range(1, times + 1):
            self.page.tell("Input.dispatchKeyEvent", type="rawKeyDown", autoRepeat=held and count > 1, **named)
            if not held or count == times:
                self.page.tell("Input.dispatchKeyEvent", type="keyUp", **named)
            time.sleep(max(0.0, started + count * every - time.perf_counter()))
