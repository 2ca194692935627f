"""What "Dynamic-Net" claims of generated faces, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement
from lossconditioning.systems.dynamic_faces.recipes import TURNED

Metrics = Mapping[str, float]
OTHERS = tuple(f"face_others_{attribute}" for attribute in TURNED.values())


def _turn(metrics: Metrics) -> tuple[str, bool]:
    order, shift = metrics["face_monotonicity"], metrics["face_shift"]
    value = f"{order:.3f} and {100 * shift:.0f} % of the gap, for the attribute that follows least"
    return value, order >= 0.95 and shift >= 0.5


def _only_that(metrics: Metrics) -> tuple[str, bool]:
    others = max(metrics[name] for name in OTHERS)
    return f"{100 * others:.0f} % for the blocks that change most", others <= 0.1


CLAIMS = (
    Statement(
        "faces_turn",
        "An attribute of generated faces changes monotonically and smoothly (4.2, Figure 6)",
        "pictures; our bounds: a rank correlation of 0.95 and half of the gap between real faces, by a classifier",
        ("face_monotonicity", "face_shift"),
        _turn,
    ),
    Statement(
        "beyond_only_that_attribute",
        "Beyond the paper: what was not meant to change in the faces stays",
        "not asked; our bound: other attributes move by a tenth of their gap, on average",
        OTHERS,
        _only_that,
    ),
)
"""In the paper's order."""
