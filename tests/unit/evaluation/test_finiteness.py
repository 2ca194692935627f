"""What diverged is never the best, never passed over, and never makes a plausible number: it is refused by name and place."""

import math

import pytest
import torch

from lossconditioning import (
    ReaderError,
    gap,
    gap_closed,
    hypervolume,
    objective,
    regret,
    single_model_baseline,
    term_values,
)
from lossconditioning.evaluation import cross_objectives, hypervolume_shares
from lossconditioning.evaluation.alphas import monotonicity

ODD = pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
GRID = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.9, 0.1]])
POINTS = torch.tensor([[1.0, 3.0], [2.0, 2.0]])


def with_one(values, place, odd):
    values = torch.as_tensor(values).clone()
    values[place] = odd
    return values


@ODD
def test_a_network_that_diverged_is_not_the_best_single_one(odd):
    values = {"a": torch.tensor([1.0, 2.0, odd]), "b": torch.tensor([2.0, 1.0, 1.0])}
    for call in (single_model_baseline, cross_objectives):
        with pytest.raises(ReaderError, match=f"'a', one for each model, must be finite.*got {odd} at index 2 "):
            call(values, GRID)


@ODD
def test_objectives_are_sums_of_finite_numbers(odd):
    values = {"a": torch.ones(2, 3), "b": torch.ones(2, 3)}
    with pytest.raises(ReaderError, match=f"term 'b' must be finite.*{odd} at index 1, 2 "):
        objective({**values, "b": with_one(values["b"], (1, 2), odd)}, GRID)
    with pytest.raises(ReaderError, match=f"Weights must be finite.*{odd} at index 0, 1 "):
        objective(values, with_one(GRID, (0, 1), odd))
    with pytest.raises(ReaderError, match="Objectives must be finite"):
        objective({"a": torch.full((1, 3), 1e38), "b": torch.ones(1, 3)}, 10 * GRID)  # too large for float32


@ODD
@pytest.mark.parametrize("compared", [regret, gap])
def test_differences_are_of_finite_numbers(compared, odd):
    for position in (0, 1):
        pair = [torch.ones(3), torch.ones(3)]
        pair[position] = with_one(pair[position], 2, odd)
        with pytest.raises(ReaderError, match=f"{odd} at index 2"):
            compared(*pair)


@ODD
@pytest.mark.parametrize(
    ("position", "whose"),
    [(0, "The conditional model's objectives"), (1, "of the fixed models"), (2, "The single model's")],
)
def test_no_share_of_a_gap_is_closed_by_what_diverged(position, whose, odd):
    objectives = [torch.tensor([1.5, 1.5]), torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0])]
    objectives[position] = with_one(objectives[position], 1, odd)
    with pytest.raises(ReaderError, match=f"{whose}.*{odd} at index 1"):
        gap_closed(*objectives)


@ODD
def test_hypervolumes_are_of_finite_points_below_finite_corners(odd):
    with pytest.raises(ReaderError, match=f"^Points must be finite.*{odd} at index 1, 0 "):
        hypervolume(with_one(POINTS, (1, 0), odd), [4.0, 4.0])
    with pytest.raises(ReaderError, match=f"reference's terms must be finite.*{odd} at index 1 "):
        hypervolume(POINTS, [4.0, odd])
    with pytest.raises(ReaderError, match=f"ideal's terms must be finite.*{odd} at index 0 "):
        hypervolume(POINTS, [4.0, 4.0], ideal=[odd, 0.0])
    for reference in ("a", "b"):
        with pytest.raises(ReaderError, match=f"curve 'b' must be finite.*{odd} at index 0, 1 "):
            hypervolume_shares({"a": POINTS, "b": with_one(POINTS, (0, 1), odd)}, reference)


@ODD
def test_what_is_not_finite_has_no_rank(odd):
    with pytest.raises(ReaderError, match=f"Values at growing α must be finite.*{odd} at index 2 "):
        monotonicity(torch.tensor([0.0, 1.0, odd]))


def test_the_number_of_values_that_are_not_finite_is_told():
    with pytest.raises(ReaderError, match="nan at index 0 and 2 more"):
        monotonicity(torch.tensor([math.nan, 1.0, math.nan, math.inf]))


def test_a_corner_has_one_number_for_each_term():
    for ideal in ([0.0], [0.0, 0.0, 0.0]):  # the first would be broadcast
        with pytest.raises(ReaderError, match=rf"ideal of shape \({len(ideal)},\) does not fit a reference of 2 terms"):
            hypervolume(POINTS, [4.0, 4.0], ideal)
    with pytest.raises(ReaderError, match="do not fit a reference"):
        hypervolume(torch.ones(3, 1), 2.0)


def test_a_reference_without_extent_has_no_volume_to_share():
    for flat in (POINTS[:1], torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.zeros(0, 2)):
        with pytest.raises(ReaderError, match="'flat' dominates, and it dominates nothing"):
            hypervolume_shares({"flat": flat, "other": POINTS}, "flat")
    with pytest.raises(ReaderError, match=r"no curve 'fix'\. Did you mean 'fixed'"):
        hypervolume_shares({"fixed": POINTS}, "fix")


def test_nothing_is_not_compared_either():
    with pytest.raises(ReaderError, match="Of 0 models at 3 grid points"):
        single_model_baseline({"a": torch.zeros(0), "b": torch.zeros(0)}, GRID)
    with pytest.raises(ReaderError, match="no grid points"):
        gap_closed(*[torch.zeros(0)] * 3)
    with pytest.raises(ReaderError, match="term 'a' is that of no examples"):
        term_values(lambda lam: {"a": torch.zeros(2, 0)}, GRID)
    with pytest.raises(ReaderError, match="grid has no weights"):
        term_values(lambda lam: {"a": torch.zeros(2, 3)}, GRID[:0])


@pytest.mark.filterwarnings("error")
def test_values_that_are_all_the_same_have_no_order_and_no_warning():
    for same in (torch.full((5,), 2.0), torch.ones(1), torch.zeros(0)):
        assert math.isnan(monotonicity(same))
    assert monotonicity(torch.tensor([1.0, 2.0, 4.0], requires_grad=True).bfloat16()) == pytest.approx(1)
    with pytest.raises(ReaderError, match=r"One value for each α, \(A,\), expected; got \(4, 2\)"):
        monotonicity(torch.ones(4, 2))
