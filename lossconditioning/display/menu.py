"""A control at a panel for one of several named things."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as widgets

from lossconditioning.errors import ReaderError, one_of


class Menu:
    """One of several names on a drop-down list: ``explore(render, style=Menu(["poppies", "snow"]), …)``.

    Args:
        names: what there is to choose from, strings.
        value: where the panel starts; the first if not given.
        label: shown at the list.
    """

    def __init__(self, names: Iterable[str], value: str | None = None, label: str = ""):
        self.names = tuple(names)
        if not self.names or not all(isinstance(name, str) for name in self.names):
            raise ReaderError(f"A menu needs at least one name, all of them strings; got {self.names!r:.80}.")
        self.value = one_of("choice", self.names[0] if value is None else value, self.names)
        self.label = label

    # What a panel asks of its controls.

    def widget(self, name: str, label_width: str = "initial") -> widgets.Dropdown:
        """The drop-down list."""
        return widgets.Dropdown(
            options=self.names,
            value=self.value,
            description=self.label or name,
            style={"description_width": label_width},
            layout=widgets.Layout(width="100%", max_width="520px"),
        )

    def check(self, name: str, value: str) -> str:
        """A value set by program, if it is on the list."""
        return one_of(name, value, self.names)

    def key(self, value: str) -> str:
        """What tells one value from another."""
        return value

    def note(self, name: str, value: str) -> str:
        """Nothing: there is no unusual choice."""
        return ""

    def positions(self, count: int) -> list[str]:
        """At most ``count`` choices, for a film-strip."""
        return list(self.names[:count])
