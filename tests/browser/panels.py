"""Where the slider panels of the notebooks are, by what the notebooks saved, and which cells a panel needs."""

import ast
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from lossconditioning.notebooks import notebook_paths, read

MARK = "[slider panel] "


def panels(path: Path) -> dict[int, str]:
    """The cells of a notebook that end in a slider panel, each with the panel's alt text."""
    return {
        number: text.removeprefix(MARK)
        for number, cell in enumerate(read(path).cells)
        for output in cell.get("outputs", [])
        if (text := output.get("data", {}).get("text/plain", "")).startswith(MARK)
    }


PANELS = {path: panels(path) for path in notebook_paths()}


def each(names: str, places: Iterable[tuple]):
    """A test of each place: a notebook's path, or that and something in it."""
    ids = ["-".join([path.stem, *map(str, rest)]) for path, *rest in places]
    return pytest.mark.parametrize(names, places, ids=ids)


every_notebook = pytest.mark.parametrize("path", PANELS, ids=lambda path: path.stem)
every_panel = each("path, cell", [(path, cell) for path, cells in PANELS.items() for cell in cells])


def where(words: str) -> tuple[Path, int]:
    """The first panel whose alt text has these words: its notebook and cell."""
    return next((path, cell) for path, cells in PANELS.items() for cell, alt in cells.items() if words in alt)


def needed(path: Path, wanted: Iterable[int]) -> list[int]:
    """The wanted cells of a notebook, and those before them that make, or change, a name that they need."""
    found, open_names, wanted = [], set(), set(wanted)
    for number, cell in reversed(list(enumerate(read(path).cells))):
        if cell.cell_type != "code":
            continue
        uses, makes, changes = _names(TransformerManager().transform_cell(cell.source))
        if number in wanted or open_names & (makes | changes):
            open_names = open_names - makes | uses
            found.append(number)
    return found[::-1]


def replaced(path: Path, cell: int) -> set[str]:
    """Names that a cell uses and a later one gives another meaning: the cell can not be run again after that."""
    code = {
        number: _names(TransformerManager().transform_cell(each.source))
        for number, each in enumerate(read(path).cells)
        if each.cell_type == "code"
    }
    uses = code[cell][0]
    return {name for number, (_, makes, _) in code.items() if number > cell for name in uses & makes}


def _names(source: str) -> tuple[set[str], set[str], set[str]]:
    """The global names that code uses and does not make, those it makes, and those in which it replaces a part."""
    top = symtable.symtable(source, "cell", "exec")
    makes = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    uses = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    changes = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            while isinstance(node, (ast.Subscript, ast.Attribute)):
                node = node.value
            changes |= {node.id} if isinstance(node, ast.Name) else set()
    return uses - makes, makes, changes


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
