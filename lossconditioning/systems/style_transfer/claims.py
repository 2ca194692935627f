"""What section 4.3 of "You Only Train Once" claims about style transfer, beside what is measured."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Claim, measured_claims
from lossconditioning.systems.style_transfer.task import WEIGHTS, settings


def claims(metrics: Mapping[str, float]) -> list[Claim]:
    """Every claim whose metrics are there, in the paper's order."""
    return measured_claims(
        (_closely, _below_baseline, _close_on_frontier, _specialist, _interpolation, _monotone, _strongest), metrics
    )


def _closely(metrics: Mapping[str, float]) -> Claim:
    gap = metrics["fig6a_gap"]
    return Claim(
        "closely_matches",
        "One network told all five weights closely matches fixed-weight models trained for each setting (4.3, Figure 6a)",
        "a plot, no numbers; our bound: a mean full loss at most 10 % higher over the ten settings",
        f"{100 * gap:+.1f} %",
        gap <= 0.10,
    )


def _below_baseline(metrics: Mapping[str, float]) -> Claim:
    count = int(metrics["fig6a_settings_below_baseline"])
    return Claim(
        "below_the_single_model",
        "It is better than the model trained with the default weights under every other setting (Figure 6a)",
        "a plot, no numbers; our bound: all ten settings",
        f"{count} of {len(settings())} settings",
        count == len(settings()),
    )


def _close_on_frontier(metrics: Mapping[str, float]) -> Claim:
    volume = metrics["fig6b_hypervolume_yoto"]
    return Claim(
        "close_to_the_frontier",
        "Between content and style it is close to the fixed-weight models (Figure 6b)",
        "a plot, no numbers; our bound: 90 % of their hypervolume",
        f"{100 * volume:.1f} %",
        volume >= 0.90,
    )


def _specialist(metrics: Mapping[str, float]) -> Claim:
    volume = metrics["fig6b_hypervolume_specialist"]
    return Claim(
        "specialist_traces",
        "A network told λ_c alone closely traces the fixed-weight models (Figure 6b)",
        "a plot, no numbers; our bound: 97 % of their hypervolume",
        f"{100 * volume:.1f} %",
        volume >= 0.97,
    )


def _interpolation(metrics: Mapping[str, float]) -> Claim:
    mixed, yoto, specialist = (metrics[f"fig6b_hypervolume_{name}"] for name in ("interpolation", "yoto", "specialist"))
    return Claim(
        "interpolation_is_poor",
        "Mixing the pictures of the two extreme models performs very poorly (Figure 6b)",
        "a plot, no numbers; our bound: a smaller hypervolume than both conditional networks",
        f"{100 * mixed:.1f} %, conditional networks {100 * yoto:.1f} and {100 * specialist:.1f} %",
        mixed < min(yoto, specialist),
    )


def _monotone(metrics: Mapping[str, float]) -> Claim:
    value = metrics["monotonicity"]
    return Claim(
        "weights_do_what_they_say",
        "Its pictures follow the weights as separate models' do (Figure 7); here: as λ_c grows, content falls and style rises",
        "pictures; our bound: a rank correlation of 0.95 over nine values",
        f"{metrics['monotonicity_content']:.3f} (content), {metrics['monotonicity_style']:.3f} (style)",
        value >= 0.95,
    )


def _strongest(metrics: Mapping[str, float]) -> Claim:
    reach = {name: sum(abs(metrics[f"sensitivity_{name}_{term}"]) for term in WEIGHTS) for name in WEIGHTS}
    ranked = sorted(reach, key=reach.get, reverse=True)
    return Claim(
        "content_and_third_style",
        "λ_c and λ_s3 contribute most (4.3, Figure 7)",
        "stated; our measure: how far a hundredfold change of a weight moves all five terms",
        "from most to least: " + ", ".join(f"{name} {reach[name]:.2f}" for name in ranked),
        set(ranked[:2]) == {"content", "style_3"},
    )
