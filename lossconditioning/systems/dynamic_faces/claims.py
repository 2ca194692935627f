"""What "Dynamic-Net" claims of generated faces, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement

Metrics = Mapping[str, float]


def _turn(metrics: Metrics) -> tuple[str, bool]:
    order, shift = metrics["face_monotonicity"], metrics["face_shift"]
    value = f"{order:.3f} and {100 * shift:.0f} % of the gap, for the attribute that follows least"
    return value, order >= 0.95 and shift >= 0.5


def _only_that(metrics: Metrics) -> tuple[str, bool]:
    change, flips = metrics["face_person_change"], metrics["face_person_flips"]
    value = f"{change:.3f}; a verdict flips for {100 * flips:.0f} % of the people, of the blocks that change most"
    return value, change <= 0.1


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
        "not asked; our bound: of no other attribute does a person's probability change by more than 0.1, on average",
        ("face_person_change", "face_person_flips"),
        _only_that,
    ),
)
"""In the paper's order."""
