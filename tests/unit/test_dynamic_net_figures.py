"""Dynamic-Net's figures: what they read from recorded numbers, and that each draws what was measured."""

import pytest
import torch
from matplotlib import pyplot as plt

from lossconditioning.systems import dynamic_net
from lossconditioning.systems.dynamic_net import ALPHAS, WIDE, faces, figures


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
    assert found["fixed"]["content"] == pytest.approx([0.1 * i for i in range(12)])


def test_a_number_that_only_begins_alike_is_no_point():
    metrics = {**falling("fixed", 2), "style_fixed_style_mean": 3.0}
    assert figures.curves(metrics, "style", ["fixed"], ("style",)) == {"fixed": {"style": [1.0, 0.9]}}


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


def test_completions_are_drawn_over_alpha_one_panel_for_each_measure():
    metrics = {}
    for prefix in ("completion", "completion_pictures"):
        metrics |= recorded(prefix, 11, **{f"{name}_alpha": lambda i: i for name in figures.MEASURES})
        metrics |= recorded(prefix, 11, own_alpha_count=lambda i: 11 - i)
    made = figures.completions(metrics)
    assert [len(axis.get_lines()) for axis in made.axes] == [2] * 4
    (bars,) = figures.own_alphas(metrics).axes
    assert [patch.get_height() for patch in bars.patches] == [*range(11, 0, -1)] * 2


def test_scores_draw_the_attribute_that_is_meant_thickest():
    names = ("blond_hair", "smiling", "hat")
    rising = torch.linspace(0, 1, len(WIDE))[:, None].expand(-1, 3)
    turn = faces.Turn("smiling", names, torch.tensor(WIDE), rising, rising, torch.ones(3), 1.0)
    (axis,) = figures.scores([turn]).axes
    widths = {line.get_label(): line.get_linewidth() for line in axis.get_lines()}
    assert max(widths, key=widths.get) == "smiling"


def test_a_sheet_of_faces_has_a_picture_for_every_person_and_setting():
    made = figures.face_sheet(torch.zeros(2, 3, 3, 64, 64), ["a", "b", "c"])
    assert sum(len(axis.get_images()) for axis in made.axes) == 6


def test_demo_reads_the_record():
    assert figures.evaluation("demo", None).metrics == dynamic_net.recorded_evaluation().metrics
