"""What "Dynamic-Net" claims, beside what is measured."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Claim, measured_claims
from lossconditioning.systems.dynamic_net.faces import TURNED

Metrics = Mapping[str, float]
PLOT = "a plot, no numbers; our bound: "


def claims(metrics: Metrics) -> list[Claim]:
    """Every claim whose metrics are there, in the paper's order."""
    return measured_claims(
        (_monotone, _like_fixed, _beats_pictures, _blends, _extrapolates, _faces, _only_that, _sweet_spot, _fails),
        metrics,
    )


def _monotone(metrics: Metrics) -> Claim:
    value, pictures = metrics["style_monotonicity"], metrics["style_monotonicity_pictures"]
    return Claim(
        "style_follows",
        "As α grows the style loss falls monotonically, which blended pictures' does not (4.1, Figure 3)",
        PLOT + "a rank correlation of 0.98 over eleven α, and less for blended pictures",
        f"{value:.3f}, blended pictures {pictures:.3f}",
        value >= 0.98 and pictures < value,
    )


def _like_fixed(metrics: Metrics) -> Claim:
    share = metrics["hypervolume_ratio_fixed"]
    return Claim(
        "like_fixed_networks",
        "Between λ₀ and λ₁ it works like networks trained for each λ (Figure 3)",
        PLOT + "95 % of their hypervolume",
        f"{100 * share:.1f} %; main network and blocks had, together, twice the steps of one of them",
        share >= 0.95,
    )


def _beats_pictures(metrics: Metrics) -> Claim:
    ratio = metrics["hypervolume_ratio_interpolation"]
    return Claim(
        "better_than_blended_pictures",
        "Blending the pictures of two networks is worse (Figure 3)",
        PLOT + "a larger hypervolume than blended pictures'",
        f"{100 * ratio:.0f} % of theirs",
        ratio > 1,
    )


def _blends(metrics: Metrics) -> Claim:
    ratio = metrics["styles_ratio_interpolation"]
    return Claim(
        "between_two_styles",
        "From one style to another it blends naturally, where blended pictures fade (Figure 4)",
        "pictures; our bound: a larger hypervolume of the two style losses",
        f"{100 * ratio:.0f} % of blended pictures'",
        ratio > 1,
    )


def _extrapolates(metrics: Metrics) -> Claim:
    value = metrics["grain_monotonicity"]
    return Claim(
        "extrapolates",
        "With α below 0 and above 1 it goes on beyond both scales of a style (Figure 5)",
        "pictures; our bound: the grain of the strokes grows with α from −0.5 to 1.5, rank correlation 0.95",
        f"{value:.3f}",
        value >= 0.95,
    )


def _faces(metrics: Metrics) -> Claim:
    order, shift = metrics["face_monotonicity"], metrics["face_shift"]
    return Claim(
        "faces_turn",
        "An attribute of generated faces changes monotonically and smoothly (4.2, Figure 6)",
        "pictures; our bounds: a rank correlation of 0.95 and half of the gap between real faces, by a classifier",
        f"{order:.3f} and {100 * shift:.0f} % of the gap, for the attribute that follows least",
        order >= 0.95 and shift >= 0.5,
    )


def _only_that(metrics: Metrics) -> Claim:
    others = max(metrics[f"face_others_{attribute}"] for attribute in TURNED.values())
    return Claim(
        "beyond_only_that_attribute",
        "Beyond the paper: what was not meant to change in the faces stays",
        "not asked; our bound: other attributes move by a tenth of their gap, on average",
        f"{100 * others:.0f} % for the blocks that change most",
        others <= 0.1,
    )


def _sweet_spot(metrics: Metrics) -> Claim:
    alpha, gain = metrics["completion_best_alpha"], metrics["completion_gain"]
    return Claim(
        "completion_sweet_spot",
        "In image completion some α between 0 and 1 is better than artefacts and better than blur (4.3, Figure 7)",
        "pictures; our bound: a smaller mean feature distance than at both ends",
        f"best α {alpha:.1f}, {100 * gain:.1f} % better than the better end, by feature distance",
        0 < alpha < 1 and gain > 0,
    )


def _fails(metrics: Metrics) -> Claim:
    middle, weak, none = (metrics[f"back_{gap}_cost"] for gap in ("middle", "weak", "none"))
    return Claim(
        "too_wide_a_gap_fails",
        "With a content loss alone as O₁ it loses to blended pictures; over a smaller gap it wins (section 5, Figure 8)",
        PLOT + "the best α costs more than the best blend over the widest gap, less over smaller ones",
        f"{none:.2f} times as much; to the smallest λ {weak:.2f}, to the middle one {middle:.2f}",
        middle < 1 and weak < 1 < none,
    )
