"""What sections 3, 4 and A of StEP claim, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from lossconditioning.evaluation import Statement, verdict

Metrics = Mapping[str, float]
NAMES = {"": "outlines", "valley_": "valley", "facades_": "facades"}
"""Prefix of metrics → data set."""
PREFIXES = tuple(NAMES)


def _by_set(judge: Callable[..., str], right: Callable[..., bool], enough: int, metrics: Metrics) -> tuple[str, bool]:
    """A verdict over data sets: what is found on each, and whether it is right on ``enough`` of them."""
    each = len(metrics) // len(PREFIXES)
    values = list(metrics.values())
    groups = [values[start : start + each] for start in range(0, len(values), each)]
    said = "; ".join(f"{name} {judge(*group)}" for name, group in zip(NAMES.values(), groups, strict=True))
    return said, sum(right(*group) for group in groups) >= enough


def _everywhere(*names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{name}" for prefix in PREFIXES for name in names)


def _needed(*forms: str) -> tuple[str, ...]:
    return tuple(form.format(dataset) for dataset in NAMES.values() for form in forms)


def _better(first: float, second: float) -> str:
    return f"{first:.3f} against {second:.3f}"


def _decibels(first: float, second: float) -> str:
    return f"{first:.1f} dB against {second:.1f}"


CLAIMS = (
    Statement(
        "styles_lie_close",
        "Pictures of similar style lie close together in the pre-trained embedding (3.1, Figure 6a)",
        "a t-SNE plot; our bound: five nearest of the valley share a factor of style in 90 %",
        ("valley_neighbour_accuracy", "valley_neighbour_chance"),
        verdict("{:.0%}, by chance {:.0%}", lambda share, chance: share >= 0.9),
        ("encoder_valley",),
    ),
    Statement(
        "farthest_13",
        "The negative of a triplet comes from the 13 farthest pictures (3.1, A.1)",
        "stated; our measure: the same share by that encoder, and by one whose negatives are any but the five nearest",
        ("valley_neighbour_by_13", "valley_neighbour_accuracy"),
        verdict("{:.0%} against {:.0%}", lambda theirs, ours: theirs >= ours),
        ("encoder_valley", "encoder_valley_by_13"),
    ),
    Statement(
        "stage2_on_par",
        "Without fine-tuning, stage 2 is on par with the baselines (4.1, Table 1)",
        "PSNR above that of Bicycle v1 in four of six; our bound: at most 0.5 dB below, on two of three data sets",
        _everywhere("psnr_stage2", "psnr_bicycle_v1"),
        partial(_by_set, _decibels, lambda ours, theirs: ours >= theirs - 0.5, 2),
        _needed("{}_stage2", "{}_bicycle_v1"),
    ),
    Statement(
        "finetuning_improves",
        "Fine-tuning (stage 3) improves the reconstruction (4.1, Table 1)",
        "LPIPS lower by 0.013 to 0.040 on six data sets; our bound: on all three",
        _everywhere("lpips_stage3", "lpips_stage2"),
        partial(_by_set, _better, lambda after, before: after < before, 3),
        _needed("{}", "{}_stage2"),
    ),
    Statement(
        "better_psnr",
        "Stage 3 reconstructs better than Bicycle v1, by PSNR (4.1, Table 1)",
        "on six of six, by 0.4 to 2.4 dB; our bound: on two of three",
        _everywhere("psnr_stage3", "psnr_bicycle_v1"),
        partial(_by_set, _decibels, lambda ours, theirs: ours >= theirs, 2),
        _needed("{}", "{}_bicycle_v1"),
    ),
    Statement(
        "better_lpips",
        "Stage 3 reconstructs better than Bicycle v1, by LPIPS (4.1, Table 1)",
        "on six of six; our bound: on two of three",
        _everywhere("lpips_stage3", "lpips_bicycle_v1"),
        partial(_by_set, _better, lambda ours, theirs: ours < theirs, 2),
        _needed("{}", "{}_bicycle_v1"),
    ),
    Statement(
        "transfers_better",
        "Style transfer is more faithful than that of Bicycle v1 (4.1, 5)",
        "pictures and a user study, 50 % against 30 %; our measure: PSNR against the true picture in that style",
        (
            "transfer_psnr_stage3",
            "transfer_psnr_bicycle_v1",
            "valley_transfer_psnr_stage3",
            "valley_transfer_psnr_bicycle_v1",
        ),
        verdict(
            "outlines {:.1f} dB against {:.1f}; valley {:.1f} against {:.1f}",
            lambda ours, theirs, others, rival: ours > theirs and others > rival,
        ),
        ("outlines", "outlines_bicycle_v1", "valley", "valley_bicycle_v1"),
    ),
    Statement(
        "generalizes",
        "After stage 3 it hardly matters on which data set the encoder was pre-trained (3.3, 4.1, Table 2)",
        "PSNR within 0.11 dB; our bound: 0.2 dB",
        ("transfer_gap_db", "valley_transfer_gap_db"),
        verdict("outlines {:.2f} dB, valley {:.2f}", lambda some, others: max(some, others) <= 0.2),
        ("outlines_by_valley", "valley", "valley_by_outlines"),
    ),
    Statement(
        "more_diverse",
        "Transferred styles are more diverse than those of Bicycle v1 (4.1, Table 3)",
        "0.149 against 0.102, 1.46 times; our bound: above 1",
        ("diversity_ratio", "valley_diversity_ratio"),
        verdict("outlines {:.2f} times, valley {:.2f}", lambda some, others: min(some, others) > 1),
        ("outlines_bicycle_v1", "valley", "valley_bicycle_v1"),
    ),
    Statement(
        "without_vae",
        "Removing the variational part is enough for good results: Bicycle v1.2 beats v1 (4.1, Table 4)",
        "LPIPS 0.175 against 0.201; our bound: lower",
        ("ladder_lpips_bicycle_v1_2", "ladder_lpips_bicycle_v1"),
        verdict("{:.3f} against {:.3f}", lambda without, variational: without < variational),
        ("outlines_bicycle_v1", "outlines_bicycle_v1_2"),
    ),
    Statement(
        "fewer_losses",
        "Pre-trained, fewer losses are no worse: v3 and v4 against v2 (4.1, Table 4)",
        "LPIPS 0.176 and 0.177 against 0.183; our bound: not above",
        ("ladder_lpips_ours_v3", "ladder_lpips_ours_v4", "ladder_lpips_ours_v2"),
        verdict("{:.3f} and {:.3f} against {:.3f}", lambda v3, v4, v2: max(v3, v4) <= v2),
        ("outlines", "outlines_ours_v4", "outlines_ours_v2"),
    ),
    Statement(
        "score",
        "By a classifier's score stage 2 is slightly better than stage 3, and both better than Bicycle v1 (A.2, Table 5)",
        "2.22, 2.15 and 2.13 on edges → handbags; the paper calls the score not well suited",
        ("score_stage2", "score_stage3", "score_bicycle_v1"),
        verdict("{:.2f}, {:.2f} and {:.2f}", lambda before, after, rival: before >= after > rival),
        ("outlines_bicycle_v1",),
    ),
    Statement(
        "mapper_inside",
        "Ad-hoc sampling from N(μ, σ) gives codes outside of the distribution, a mapper does not (A.5, Figure 9)",
        "pictures; our measure: share of codes that lie outside",
        ("outside_mapper", "outside_gaussian", "valley_outside_mapper", "valley_outside_gaussian"),
        verdict(
            "outlines {:.0%} against {:.0%}, valley {:.0%} against {:.0%}",
            lambda mapped, drawn, others, rest: mapped < drawn and others < rest,
        ),
        ("outlines", "valley"),
    ),
    Statement(
        "sliders_move_one_factor",
        "Directions of the code move one factor of style: hour, weather or season",
        "not in the paper; our bound: each of eight changes its own three times as often as any other",
        ("valley_slider_focus", "valley_slider_apart"),
        verdict("{:.1f} times in the mean; {:.0%} of them three times", lambda _, share: share == 1),
        ("valley",),
    ),
    Statement(
        "one_slider",
        "One generator told λ spans what generators with a fixed balance do",
        "not in the paper; our measure: PSNR from end to end of λ, and that of the two fixed ones",
        ("valley_told_psnr_0", "valley_told_psnr_4", "valley_lively_psnr", "valley_faithful_psnr"),
        verdict(
            "{:.1f} to {:.1f} dB; fixed ones {:.1f} and {:.1f}",
            lambda low, high, lively, faithful: high - low >= 0.7 * abs(faithful - lively) and high > low,
        ),
        ("valley_told", "valley_lively", "valley_faithful", "valley_critic"),
    ),
)
"""The claims of sections 3, 4 and A, in the paper's order, and one of our own."""
