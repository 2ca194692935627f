"""The exercises of a lesson: their cells, their solutions, and what an executed notebook says about them."""

import re
from pathlib import Path

from nbformat import NotebookNode

from lossconditioning import notebooks


def exercise(cell: NotebookNode) -> str | None:
    """The tag of a cell that asks for an answer, or gives one."""
    return next((tag for tag in cell.metadata.get("tags", []) if tag.startswith("exercise-")), None)


def numbers(notebook: NotebookNode) -> list[str]:
    return [exercise(cell).removeprefix("exercise-") for cell in notebook.cells if exercise(cell)]


def said(notebook: NotebookNode, answer: str) -> list[str]:
    """The numbers of the exercises of which an executed notebook says: right, or not solved yet."""
    printed = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    return re.findall(rf"Exercise (\d): {answer}", printed)


def solved(lesson: Path) -> NotebookNode:
    """A lesson with every solution in the place of its exercise."""
    (solutions,) = notebooks.solution_paths([lesson])
    answers = {exercise(cell): cell.source for cell in notebooks.read(solutions).cells if exercise(cell)}
    notebook = notebooks.read(lesson)
    asked = [cell for cell in notebook.cells if exercise(cell)]
    assert {exercise(cell) for cell in asked} == set(answers)
    for cell in asked:
        cell.source = answers[exercise(cell)]
    return notebooks.clean(notebook)
