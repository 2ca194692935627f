"""Dynamic-Net's figures: what they read from recorded numbers, and that each draws what was measured."""

import pytest
import torch
from matplotlib import pyplot as plt

from lossconditioning.evaluation.alphas import ALPHAS
from lossconditioning.systems.dynamic_style import figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def recorded(prefix, count, **terms):
    """Numbers as `evaluate` names them; term → the value of point i, as a function of i."""
    return {f"{prefix}_{term}_{i}": value(i) for term, value in terms.items() for i in range(count)}


def falling(method, count):
    return recorded(f"style_{method}", count, content=lambda i: 0.1 * i, style=lambda i: 1 - 0.1 * i)


def lines(axis):
    return {line.get_label(): line.get_xydata() for line in axis.get_lines() if not line.get_label().startswith("_")}


def test_curves_are_found_by_name_and_in_order():
    found = figures.curves(falling("fixed", 12), "style", ["fixed", "dynamic"], ("content", "style"))
    assert list(found) == ["fixed"]
    assert found["fixed"]["content"].tolist() == pytest.approx([0.1 * i for i in range(12)])


def test_a_number_that_only_begins_alike_is_no_point():
    metrics = {**falling("fixed", 2), "style_fixed_style_mean": 3.0}
    assert figures.curves(metrics, "style", ["fixed"], ("style",))["fixed"]["style"].tolist() == [1.0, 0.9]


def test_figure_3_draws_every_way_that_was_measured():
    metrics = falling("fixed", 7) | falling("dynamic", 11)
    drawn = lines(figures.strength(metrics).axes[0])
    assert set(drawn) == {figures.LABELS["fixed"], figures.LABELS["dynamic"]}
    assert drawn[figures.LABELS["dynamic"]][-1] == pytest.approx([1, 0])


def test_figure_3_draws_the_grid_where_there_is_one():
    drawn = lines(figures.strength(falling("fixed", 7) | falling("grid", 1000)).axes[0])
    assert len(drawn["tuning blocks, one α for each"]) == 1000


def test_figure_4_draws_both_styles_and_content_against_alpha():
    terms = {"style": lambda i: i, "other": lambda i: 10 - i, "content": lambda i: 3.0}
    both, along = figures.two_styles(recorded("styles_dynamic", 11, **terms)).axes
    assert lines(both)[figures.LABELS["dynamic"]].tolist() == [[i, 10 - i] for i in range(11)]
    assert along.get_lines()[0].get_xydata() == pytest.approx(torch.tensor([[a, 3.0] for a in ALPHAS]).numpy())


def test_figure_8_has_a_panel_for_every_gap():
    terms = {"content": lambda i: i, "style": lambda i: -i}
    metrics = recorded("back_middle_dynamic", 11, **terms) | recorded("back_none_pictures", 11, **terms)
    middle, weak, none = figures.failure(metrics).axes
    assert [len(lines(axis)) for axis in (middle, weak, none)] == [1, 0, 1]


def test_the_arrows_of_the_toy_are_drawn_one_panel_for_each_gap():
    points = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    made = figures.arrows({"near": {"dynamic": points, "optimum": points}, "far": {"pictures": points}})
    assert [len(lines(axis)) for axis in made.axes] == [2, 1]
    optimum = made.axes[0].get_lines()[1]
    assert (optimum.get_label(), optimum.get_linestyle()) == ("the best there is", "None")
