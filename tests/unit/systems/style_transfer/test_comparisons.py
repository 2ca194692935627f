"""What painters are compared by: Figures 6a and 6b, what a weight does, and new styles, where the answer is known."""

import math

import pytest
import torch
from small_painters import SIDE, perceptual_loss, small_painter, small_paintings

from lossconditioning.datasets import photographs
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.evaluation import (
    content_against_style,
    full_loss_by_setting,
    obedience,
    sensitivity,
    unseen,
)

DEFAULT = torch.tensor(style_transfer.DEFAULT)
SETTINGS = style_transfer.settings()
STYLES = ("style_1", "style_2", "style_3", "style_4")


class Told:
    """In place of a `Measure`: a model is a function from λ to its averaged terms."""

    def means(self, model, lam):
        return model(lam)

    def paint(self, model, lam):
        return torch.tensor([model(lam)["content"], model(lam)["style_1"]])

    def terms(self, painted):
        return {name: painted[int(name != "content")][None] for name in (*style_transfer.WEIGHTS, "total_variation")}


def trade_off(content):
    """A painter on the curve content × style = 1, from content 3 at λ_c = 0.2 to 1/3 at λ_c = 20; or always at one place."""

    def model(lam):
        place = 3 ** -math.log10(float(lam[4]) / 2) if content is None else content
        return {"content": place, **dict.fromkeys(STYLES, 1 / place / 4), "total_variation": 1.0}

    return model


def on_the_curve():
    fixed = {f"fixed_{name}": trade_off(1.0) for name in SETTINGS}
    curve = {
        name: trade_off(trade_off(None)(lam)["content"])
        for name, lam in zip(style_transfer.FIXED_CURVE, style_transfer.content_grid(), strict=True)
    }
    return {**fixed, **curve, "yoto": trade_off(None), "specialist": trade_off(None)}


def test_figure_6a_compares_three_methods_under_ten_settings():
    values = dict.fromkeys((*style_transfer.WEIGHTS, "total_variation"), 1.0)
    models = {"yoto": lambda lam: values, "fixed_default": lambda lam: dict.fromkeys(values, 2.0)}
    models |= {f"fixed_{name}": lambda lam: dict.fromkeys(values, 0.8) for name in SETTINGS}
    found = full_loss_by_setting(models, Told())
    for name, lam in SETTINGS.items():
        cost = sum(weight / default for weight, default in zip(lam, style_transfer.DEFAULT, strict=True)) + 0.05
        assert found[f"fig6a_yoto_{name}"] == pytest.approx(cost, rel=1e-5)
        assert found[f"fig6a_fixed_{name}"] == pytest.approx(0.8 * cost, rel=1e-5)
        assert found[f"fig6a_single_{name}"] == pytest.approx(2 * cost, rel=1e-5)
    assert found["fig6a_gap"] == pytest.approx(0.25, rel=1e-4)
    assert found["fig6a_settings_below_baseline"] == 10
    models["yoto"] = lambda lam: dict.fromkeys(values, 1.0 if lam[4] < 10 else 3.0)
    assert full_loss_by_setting(models, Told())["fig6a_settings_below_baseline"] == 9


def test_painters_on_the_fixed_weight_models_curve_have_their_hypervolume():
    found = content_against_style(on_the_curve(), Told())
    for name in ("fixed", "yoto", "specialist"):
        assert found[f"fig6b_hypervolume_{name}"] == pytest.approx(1.0, rel=1e-6)
        assert [found[f"fig6b_{name}_content_{i}"] for i in (0, 2, 4)] == pytest.approx([3.0, 1.0, 1 / 3], rel=1e-5)
        assert [found[f"fig6b_{name}_style_{i}"] for i in (0, 2, 4)] == pytest.approx([1 / 3, 1.0, 3.0], rel=1e-5)
    # A mixture of the two ends lies on the straight line between them, above the curve.
    middle = found["fig6b_interpolation_content_2"]
    assert middle == pytest.approx((3 + 1 / 3) / 2, rel=1e-5)
    assert found["fig6b_hypervolume_interpolation"] < 0.7


def test_a_painter_that_follows_the_weight_is_monotone():
    assert obedience(trade_off(None), Told())["monotonicity"] == pytest.approx(1.0)
    against = obedience(lambda lam: trade_off(None)(4 / lam), Told())
    assert against["monotonicity_content"] == against["monotonicity_style"] == pytest.approx(-1.0)
    wavers = obedience(lambda lam: trade_off(2 + math.cos(5 * math.log(lam[4])))(lam), Told())
    assert wavers["monotonicity"] < 0.95


@pytest.mark.filterwarnings("ignore:An input array is constant")
@pytest.mark.parametrize("still", ["content", "style"])
def test_a_side_that_does_not_move_does_not_hide_behind_one_that_does(still):
    def model(lam):
        found = trade_off(None)(lam)
        return {name: 1.0 if name.startswith(still) else value for name, value in found.items()}

    assert not obedience(model, Told())["monotonicity"] >= 0.95


def test_sensitivity_is_by_which_power_of_ten_a_weight_changes_a_term():
    powers = torch.tensor(
        [[-1, 0.5, 0, 0, 0], [0, -2, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0.25, 0, 0, 0, -0.5]]
    )

    def model(lam):
        terms = 10 ** ((lam / DEFAULT).log10() @ powers)
        return dict(zip(style_transfer.WEIGHTS, terms.tolist(), strict=True))

    found = style_transfer.sensitivities(sensitivity(model, Told()))
    torch.testing.assert_close(found, 2 * powers.double(), rtol=1e-4, atol=1e-5)


def test_unseen_styles_are_measured_like_seen_ones():
    """The seen styles, given as if they were new, have the seen ones' numbers."""
    painter, styles = small_painter(), dict(list(small_paintings().items())[:3])
    measure = style_transfer.Measure.of(perceptual_loss(), list(photographs().values())[:3], styles, SIDE)
    found = unseen(painter, measure, styles, painter.styles[:3])
    assert set(found) == {"style_left_unseen", "style_left_seen", "content_unseen", "content_seen"}
    for name in ("style_left", "content"):
        assert found[f"{name}_unseen"] == pytest.approx(found[f"{name}_seen"], rel=1e-4)
    other = unseen(painter, measure, styles, painter.styles[5:8])
    assert other["content_unseen"] != pytest.approx(found["content_unseen"], rel=1e-4)
    before, after = measure.terms(measure.batch.photographs), measure.means(painter, DEFAULT)
    left = sum(after[name] for name in STYLES) / sum(before[name].mean().item() for name in STYLES)
    assert found["style_left_seen"] == pytest.approx(left, rel=1e-4)
