"""Style transfer's six terms and five weights: ranges, settings, terms and the objective, each against its formula."""

import itertools
import math

import pytest
import torch
from small_painters import SIDE, perceptual_loss, small_painter, small_paintings

from lossconditioning import LogUniform, ReaderError
from lossconditioning.datasets import photographs
from lossconditioning.losses import PerceptualFeatures, PerceptualLoss, total_variation
from lossconditioning.painting import units
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.task import TOTAL_VARIATION

DEFAULT = torch.tensor(style_transfer.DEFAULT)
CENTRED_AND_PAPER = [style_transfer.RANGES[name] for name in ("centred", "paper")]


# Weights ------------------------------------------------------------------------------------------------------------------


def test_the_default_and_the_ranges_are_the_papers():
    assert style_transfer.WEIGHTS == ("style_1", "style_2", "style_3", "style_4", "content")
    assert style_transfer.DEFAULT == (1e-3, 1e-3, 1e-3, 1e-2, 2.0)
    assert style_transfer.RANGES["paper"] == (*((1e-4, 1e-1),) * 3, (1e-3, 1.0), (0.1, 100.0))


def test_centred_ranges_are_the_papers_with_the_style_weights_default_in_the_middle():
    for name, (low, high), paper in zip(style_transfer.WEIGHTS, *CENTRED_AND_PAPER, strict=True):
        assert high / low == pytest.approx(paper[1] / paper[0]), name
    for default, (low, high) in zip(style_transfer.DEFAULT[:4], CENTRED_AND_PAPER[0][:4], strict=True):
        assert math.sqrt(low * high) == pytest.approx(default, rel=0.06)


@pytest.mark.parametrize("ranges", style_transfer.RANGES)
def test_weights_are_drawn_log_uniformly_from_their_ranges(ranges):
    torch.manual_seed(0)
    prior = style_transfer.lam_prior(ranges)
    assert type(prior) is LogUniform
    low, high = (torch.tensor(ends) for ends in zip(*style_transfer.RANGES[ranges], strict=True))
    drawn = prior.sample((400,), stratified=True)
    assert drawn.shape == (400, 5)
    assert ((drawn >= low) & (drawn <= high)).all()
    share = (drawn / low).log() / (high / low).log()  # uniform where log λ is
    assert share.mean(0).tolist() == pytest.approx([0.5] * 5, abs=0.01)
    assert share.min() < 0.01 < 0.99 < share.max()
    assert torch.corrcoef(drawn.log().T).fill_diagonal_(0).abs().max() < 0.2


def test_unknown_ranges_are_answered_with_the_known():
    with pytest.raises(ReaderError, match=r"no set of ranges 'centered'. Did you mean 'centred'"):
        style_transfer.lam_prior("centered")


@pytest.mark.parametrize("ranges", style_transfer.RANGES)
def test_the_default_and_figure_6as_settings_lie_in_the_ranges(ranges):
    for setting in (style_transfer.DEFAULT, *style_transfer.settings().values()):
        for value, (low, high) in zip(setting, style_transfer.RANGES[ranges], strict=True):
            assert low * (1 - 1e-9) <= value <= high


def test_the_specialist_is_told_the_weight_of_content_alone():
    prior = style_transfer.lam_prior(only_content=True)
    assert (prior.weight_shape, prior.code_size) == ((), 1)
    drawn = prior.sample((100,), stratified=True)
    assert 0.1 <= drawn.min() < 0.2 < 50 < drawn.max() <= 100


def test_figure_6as_ten_settings_change_one_weight_tenfold():
    found = style_transfer.settings()
    assert list(found) == [f"{name}_{way}" for name in style_transfer.WEIGHTS for way in ("low", "high")]
    for (name, setting), (index, factor) in zip(found.items(), itertools.product(range(5), (0.1, 10.0)), strict=True):
        expected = [value * (factor if i == index else 1) for i, value in enumerate(style_transfer.DEFAULT)]
        assert setting == pytest.approx(expected), name


@pytest.mark.parametrize("count", [3, 5, 9])
def test_figure_6bs_weights_go_from_a_tenth_to_ten_times_evenly(count):
    grid = style_transfer.content_grid(count)
    assert grid.shape == (count, 5)
    assert torch.equal(grid[:, :4], DEFAULT[:4].expand(count, 4))
    assert grid[[0, count // 2, -1], 4].tolist() == pytest.approx([0.2, 2.0, 20.0])
    assert (grid[1:, 4] / grid[:-1, 4]).tolist() == pytest.approx([100 ** (1 / (count - 1))] * (count - 1))


def test_shares_sum_to_one_and_do_not_see_a_common_factor():
    lam = style_transfer.lam_prior().sample((50,))
    found = style_transfer.shares(lam)
    assert found.shape == (50, 5)
    torch.testing.assert_close(found.sum(1), torch.ones(50))
    torch.testing.assert_close(style_transfer.shares(7.5 * lam), found)
    assert style_transfer.shares(DEFAULT[None]).tolist()[0] == pytest.approx([0.2] * 5)
    content = style_transfer.shares(style_transfer.content_grid()[-1:])[0]
    assert content.tolist() == pytest.approx([1 / 14] * 4 + [10 / 14])


# The objective ------------------------------------------------------------------------------------------------------------


def test_the_objective_is_the_weighted_sum_over_the_defaults():
    torch.manual_seed(0)
    values = {name: torch.rand(3) for name in (*style_transfer.WEIGHTS, "total_variation")}
    lam = style_transfer.lam_prior().sample((3,))
    found = style_transfer.objective(values, lam)
    for row in range(3):
        expected = TOTAL_VARIATION * values["total_variation"][row].item()
        for name, weight, default in zip(style_transfer.WEIGHTS, lam[row], style_transfer.DEFAULT, strict=True):
            expected += weight.item() / default * values[name][row].item()
        assert found[row].item() == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(style_transfer.objective(values, lam[0]), style_transfer.objective(values, lam[[0] * 3]))


def test_at_the_default_an_unpainted_photograph_costs_four_and_the_total_variation():
    values = dict.fromkeys(style_transfer.WEIGHTS[:4], torch.ones(1))
    values |= {"content": torch.zeros(1), "total_variation": torch.ones(1)}
    assert style_transfer.objective(values, DEFAULT).item() == pytest.approx(4.05)


def test_the_total_variation_has_a_weight_of_its_own_whatever_is_asked():
    nothing = {name: torch.zeros(2) for name in style_transfer.WEIGHTS}
    for lam in (DEFAULT, *style_transfer.content_grid(3), style_transfer.lam_prior().sample()):
        found = style_transfer.objective({**nothing, "total_variation": torch.tensor([1.0, 3.0])}, lam)
        assert found.tolist() == pytest.approx([0.05, 0.15])


def test_an_objective_without_a_term_is_refused():
    with pytest.raises(ReaderError, match="content"):
        style_transfer.objective({name: torch.zeros(1) for name in style_transfer.WEIGHTS[:4]}, DEFAULT)


# Terms --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch():
    """Six photographs, each to be painted in a style of its own."""
    return style_transfer.Measure.of(perceptual_loss(), photographs().values(), small_paintings(), SIDE).batch


def test_terms_are_the_losses_in_their_units_for_every_picture_by_itself(batch):
    loss, painted = batch.loss, batch.photographs.flip(0) * 0.8
    found = style_transfer.painted_terms(loss, painted, batch.content, batch.styles)
    assert list(found) == list(loss.names)
    scale = units(loss)
    for name, value in loss(painted, batch.content, batch.styles).items():
        torch.testing.assert_close(found[name], value / scale[name])
    torch.testing.assert_close(found["total_variation"], total_variation(painted) / scale["total_variation"])
    alone = style_transfer.painted_terms(loss, painted[2:3], batch.content[2:3], tuple(g[2:3] for g in batch.styles))
    for name, value in alone.items():
        assert value.shape == (1,)
        torch.testing.assert_close(value[0], found[name][2], rtol=1e-4, atol=1e-6)


def test_a_models_terms_are_those_of_what_it_paints(batch):
    painter, lam = small_painter(), style_transfer.lam_prior().sample((6,))
    with torch.no_grad():
        found = style_transfer.terms(painter, batch, lam)
        painted = painter(batch.photographs, batch.style, lam)
        expected = style_transfer.painted_terms(batch.loss, painted, batch.content, batch.styles)
    assert list(found) == list(expected)
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize("layers", [["relu1_1", "relu2_1"], ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]])
def test_style_has_four_layers_for_it_has_four_weights(layers, batch):
    loss = PerceptualLoss(PerceptualFeatures(layers, "vgg16", "random"), layers[-1])
    with pytest.raises(ReaderError, match="at four layers here, each with its own weight; got"):
        style_transfer.painted_terms(loss, batch.photographs, batch.content, batch.styles)
