"""How painters are measured and compared: Figures 6a and 6b, what a weight does, and new styles, where the answer is known."""

import math

import pytest
import torch
from small_painters import SIDE, perceptual_loss, small_painter, small_pictures

from lossconditioning.datasets import photographs
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import measures
from lossconditioning.systems.style_transfer.comparisons import join

DEFAULT = torch.tensor(style_transfer.DEFAULT)
SETTINGS = style_transfer.settings()
STYLES = ("style_1", "style_2", "style_3", "style_4")


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_pictures(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="module")
def measure():
    """Three photographs, each with a painting of its own."""
    styles = dict(list(style_transfer.styles().items())[:3])
    return style_transfer.Measure.of(perceptual_loss(), list(photographs().values())[:3], styles)


@pytest.fixture(scope="module")
def painters():
    return {"yoto": small_painter(), "specialist": small_painter("specialist"), "fixed": small_painter("fixed")}


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


# Measures -----------------------------------------------------------------------------------------------------------------


def test_the_full_loss_is_the_objective_of_averaged_terms():
    means = {name: float(index + 1) for index, name in enumerate((*style_transfer.WEIGHTS, "total_variation"))}
    assert style_transfer.full_loss(means, DEFAULT) == pytest.approx(15 + 0.05 * 6)
    high = torch.tensor(SETTINGS["style_3_high"])
    assert style_transfer.full_loss(means, high) == pytest.approx(15 + 9 * 3 + 0.05 * 6)


def test_every_photograph_has_a_painting_in_turn():
    loss, styles = perceptual_loss(), dict(list(style_transfer.styles().items())[:2])
    found = style_transfer.Measure.of(loss, list(photographs().values())[:5], styles)
    assert found.style.tolist() == [0, 1, 0, 1, 0]
    assert found.photographs.shape == (5, 3, SIDE, SIDE)
    grams = loss.style_targets(torch.stack(list(styles.values())).float() / 255)
    for target, gram in zip(found.styles, grams, strict=True):
        torch.testing.assert_close(target, gram[[0, 1, 0, 1, 0]], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["yoto", "specialist", "fixed"])
def test_chunks_do_not_matter(kind, measure, painters, monkeypatch):
    painted = measure.paint(painters[kind], DEFAULT)
    values = measure.terms(painted)
    monkeypatch.setattr(measures, "CHUNK", 2)
    torch.testing.assert_close(measure.paint(painters[kind], DEFAULT), painted, rtol=0, atol=1e-5)
    for name, value in measure.terms(painted).items():
        torch.testing.assert_close(value, values[name], rtol=1e-4, atol=1e-6)


def test_means_are_those_of_the_painted_photographs_and_remembered(measure, painters):
    lam = torch.tensor(SETTINGS["content_low"])
    found, painter = measure.means(painters["yoto"], lam), painters["yoto"]
    painted = painter(measure.photographs, measure.style, lam.expand(3, 5)).detach()
    values = style_transfer.terms(measure.loss, painted, measure.content, measure.styles)
    for name, value in values.items():
        assert found[name] == pytest.approx(value.mean().item(), rel=1e-4)
    assert measure.means(painter, lam.clone()) is found
    assert measure.means(painter, DEFAULT) != found
    assert measure.means(painters["fixed"], lam) != found


def test_other_styles_come_with_the_same_photographs(measure):
    strangers = dict(list(style_transfer.styles().items())[7:9])
    other = measure.with_styles(strangers)
    assert torch.equal(other.photographs, measure.photographs)
    assert other.style.tolist() == [0, 1, 0]
    again = style_transfer.Measure.of(measure.loss, list(photographs().values())[:3], strangers)
    for target, its in zip(other.styles, again.styles, strict=True):
        assert torch.equal(target, its)


def test_a_curve_holds_the_terms_at_every_weight_and_the_sum_of_styles(measure, painters):
    grid = style_transfer.content_grid(3)
    found = style_transfer.curve(lambda lam: measure.means(painters["yoto"], lam), grid)
    assert found["content"].tolist() == [measure.means(painters["yoto"], lam)["content"] for lam in grid]
    torch.testing.assert_close(found["style"], sum(found[name] for name in STYLES))
    assert (found["style"].dtype, found["style"].shape) == (torch.float64, (3,))


# Comparisons --------------------------------------------------------------------------------------------------------------


def test_figure_6a_compares_three_methods_under_ten_settings():
    values = dict.fromkeys((*style_transfer.WEIGHTS, "total_variation"), 1.0)
    models = {"yoto": lambda lam: values, "fixed_default": lambda lam: dict.fromkeys(values, 2.0)}
    models |= {f"fixed_{name}": lambda lam: dict.fromkeys(values, 0.8) for name in SETTINGS}
    found = style_transfer.figure_6a(models, Told())
    for name, lam in SETTINGS.items():
        cost = sum(weight / default for weight, default in zip(lam, style_transfer.DEFAULT, strict=True)) + 0.05
        assert found[f"fig6a_yoto_{name}"] == pytest.approx(cost, rel=1e-5)
        assert found[f"fig6a_fixed_{name}"] == pytest.approx(0.8 * cost, rel=1e-5)
        assert found[f"fig6a_single_{name}"] == pytest.approx(2 * cost, rel=1e-5)
    assert found["fig6a_gap"] == pytest.approx(0.25, rel=1e-4)
    assert found["fig6a_settings_below_baseline"] == 10
    models["yoto"] = lambda lam: dict.fromkeys(values, 1.0 if lam[4] < 10 else 3.0)
    assert style_transfer.figure_6a(models, Told())["fig6a_settings_below_baseline"] == 9


def test_painters_on_the_fixed_weight_models_curve_have_their_hypervolume():
    found = style_transfer.figure_6b(on_the_curve(), Told())
    for name in ("fixed", "yoto", "specialist"):
        assert found[f"fig6b_hypervolume_{name}"] == pytest.approx(1.0, rel=1e-6)
        assert [found[f"fig6b_{name}_content_{i}"] for i in (0, 2, 4)] == pytest.approx([3.0, 1.0, 1 / 3], rel=1e-5)
        assert [found[f"fig6b_{name}_style_{i}"] for i in (0, 2, 4)] == pytest.approx([1 / 3, 1.0, 3.0], rel=1e-5)
    # A mixture of the two ends lies on the straight line between them, above the curve.
    middle = found["fig6b_interpolation_content_2"]
    assert middle == pytest.approx((3 + 1 / 3) / 2, rel=1e-5)
    assert found["fig6b_hypervolume_interpolation"] < 0.7


def test_hypervolumes_are_areas_below_a_corner_a_tenth_beyond_the_fixed_models():
    def points(*rows):
        content, style = torch.tensor(rows, dtype=torch.float64).T
        return {"content": content, "style": style}

    fixed = points((0.0, 1.0), (1.0, 0.0))  # the corner is (1.1, 1.1)
    found = style_transfer.hypervolumes({"fixed": fixed, "one": points((0.5, 0.5)), "none": points((1.2, 0.0))})
    assert found["fixed"] == pytest.approx(1.1 * 0.1 + 0.1 * 1.1 - 0.1 * 0.1)
    assert found["one"] == pytest.approx(0.36)
    assert found["none"] == 0


def test_a_painter_that_follows_the_weight_is_monotone():
    assert style_transfer.monotonicity(trade_off(None), Told())["monotonicity"] == pytest.approx(1.0)
    against = style_transfer.monotonicity(lambda lam: trade_off(None)(4 / lam), Told())
    assert against["monotonicity_content"] == against["monotonicity_style"] == pytest.approx(-1.0)
    wavers = style_transfer.monotonicity(lambda lam: trade_off(2 + math.cos(5 * math.log(lam[4])))(lam), Told())
    assert wavers["monotonicity"] < 0.95


@pytest.mark.filterwarnings("ignore:An input array is constant")
@pytest.mark.parametrize("still", ["content", "style"])
def test_a_side_that_does_not_move_does_not_hide_behind_one_that_does(still):
    def model(lam):
        found = trade_off(None)(lam)
        return {name: 1.0 if name.startswith(still) else value for name, value in found.items()}

    assert not style_transfer.monotonicity(model, Told())["monotonicity"] >= 0.95


def test_sensitivity_is_by_which_power_of_ten_a_weight_changes_a_term():
    powers = torch.tensor(
        [[-1, 0.5, 0, 0, 0], [0, -2, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0.25, 0, 0, 0, -0.5]]
    )

    def model(lam):
        terms = 10 ** ((lam / DEFAULT).log10() @ powers)
        return dict(zip(style_transfer.WEIGHTS, terms.tolist(), strict=True))

    found = style_transfer.sensitivity(model, Told())
    torch.testing.assert_close(found, 2 * powers.double(), rtol=1e-4, atol=1e-5)


def test_unseen_styles_are_measured_like_seen_ones(measure, painters):
    """The seen styles, given as if they were new, have the seen ones' numbers."""
    painter, styles = painters["yoto"], dict(list(style_transfer.styles().items())[:3])
    found = style_transfer.unseen(painter, measure, styles, painter.styles[:3])
    assert set(found) == {"style_left_unseen", "style_left_seen", "content_unseen", "content_seen"}
    for name in ("style_left", "content"):
        assert found[f"{name}_unseen"] == pytest.approx(found[f"{name}_seen"], rel=1e-4)
    other = style_transfer.unseen(painter, measure, styles, painter.styles[5:8])
    assert other["content_unseen"] != pytest.approx(found["content_unseen"], rel=1e-4)
    before = measure.terms(measure.photographs)
    left = sum(measure.means(painter, DEFAULT)[name] for name in STYLES) / sum(
        before[name].mean().item() for name in STYLES
    )
    assert found["style_left_seen"] == pytest.approx(left, rel=1e-4)


def test_several_models_terms_make_a_curve():
    found = join(dict.fromkeys((*STYLES, "content"), float(value)) for value in (1, 2))
    assert found["content"].tolist() == [1, 2]
    assert found["style"].tolist() == [4, 8]
