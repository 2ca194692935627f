"""What "Dynamic-Net" claims of styles turned after training, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement

Metrics = Mapping[str, float]
PLOT = "a plot, no numbers; our bound: "


def _monotone(metrics: Metrics) -> tuple[str, bool]:
    value, pictures = metrics["style_monotonicity"], metrics["style_monotonicity_pictures"]
    return f"{value:.3f}, blended pictures {pictures:.3f}", value >= 0.98 and pictures < value


def _like_fixed(metrics: Metrics) -> tuple[str, bool]:
    share = metrics["hypervolume_ratio_fixed"]
    value = f"{100 * share:.1f} %; main network and blocks had, together, twice the steps of one of them"
    return value, share >= 0.95


def _beats_pictures(metrics: Metrics) -> tuple[str, bool]:
    ratio = metrics["hypervolume_ratio_interpolation"]
    return f"{100 * ratio:.0f} % of theirs", ratio > 1


def _blends(metrics: Metrics) -> tuple[str, bool]:
    ratio = metrics["styles_ratio_interpolation"]
    return f"{100 * ratio:.0f} % of blended pictures'", ratio > 1


def _extrapolates(metrics: Metrics) -> tuple[str, bool]:
    return f"{metrics['grain_monotonicity']:.3f}", metrics["grain_monotonicity"] >= 0.95


def _fails(metrics: Metrics) -> tuple[str, bool]:
    middle, weak, none = (metrics[f"back_{gap}_cost"] for gap in ("middle", "weak", "none"))
    value = f"{none:.2f} times as much; to the smallest λ {weak:.2f}, to the middle one {middle:.2f}"
    return value, middle < 1 and weak < 1 < none


CLAIMS = (
    Statement(
        "style_follows",
        "As α grows the style loss falls monotonically, which blended pictures' does not (4.1, Figure 3)",
        PLOT + "a rank correlation of 0.98 over eleven α, and less for blended pictures",
        ("style_monotonicity", "style_monotonicity_pictures"),
        _monotone,
    ),
    Statement(
        "like_fixed_networks",
        "Between λ₀ and λ₁ it works like networks trained for each λ (Figure 3)",
        PLOT + "95 % of their hypervolume",
        ("hypervolume_ratio_fixed",),
        _like_fixed,
    ),
    Statement(
        "better_than_blended_pictures",
        "Blending the pictures of two networks is worse (Figure 3)",
        PLOT + "a larger hypervolume than blended pictures'",
        ("hypervolume_ratio_interpolation",),
        _beats_pictures,
    ),
    Statement(
        "between_two_styles",
        "From one style to another it blends naturally, where blended pictures fade (Figure 4)",
        "pictures; our bound: a larger hypervolume of the two style losses",
        ("styles_ratio_interpolation",),
        _blends,
    ),
    Statement(
        "extrapolates",
        "With α below 0 and above 1 it goes on beyond both scales of a style (Figure 5)",
        "pictures; our bound: the grain of the strokes grows with α from −0.5 to 1.5, rank correlation 0.95",
        ("grain_monotonicity",),
        _extrapolates,
    ),
    Statement(
        "too_wide_a_gap_fails",
        "With a content loss alone as O₁ it loses to blended pictures; over a smaller gap it wins (section 5, Figure 8)",
        PLOT + "the best α costs more than the best blend over the widest gap, less over smaller ones",
        ("back_middle_cost", "back_weak_cost", "back_none_cost"),
        _fails,
    ),
)
"""In the paper's order."""
