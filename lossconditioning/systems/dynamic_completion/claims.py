"""What "Dynamic-Net" claims of image completion, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement


def _sweet_spot(metrics: Mapping[str, float]) -> tuple[str, bool]:
    alpha, gain = metrics["completion_best_alpha"], metrics["completion_gain"]
    value = f"best α {alpha:.1f}, {100 * gain:.1f} % better than the better end, by feature distance"
    return value, 0 < alpha < 1 and gain > 0


CLAIMS = (
    Statement(
        "completion_sweet_spot",
        "In image completion some α between 0 and 1 is better than artefacts and better than blur (4.3, Figure 7)",
        "pictures; our bound: a smaller mean feature distance than at both ends",
        ("completion_best_alpha", "completion_gain"),
        _sweet_spot,
    ),
)
