"""How painters are measured: every photograph in one style, all terms in their units, averaged."""

import pytest
import torch
from small_painters import SIDE, perceptual_loss, small_painter, small_paintings

from lossconditioning.datasets import photographs
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.measures import curve

DEFAULT = torch.tensor(style_transfer.DEFAULT)
SETTINGS = style_transfer.settings()
STYLES = ("style_1", "style_2", "style_3", "style_4")


@pytest.fixture(scope="module")
def measure():
    """Three photographs, each with a painting of its own."""
    styles = dict(list(small_paintings().items())[:3])
    return style_transfer.Measure.of(perceptual_loss(), list(photographs().values())[:3], styles, SIDE)


@pytest.fixture(scope="module")
def painters():
    return {"yoto": small_painter(), "specialist": small_painter("specialist"), "fixed": small_painter("fixed")}


def test_the_full_loss_is_the_objective_of_averaged_terms():
    means = {name: float(index + 1) for index, name in enumerate((*style_transfer.WEIGHTS, "total_variation"))}
    assert style_transfer.full_loss(means, DEFAULT) == pytest.approx(15 + 0.05 * 6)
    high = torch.tensor(SETTINGS["style_3_high"])
    assert style_transfer.full_loss(means, high) == pytest.approx(15 + 9 * 3 + 0.05 * 6)


def test_every_photograph_has_a_painting_in_turn():
    loss, styles = perceptual_loss(), dict(list(small_paintings().items())[:2])
    found = style_transfer.Measure.of(loss, list(photographs().values())[:5], styles, SIDE).batch
    assert found.style.tolist() == [0, 1, 0, 1, 0]
    assert found.photographs.shape == (5, 3, SIDE, SIDE)
    grams = loss.style_targets(torch.stack(list(styles.values())).float() / 255)
    for target, gram in zip(found.styles, grams, strict=True):
        torch.testing.assert_close(target, gram[[0, 1, 0, 1, 0]], rtol=1e-4, atol=1e-6)


def test_means_are_those_of_the_painted_photographs_and_remembered(measure, painters):
    lam = torch.tensor(SETTINGS["content_low"])
    found, painter = measure.means(painters["yoto"], lam), painters["yoto"]
    for name, value in style_transfer.terms(painter, measure.batch, lam.expand(3, 5)).items():
        assert found[name] == pytest.approx(value.mean().item(), rel=1e-4)
    assert measure.means(painter, lam.clone()) is found
    assert measure.means(painter, DEFAULT) != found
    assert measure.means(painters["fixed"], lam) != found


def test_other_styles_come_with_the_same_photographs(measure):
    strangers = dict(list(small_paintings().items())[7:9])
    other = measure.with_styles(strangers)
    assert torch.equal(other.batch.photographs, measure.batch.photographs)
    assert other.batch.style.tolist() == [0, 1, 0]
    again = style_transfer.Measure.of(measure.batch.loss, list(photographs().values())[:3], strangers, SIDE)
    for target, its in zip(other.batch.styles, again.batch.styles, strict=True):
        assert torch.equal(target, its)


def test_some_of_the_photographs_have_their_own_terms(measure, painters):
    few, lam = measure.only([2, 0]), DEFAULT
    every, some = (each.terms(each.paint(painters["yoto"], lam)) for each in (measure, few))
    for name, values in some.items():
        torch.testing.assert_close(values, every[name][[2, 0]], rtol=1e-4, atol=1e-6)
    assert few.batch.style.tolist() == [2, 0]


def test_a_curve_holds_the_terms_at_every_weight_and_the_sum_of_styles(measure, painters):
    grid = style_transfer.content_grid(3)
    found = curve(measure.means(painters["yoto"], lam) for lam in grid)
    assert found["content"].tolist() == [measure.means(painters["yoto"], lam)["content"] for lam in grid]
    torch.testing.assert_close(found["style"], sum(found[name] for name in STYLES))
    assert (found["style"].dtype, found["style"].shape) == (torch.float64, (3,))


def test_several_models_terms_make_a_curve():
    found = curve(dict.fromkeys((*STYLES, "content"), float(value)) for value in (1, 2))
    assert found["content"].tolist() == [1, 2]
    assert found["style"].tolist() == [4, 8]
