"""What sections 5.2, 5.3 and B.3 of SGN claim, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import Statement, verdict
from lossconditioning.systems.mixed_domain.models import PLACES
from lossconditioning.systems.mixed_domain.settings import TABLE_3, separate_name

Metrics = Mapping[str, float]
SEPARATE = tuple(separate_name(lam) for lam in TABLE_3)
ALONE = tuple(separate_name(lam) for lam in TABLE_3 if max(lam) == 1)
"""The separate networks of one domain alone."""
RECONSTRUCTS = 26.0
"""Decibels."""


def _deeper(metrics: Metrics) -> tuple[str, bool]:
    closed = list(metrics.values())
    said = ", ".join(
        f"{100 * share:.0f} % {place}" for share, place in zip(closed, ("first", "second", "third"), strict=True)
    )
    return f"closed: {said}", closed[0] <= closed[1] <= closed[2] and closed[2] > closed[0]


CLAIMS = (
    Statement(
        "similar_to_separate",
        "The weighted loss of one network is similar to that of networks trained separately for each S (5.2, Table 3)",
        "L_G 0.69 to 2.67 times that of the separate networks, 1.19 in the mean; our bound: 1.05 in the mean over seven S",
        ("table3_ratio",),
        verdict("{:.2f} times, in the mean", lambda ratio: ratio <= 1.05),
        SEPARATE,
    ),
    Statement(
        "corner_minima",
        "Each domain yields its smallest loss when it is weighted with 1 (5.2)",
        "all three, over six S; our bound: all three, over fifteen",
        ("corner_minima",),
        verdict("{:.0f} of 3", lambda count: count == 3),
    ),
    Statement(
        "corner_minima_longer",
        "The same of a network trained for longer: 'if trained sufficiently', says the paper (5.2)",
        "all three, over six S; our bound: all three, over fifteen",
        ("corner_minima_play",),
        verdict("{:.0f} of 3", lambda count: count == 3),
        ("play",),
    ),
    Statement(
        "between",
        "Where the weight is between 0 and 1, so is the loss between those at the corners (5.2)",
        "stated; our bound: 90 % of the losses at twelve mixtures",
        ("between",),
        verdict("{:.0%}", lambda share: share >= 0.9),
    ),
    Statement(
        "runaway",
        "Separate networks have a high loss where its weight is zero, the one network a relatively low one (5.2)",
        "by a factor of 1.71 in the (geometric) mean over nine losses, 8 of which are higher; our bound: 7 of 9",
        ("runaway", "runaway_count"),
        verdict("by a factor of {:.2f}, {:.0f} of 9 higher", lambda factor, count: factor > 1 and count >= 7),
        SEPARATE,
    ),
    Statement(
        "reconstructs",
        "At S = (1, 0, 0) the photograph comes back (5.2)",
        f"pictures; our bound: {RECONSTRUCTS:.0f} dB on held-out photographs",
        ("reconstruction_psnr",),
        verdict("{:.1f} dB", lambda decibels: decibels >= RECONSTRUCTS),
    ),
    Statement(
        "repaints",
        "A network that learned adversarial losses alone repaints photographs at (1, 0, 0), and pictures of a painter it never "
        "saw; the sym network reconstructs both (5.2, Figure 7)",
        "pictures; our bound: 3 dB more for the sym network, on both (our rival, without a cycle loss, keeps hardly an "
        "outline)",
        ("psnr_two_painters", "psnr_one_hot", "psnr_unseen_two_painters", "psnr_unseen_one_hot"),
        verdict(
            "{:.1f} dB against {:.1f}; of the unseen painter {:.1f} against {:.1f}",
            lambda sym, rival, strangers, others: sym - rival >= 3 and strangers - others >= 3,
        ),
        ("two_painters", "one_hot"),
    ),
    Statement(
        "extrapolates",
        "At S = (0, 1.5, 0), outside of the trained range, the painter's style is still bolstered (5.2, Figure 1)",
        "a picture; our measure: by how much more of domain B its patterns are than at (0, 1, 0)",
        ("share_beyond",),
        verdict("{:+.2f}", lambda more: more > 0),
        ALONE,
    ),
    Statement(
        "ccam_responds",
        "Concatenated, S hardly changes the pictures; through CCAM it does (5.3, Figures 8 and 11)",
        "pictures; our bound: twice the response",
        ("response_ccam", "response_concatenation"),
        verdict("response {:.2f} against {:.2f}", lambda ours, theirs: ours > 0 and ours >= 2 * theirs),
        (*ALONE, "concatenation"),
    ),
    Statement(
        "biasing_responds",
        "Central biasing changes the pictures more than concatenation does (5.3)",
        "pictures",
        ("response_central_biasing", "response_concatenation"),
        verdict("response {:.2f} against {:.2f}", lambda ours, theirs: ours > theirs),
        (*ALONE, "central_biasing", "concatenation"),
    ),
    Statement(
        "ccam_interferes_less",
        "With central biasing domains of weight zero interfere, with CCAM they do so the least (5.3, Figure 11)",
        "pictures; our bound: half the share of a domain of weight zero",
        ("interference_ccam", "interference_central_biasing"),
        verdict("{:.3f} against {:.3f}", lambda ours, theirs: ours <= 0.5 * theirs),
        (*ALONE, "central_biasing"),
    ),
    Statement(
        "deeper_gates_close",
        "The first CCAM closes no channel; deeper ones close more (B.3, Figure 10)",
        "plots, no numbers",
        tuple(f"closed_{place}" for place in PLACES),
        _deeper,
    ),
    Statement(
        "again",
        "With another seed: the weighted loss of one network beside that of separate ones",
        "not in the paper; our bound: 1.05 in the mean over seven S",
        ("again_table3_ratio",),
        verdict("{:.2f} times, in the mean", lambda ratio: ratio <= 1.05),
        ("sym_again", *(f"{name}_again" for name in SEPARATE)),
    ),
)
"""The claims of sections 5.2, 5.3 and B.3, in the paper's order."""
