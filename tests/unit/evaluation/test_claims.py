"""A claim says what it needs, is shown nothing else, and is never dropped in silence."""

import pytest

from lossconditioning import ReaderError, Statement
from lossconditioning.evaluation import measured_claims, verdict


def smaller(metrics):
    return f"{metrics['ours']:.1f} against {metrics['theirs']:.1f}", metrics["ours"] < metrics["theirs"]


SMALLER = Statement("smaller", "Ours is smaller (4.1)", "a plot", ("ours", "theirs"), smaller, ("one", "other"))


@pytest.mark.parametrize(("ours", "reproduced"), [(1.0, True), (3.0, False)])
def test_a_statement_becomes_a_claim(ours, reproduced):
    claim = SMALLER.judged({"ours": ours, "theirs": 2.0, "more": 5.0})
    assert (claim.id, claim.claim, claim.paper) == ("smaller", "Ours is smaller (4.1)", "a plot")
    assert claim.value == f"{ours:.1f} against 2.0"
    assert claim.reproduced is reproduced


def test_a_verdict_is_a_sentence_and_a_comparison_of_the_metrics_in_the_order_they_are_needed():
    judge = verdict("{:.1f} against {:.1f}", lambda theirs, ours: ours < theirs)
    claim = Statement("order", "", "", ("theirs", "ours"), judge).judged({"ours": 1.0, "more": 5.0, "theirs": 2.0})
    assert (claim.value, claim.reproduced) == ("2.0 against 1.0", True)
    with pytest.raises(ReaderError, match=r"needs the metrics \['ours'\]"):
        Statement("order", "", "", ("theirs", "ours"), judge).judged({"theirs": 2.0})


@pytest.mark.parametrize(
    ("said", "value", "expected"),
    [
        ("{:.2f}", -0.001, "0.00"),
        ("by {:+.2f}", -0.004, "by 0.00"),
        ("{:+.2f}", 0.001, "0.00"),
        ("{:.0f} %", -0.3, "0 %"),
        ("{:.2f}", -0.006, "-0.01"),
        ("{:+.1f} dB", 0.5, "+0.5 dB"),
        ("1.0-{:.1f}", 0.0, "1.0-0.0"),
        ("{:.0e}", 1e-10, "1e-10"),
    ],
)
def test_what_rounds_to_nothing_has_no_sign(said, value, expected):
    assert verdict(said, lambda _: True)({"metric": value})[0] == expected


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_a_metric_that_is_not_finite_bears_nothing_out(odd):
    claim = SMALLER.judged({"ours": 1.0, "theirs": odd})
    assert claim.value == f"1.0 against {odd} (not finite: theirs)"
    assert claim.reproduced is False
    largest = Statement(
        "largest", "", "", ("change_*",), lambda found: (str(max(found.values())), max(found.values()) < 2)
    )
    claim = largest.judged({"change_a": 1.0, "change_b": odd})  # Python's max passes over nan
    assert claim.value.endswith("(not finite: change_b)")
    assert claim.reproduced is False


def test_a_missing_metric_is_an_error_that_names_it():
    with pytest.raises(ReaderError, match=r"claim 'smaller' needs the metrics \['theirs'\]"):
        SMALLER.judged({"ours": 1.0})


def test_a_metric_that_was_not_asked_for_is_an_error():
    typo = Statement("typo", "", "", ("ours",), smaller)
    with pytest.raises(ReaderError, match="claim 'typo' reads the metric 'theirs'"):
        typo.judged({"ours": 1.0, "theirs": 2.0})


def test_all_metrics_of_one_beginning_can_be_asked_for():
    every = Statement("every", "", "", ("gap_*",), lambda metrics: (", ".join(metrics), all(metrics.values())))
    claim = every.judged({"gap_a": 1.0, "gap_b": 0.0, "other": 2.0})
    assert (claim.value, claim.reproduced) == ("gap_a, gap_b", False)
    with pytest.raises(ReaderError, match=r"needs the metrics \['gap_\*'\]"):
        every.judged({"other": 1.0})


def test_claims_about_what_was_not_measured_are_left_out_and_no_others():
    metrics = {"ours": 1.0, "theirs": 2.0}
    assert [claim.id for claim in measured_claims([SMALLER], metrics, {"one", "other", "third"})] == ["smaller"]
    assert measured_claims([SMALLER], {}, {"one"}) == []
    with pytest.raises(ReaderError, match="smaller"):
        measured_claims([SMALLER], {}, {"one", "other"})
