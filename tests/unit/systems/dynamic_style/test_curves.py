"""The curves of turned networks: how they are joined and weighed up, and where those of real networks begin and end."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from small_dynamic import QUIET, SIDE, SMALL, shaken, small_loss

from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import photographs
from lossconditioning.evaluation import curve_of
from lossconditioning.evaluation.alphas import WIDE, monotonicity
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import BACK, Measure, comparisons, evaluation, grain
from lossconditioning.training import Trained

# The weights that conditional networks are told, both ends included, are those they were trained with.
pytestmark = pytest.mark.filterwarnings("error::lossconditioning.WeightWarning")


# Curves -------------------------------------------------------------------------------------------------------------------


def test_points_are_joined_by_straight_lines():
    points = torch.tensor([[0.0, 4.0], [1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)
    found = comparisons.joined(points, between=4)
    assert found.dtype == torch.float64
    rows = found.tolist()
    for row in ([0, 4], [0.25, 3.5], [0.5, 3], [1, 2], [1.5, 2], [2.5, 2], [3, 2]):
        assert row in rows
    assert len({tuple(row) for row in rows}) == 9
    assert torch.equal(found[[0, -1]], points[[0, -1]])


def points(*rows):
    content, style = torch.tensor(rows, dtype=torch.float64).T
    return {"content": content, "style": style}


def test_volumes_are_areas_below_a_corner_a_tenth_beyond_the_references_ends():
    # Below the corner (1.1, 1.1), the line from (0, 1) to (1, 0) leaves a triangle and two strips.
    reference = 0.5 + 2 * 0.1 * 1.1 - 0.1**2
    curves = {
        "line": points((0, 1), (0.5, 0.5), (1, 0)),
        "few": points((0, 1), (1, 0)),
        "better": points((0, 1), (0, 0), (1, 0)),
        "short": points((0.5, 0.6), (0.6, 0.5)),
        "beyond": points((1.2, 0), (1.3, -1)),
    }
    found = comparisons.volumes(curves, "line")
    assert found["line"] == 1
    assert found["few"] == pytest.approx(1, rel=0.025)  # joined, so that it does not suffer for having two points
    assert found["better"] == pytest.approx(1.1**2 / reference, rel=0.025)
    assert found["short"] == pytest.approx((0.6 * 0.6 - 0.1**2 / 2) / reference, rel=0.025)
    assert found["beyond"] == 0


def test_volumes_do_not_depend_on_units_and_may_be_of_other_axes():
    curves = {"one": points((0, 1), (0.2, 0.4), (1, 0)), "two": points((0.1, 1), (1, 0.1))}
    scaled = {name: {"a": 7 * c["content"] + 3, "b": 0.1 * c["style"] - 1} for name, c in curves.items()}
    expected = comparisons.volumes(curves, "one")
    assert comparisons.volumes(scaled, "one", axes=("a", "b")) == pytest.approx(expected, rel=1e-6)
    assert 0 < expected["two"] < 1


def test_monotonicity_is_a_rank_correlation():
    for values, expected in (([1, 2, 3, 50], 1), ([5, 4, 1], -1), ([1, 3, 2], 0.5), ([0, 1, 1.01, 0.99], 0.4)):
        assert monotonicity(torch.tensor(values, dtype=torch.float64)) == pytest.approx(expected)


# Real networks ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measure():
    return Measure.of(small_loss(), list(photographs().values())[:2], SIDE)


@pytest.fixture(scope="module")
def models():
    """Every experiment's network and blocks, as if trained."""
    return {name: shaken(name) for name in SMALL}


def at(curve, place):
    return {name: float(values[place]) for name, values in curve.items()}


def test_mixed_pictures_end_at_the_two_pictures(measure, models):
    first, second = (measure.paint(models[name]) for name in ("style_fixed_0", "style_other"))
    style = measure.style()
    found = comparisons.mixed_pictures(measure, first, second, style)
    assert len(found["style"]) == 11
    assert at(found, 0) == pytest.approx(measure.means(first, style), rel=1e-5)
    assert at(found, 5) == pytest.approx(measure.means((first + second) / 2, style), rel=1e-3)
    assert at(found, -1) == pytest.approx(measure.means(second, style), rel=1e-5)


def test_mixed_weights_lie_between_two_networks_which_stay_as_they_are(models):
    first, second = models["style_fixed_0"], models["style_fixed_6"]
    before = [weight.clone() for weight in first.parameters()]
    for share in (0.0, 0.5, 1.0):
        mixed = comparisons.mixed_weights(first, second, share)
        for found, one, other in zip(mixed.parameters(), first.parameters(), second.parameters(), strict=True):
            torch.testing.assert_close(found, (1 - share) * one + share * other)
    assert all(map(torch.equal, before, first.parameters()))


def test_a_dynamic_network_is_one_as_long_as_it_is_measured(models, measure):
    main, blocks = models["style_fixed_0"], models["style_blocks"]
    plain = measure.paint(main)
    with DynamicNet(main, {"tuned": blocks}) as model:
        assert torch.equal(measure.paint(partial(model, alpha=0.0)), plain)
        assert not torch.allclose(measure.paint(partial(model, alpha=1.0)), plain, atol=1e-2)
    with pytest.raises(KeyError), DynamicNet(main, {"tuned": blocks}):
        raise KeyError
    assert not any(module._forward_hooks for module in main.modules())
    assert all(weight.requires_grad for weight in main.parameters())
    assert torch.equal(measure.paint(main), plain)


def test_a_grid_agrees_with_single_calls(models, measure):
    main, blocks, style = models["style_fixed_0"], models["style_blocks"], measure.style()
    alphas, found = comparisons.grid(main, blocks, measure, (0.0, 0.7))
    assert alphas.shape == (8, 3)
    with DynamicNet(main, {"tuned": blocks}) as model:
        for row in (3, 4):
            single = measure.means(partial(model, alpha=alphas[row].tolist()), style)
            assert at(found, row) == pytest.approx(single, rel=1e-5)
    assert at(found, 0) == pytest.approx(measure.means(main, style), rel=1e-6)


def test_figures_begin_at_the_main_network_and_blends_end_at_the_fixed_ones(models, measure):
    style, other = measure.style(), measure.style(dynamic_style.STYLES[1])
    weak, middle, strong, second = (
        measure.means(models[f"style_{name}"], style) for name in ("fixed_0", "fixed_3", "fixed_6", "other")
    )
    third = comparisons.weak_to_strong(models, measure)
    assert {name: len(values["style"]) for name, values in third.items()} == {
        "fixed": 7,
        "weights": 6,
        **dict.fromkeys(("dynamic", "pictures", "conditional"), 11),
    }
    assert at(third["dynamic"], 0) == at(third["fixed"], 0) == pytest.approx(weak)
    for name in ("fixed", "pictures", "weights"):
        assert at(third[name], 0) == pytest.approx(weak, rel=1e-4)
        assert at(third[name], -1) == pytest.approx(strong, rel=1e-4)
    for place, lam in ((0, 0.8), (-1, 40.0)):
        told = measure.means(dynamic_style.told(models["style_conditional"], lam), style)
        assert at(third["conditional"], place) == pytest.approx(told, rel=1e-4)
    fourth = comparisons.style_to_style(models, measure)
    assert {len(values) for curve in fourth.values() for values in curve.values()} == {11}
    for name in ("dynamic", "pictures"):
        against = measure.means(models["style_fixed_6"], other)["style"]
        assert at(fourth[name], 0) == pytest.approx({**strong, "other": against}, rel=1e-4)
    against = measure.means(models["style_other"], other)["style"]
    assert at(fourth["pictures"], -1) == pytest.approx({**second, "other": against}, rel=1e-4)
    for place, code in ((0, [1.0, 0.0]), (-1, [0.0, 1.0])):
        told = measure.means(dynamic_style.told(models["style_two"], torch.tensor(code)), style)
        assert fourth["two"]["style"][place] == pytest.approx(told["style"], rel=1e-4)
    fifth, start = comparisons.fine_to_coarse(models, measure), WIDE.index(0.0)
    assert fifth["fine"][start] == pytest.approx(strong["style"], rel=1e-5)
    assert fifth["grain"][start] == pytest.approx(grain(measure.paint(models["style_fixed_6"])), rel=1e-5)
    eighth = comparisons.strong_to_weak(models, measure)
    ends = (middle, weak, measure.means(measure.photographs, style))
    for gap, end in zip(BACK, ends, strict=True):
        for curve in eighth[gap].values():
            assert at(curve, 0) == pytest.approx(strong, rel=1e-5)
        assert at(eighth[gap]["pictures"], -1) == pytest.approx(end, rel=1e-4, abs=1e-7)


# All numbers --------------------------------------------------------------------------------------------------------------


def test_evaluation_names_every_point_and_every_number_is_finite(models):
    trained = {name: Trained(SMALL[name], None, model) for name, model in models.items()}
    found = evaluation.compare(trained, replace(QUIET, thorough=True))
    assert all(math.isfinite(value) for value in found.values())
    methods = ("dynamic", "pictures", "weights", "conditional")
    points = {f"style_fixed_{term}_{i}" for term in ("content", "style") for i in range(7)}
    eleven = {
        **{f"style_{method}": ("content", "style") for method in ("dynamic", "pictures", "conditional")},
        **{f"styles_{method}": ("content", "style", "other") for method in ("dynamic", "pictures", "two")},
    }
    points |= {f"{name}_{term}_{i}" for name, terms in eleven.items() for term in terms for i in range(11)}
    six = ["style_weights", *(f"back_{gap}_{method}" for gap in BACK for method in ("dynamic", "pictures"))]
    points |= {f"{name}_{term}_{i}" for name in six for term in ("content", "style") for i in range(6)}
    points |= {"style_long_content_0", "style_long_style_0"}
    points |= {f"grain_{term}_{i}" for term in ("fine", "coarse", "grain") for i in range(9)}
    numbers = {f"hypervolume_{method}" for method in ("fixed", *methods)} | {f"back_{gap}_cost" for gap in BACK}
    numbers |= {"hypervolume_ratio_fixed", "hypervolume_ratio_interpolation", "photographs", "grain_points"}
    numbers |= {"styles_ratio_interpolation", "styles_ratio_two"}
    numbers |= {"lattice_2", "lattice_4"}  # no optima are recorded for pictures of 32 pixels
    numbers |= {"style_monotonicity", "style_monotonicity_pictures", "grain_monotonicity"}
    grid = {f"style_grid_{term}_{i}" for term in ("content", "style") for i in range(8)}
    assert set(found) == points | numbers | grid
    assert found["style_grid_style_0"] == pytest.approx(found["style_dynamic_style_0"])
    assert found["style_grid_style_7"] == pytest.approx(found["style_dynamic_style_10"])
    assert (found["photographs"], found["grain_points"], found["hypervolume_fixed"]) == (1, 9, 1)


# What the best point costs ------------------------------------------------------------------------------------------------


def test_a_curve_is_judged_by_its_best_point_under_every_objective():
    values = curve_of([{"content": 0.0, "style": 1.0}, {"content": 1.0, "style": 0.0}])
    even = comparisons.best_costs(values, (1.0, 1.0), count=1)
    assert even.tolist() == [0.5]
    found = comparisons.best_costs(values, (1e9, 0.0), count=3)  # style alone, both alike, content alone
    assert found.tolist() == pytest.approx([0, 0.5, 0], abs=1e-6)


def test_more_points_never_cost_more():
    rows = [{"content": 0.2, "style": 0.9}, {"content": 0.8, "style": 0.3}, {"content": 0.4, "style": 0.4}]
    fewer, all_three = (comparisons.best_costs(curve_of(rows[:count]), (40.0, 0.0)) for count in (2, 3))
    assert (all_three <= fewer).all()
    assert (all_three < fewer).any()
