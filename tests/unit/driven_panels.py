"""Panels that tests drive: on a clock that does not wait, and by their buttons."""

import asyncio
import selectors

import ipywidgets as widgets

from lossconditioning.display import panel as panel_module

STILL = panel_module._STILL
"""Seconds without a move."""


class _Jumping(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return super().select(0)


def run(coroutine):
    """Run on a loop whose clock jumps to the next appointment: nothing waits, nothing depends on how busy the machine is."""
    loop = asyncio.SelectorEventLoop(clock := _Jumping())
    loop.time = lambda: clock.now
    loop.set_exception_handler(lambda loop, context: None)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def buttons(panel) -> dict[str, widgets.Button]:
    """All buttons of a panel, by what they say."""
    found, left = {}, [panel.widget]
    while left:
        widget = left.pop()
        left += getattr(widget, "children", ())
        if isinstance(widget, widgets.Button):
            found[widget.description] = widget
    return found
