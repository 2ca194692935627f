"""What section 4.3 of "You Only Train Once" claims about style transfer, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement
from lossconditioning.systems.style_transfer.evaluation import sensitivities
from lossconditioning.systems.style_transfer.task import WEIGHTS, settings

Metrics = Mapping[str, float]
SETTINGS = len(settings())
VOLUMES = tuple(f"fig6b_hypervolume_{method}" for method in ("interpolation", "yoto", "specialist"))


def _closely(metrics: Metrics) -> tuple[str, bool]:
    return f"{100 * metrics['fig6a_gap']:+.1f} %", metrics["fig6a_gap"] <= 0.10


def _below_baseline(metrics: Metrics) -> tuple[str, bool]:
    count = int(metrics["fig6a_settings_below_baseline"])
    return f"{count} of {SETTINGS} settings", count == SETTINGS


def _volume(id: str, claim: str, method: str, bound: float) -> Statement:
    def judge(metrics: Metrics) -> tuple[str, bool]:
        (volume,) = metrics.values()
        return f"{100 * volume:.1f} %", volume >= bound

    paper = f"a plot, no numbers; our bound: {100 * bound:.0f} % of their hypervolume"
    return Statement(id, claim, paper, (f"fig6b_hypervolume_{method}",), judge)


def _interpolation(metrics: Metrics) -> tuple[str, bool]:
    mixed, yoto, specialist = (metrics[name] for name in VOLUMES)
    said = f"{100 * mixed:.1f} %, conditional networks {100 * yoto:.1f} and {100 * specialist:.1f} %"
    return said, mixed < min(yoto, specialist)


def _monotone(metrics: Metrics) -> tuple[str, bool]:
    said = f"{metrics['monotonicity_content']:.3f} (content), {metrics['monotonicity_style']:.3f} (style)"
    return said, metrics["monotonicity"] >= 0.95


def _strongest(metrics: Metrics) -> tuple[str, bool]:
    reach = dict(zip(WEIGHTS, sensitivities(metrics).abs().sum(1).tolist(), strict=True))
    ranked = sorted(reach, key=reach.get, reverse=True)
    said = "from most to least: " + ", ".join(f"{name} {reach[name]:.2f}" for name in ranked)
    return said, set(ranked[:2]) == {"content", "style_3"}


CLAIMS = (
    Statement(
        "closely_matches",
        "One network told all five weights closely matches fixed-weight models trained for each setting (4.3, Figure 6a)",
        "a plot, no numbers; our bound: a mean full loss at most 10 % higher over the ten settings",
        ("fig6a_gap",),
        _closely,
    ),
    Statement(
        "below_the_single_model",
        "It is better than the model trained with the default weights under every other setting (Figure 6a)",
        "a plot, no numbers; our bound: all ten settings",
        ("fig6a_settings_below_baseline",),
        _below_baseline,
    ),
    _volume(
        "close_to_the_frontier",
        "Between content and style it is close to the fixed-weight models (Figure 6b)",
        "yoto",
        0.90,
    ),
    _volume(
        "specialist_traces",
        "A network told λ_c alone closely traces the fixed-weight models (Figure 6b)",
        "specialist",
        0.97,
    ),
    Statement(
        "interpolation_is_poor",
        "Mixing the pictures of the two extreme models performs very poorly (Figure 6b)",
        "a plot, no numbers; our bound: a smaller hypervolume than both conditional networks",
        VOLUMES,
        _interpolation,
    ),
    Statement(
        "weights_do_what_they_say",
        "Its pictures follow the weights as separate models' do (Figure 7); here: as λ_c grows, content falls and style rises",
        "pictures; our bound: a rank correlation of 0.95 over nine values",
        ("monotonicity", "monotonicity_content", "monotonicity_style"),
        _monotone,
    ),
    Statement(
        "content_and_third_style",
        "λ_c and λ_s3 contribute most (4.3, Figure 7)",
        "stated; our measure: how far a hundredfold change of a weight moves all five terms",
        ("sensitivity_*",),
        _strongest,
    ),
)
"""The claims of section 4.3, in the paper's order."""
