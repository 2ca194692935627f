"""The numbers that compare a conditional model with the models it replaces, on examples one can do by hand."""

import math

import pytest
import torch

from lossconditioning import (
    Claim,
    ReaderError,
    gap,
    gap_closed,
    hypervolume,
    objective,
    regret,
    single_model_baseline,
    term_values,
)
from lossconditioning.evaluation import (
    Evaluation,
    claims_markdown,
    claims_table,
    cross_objectives,
    hypervolume_shares,
    share_closed,
)

GRID = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])


def test_term_values_average_every_term_at_every_weight():
    x = torch.arange(6.0).view(2, 3)  # two members, three examples

    def evaluate(lam):
        return {"a": lam[0] * x + lam[1], "b": x.square() + lam[1]}

    values = term_values(evaluate, GRID)
    assert list(values) == ["a", "b"]
    for g, lam in enumerate(GRID):
        for name, term in evaluate(lam).items():
            for m in range(2):
                assert values[name][m, g] == pytest.approx(sum(float(v) for v in term[m]) / 3)


def test_term_values_average_in_double_precision_and_without_gradient():
    scale = torch.ones((), requires_grad=True)
    ones = torch.full((1000,), 0.1)
    values = term_values(lambda lam: {"a": lam * ones * scale}, torch.tensor([1.0, 2.0]))["a"]
    assert not values.requires_grad
    torch.testing.assert_close(values, ones.double()[0] * torch.tensor([1.0, 2.0]).double(), rtol=1e-15, atol=0)


def test_the_objective_weighs_each_grid_point_by_its_own_weights():
    values = {"a": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "b": torch.tensor([[10.0, 20.0, 30.0]] * 2)}
    assert objective(values, GRID).tolist() == [[1.0, 11.0, 30.0], [4.0, 12.5, 30.0]]


def test_cross_objectives_put_every_model_under_every_objective():
    values = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([10.0, 4.0])}
    assert cross_objectives(values, GRID).tolist() == [[1.0, 5.5, 10.0], [2.0, 3.0, 4.0]]
    seeds = {name: torch.stack([value, 2 * value]) for name, value in values.items()}
    assert cross_objectives(seeds, GRID)[1].tolist() == [[2.0, 11.0, 20.0], [4.0, 6.0, 8.0]]


def test_the_single_model_is_the_best_on_average_not_anywhere():
    # The first is best at one end, the third at the other, the second nowhere, but it is never bad.
    values = {"a": torch.tensor([0.0, 1.0, 9.0]), "b": torch.tensor([9.0, 1.5, 0.0])}
    index, costs = single_model_baseline(values, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert index == 1
    assert costs.tolist() == [1.0, 1.5]
    # Where the grid stands at one end, so does the best model.
    index, costs = single_model_baseline(values, torch.tensor([[0.1, 0.9], [0.0, 1.0]]))
    assert index == 2
    torch.testing.assert_close(costs, torch.tensor([0.9, 0.0]))


def test_regret_is_the_excess_over_the_optimum():
    optimum = torch.tensor([0.5, 1.0])
    achieved = torch.tensor([[0.75, 1.0], [0.5, 3.0]])
    assert regret(achieved, optimum).tolist() == [[0.25, 0.0], [0.0, 2.0]]
    assert regret(optimum - 1e-8, optimum).min() == 0  # rounding
    with pytest.raises(ReaderError, match=r"0\.25 below its optimum"):
        regret(torch.tensor([0.25, 2.0]), optimum)


def test_a_gap_has_a_sign():
    assert gap(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.0])).tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("conditional", "share"),
    [([3.0, 5.0], 0.0), ([1.0, 2.0], 1.0), ([2.0, 3.5], 0.5), ([0.5, 1.25], 1.25), ([5.5, 5.0], -0.5)],
)
def test_the_gap_closed_is_the_share_of_the_way(conditional, share):
    fixed, single = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    assert gap_closed(torch.tensor(conditional), fixed, single) == pytest.approx(share)
    assert share_closed(torch.tensor(conditional), fixed, single) == pytest.approx(share)


@pytest.mark.parametrize("single", [[1.0, 2.0], [0.0, 2.5]])
def test_there_must_be_a_gap_to_close(single):
    with pytest.raises(ReaderError, match="no gap to close"):
        gap_closed(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor(single))
    assert math.isnan(share_closed(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor(single)))


STAIRCASE = torch.tensor([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0], [3.0, 3.0], [5.0, 0.0]])
"""Steps of area 3, 2 and 1 below (4, 4), a dominated point, and one beyond the reference."""


def test_hypervolume_is_the_area_over_the_staircase():
    assert hypervolume(STAIRCASE, [4.0, 4.0]) == pytest.approx(6)
    assert hypervolume(STAIRCASE[:1], torch.tensor([4.0, 4.0])) == pytest.approx(3)
    assert hypervolume(STAIRCASE[4:], [4.0, 4.0]) == 0
    assert hypervolume(STAIRCASE.flip(1), [4.0, 5.0]) == pytest.approx(6 + 3)


def test_hypervolume_as_a_share_of_the_box():
    assert hypervolume(STAIRCASE, [4.0, 4.0], ideal=[0.0, 0.0]) == pytest.approx(6 / 16)
    assert hypervolume(STAIRCASE, [4.0, 4.0], ideal=[1.0, 1.0]) == pytest.approx(6 / 9)
    assert hypervolume(torch.tensor([[0.0, 0.0, 0.0]]), [1.0, 2.0, 4.0], ideal=[0.0, 0.0, 0.0]) == pytest.approx(1)


def test_hypervolume_stays_a_share_where_a_point_beats_the_ideal():
    try:
        share = hypervolume(torch.tensor([[-1.0, -1.0]]), [1.0, 1.0], ideal=[0.0, 0.0])
    except ReaderError:
        return
    assert share <= 1


def test_shares_are_of_areas_below_a_corner_a_tenth_beyond_the_references_ends():
    curves = {"fixed": [[0.0, 1.0], [1.0, 0.0]], "one": [[0.5, 0.5]], "none": [[1.2, 0.0]]}  # the corner is (1.1, 1.1)
    found = hypervolume_shares({name: torch.tensor(rows).double() for name, rows in curves.items()}, "fixed")
    area = 1.1 * 0.1 + 0.1 * 1.1 - 0.1 * 0.1
    assert found == {"fixed": 1, "one": pytest.approx(0.36 / area), "none": 0}


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 4, 2)])
def test_hypervolume_needs_points_of_the_references_size(shape):
    with pytest.raises(ReaderError, match=r"reference of 2 terms: \(N, K\) expected"):
        hypervolume(torch.zeros(shape), [1.0, 1.0])


CLAIMS = [
    Claim("b", "One model does it all (4.1)", "0.1", "0.05", True),
    Claim("a", "Small is worse (B.1)", "a curve", "flat", False),
]


def test_claims_as_a_table():
    table = claims_table(CLAIMS)
    assert list(table.index) == ["b", "a"]
    assert table.index.name == "id"
    assert list(table.columns) == ["claim", "paper", "measured", "reproduced"]
    assert table.loc["a"].tolist() == ["Small is worse (B.1)", "a curve", "flat", "no"]
    assert table.loc["b", "reproduced"] == "yes"


def test_claims_as_markdown():
    assert claims_markdown(CLAIMS).splitlines() == [
        "| claim | paper | measured | reproduced |",
        "|---|---|---|---|",
        "| One model does it all (4.1) | 0.1 | 0.05 | yes |",
        "| Small is worse (B.1) | a curve | flat | **no** |",
    ]


def test_a_bar_in_a_claim_does_not_open_a_column():
    row = claims_markdown([Claim("a", "mean |Δp| is small", "0.1", "0.2", True)]).splitlines()[-1]
    assert row.replace(r"\|", "").count("|") == 5


def test_an_evaluation_as_json_keeps_everything():
    values = Evaluation("folder", {"regret": 0.5}, CLAIMS).as_json("toy")
    assert values["system"] == "toy"
    assert values["metrics"] == {"regret": 0.5}
    assert values["claims"][1]["reproduced"] is False
    assert math.isclose(float(values["claims"][0]["value"]), 0.05)
