"""The S that networks are compared at, and their names."""

from __future__ import annotations

TABLE_3 = (
    (1.0, 0.0, 0.0),
    (0.5, 0.5, 0.0),
    (0.0, 1.0, 0.0),
    (0.0, 0.5, 0.5),
    (0.0, 0.0, 1.0),
    (0.5, 0.0, 0.5),
    (1 / 3, 1 / 3, 1 / 3),
)
"""The six S of Table 3, in its order, and the middle, which the authors' public code tests with, too."""
CORNERS = (TABLE_3[0], TABLE_3[2], TABLE_3[4])
"""S of one domain alone: of A, of B, of C."""


def separate_name(lam: tuple[float, ...]) -> str:
    """Name of the experiment that trains a network for one S of `TABLE_3`, such as "separate_ab", see `letters`."""
    return f"separate_{letters(lam)}"


def letters(lam: tuple[float, ...]) -> str:
    """The domains that have a weight: "a", "ab", "b", "bc", "c", "ac" and "abc" for the S of `TABLE_3`."""
    return "".join(letter for letter, weight in zip("abc", lam, strict=True) if weight)
