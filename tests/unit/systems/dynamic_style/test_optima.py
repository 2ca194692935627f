"""Minimising both losses over pixels, and the records of what it reached at both ends of the dial."""

import pytest
import torch
from small_dynamic import QUIET, SIDE, shaken, small_loss, some

from lossconditioning.painting import Optima
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import painted_terms, record_optimum
from lossconditioning.systems.dynamic_style.optima import optimum, place, recorded_cost, recorded_optima
from lossconditioning.systems.dynamic_style.recipes import LAM_0, LAM_1
from lossconditioning.systems.dynamic_style.task import style_of


def cost(picture, lam):
    loss, photograph = small_loss(), some(1)
    style = style_of(loss, dynamic_style.STYLES[0])
    terms = painted_terms(loss, picture[None], loss.content_targets(photograph), style)
    return float(terms["content"] + lam * terms["style"])


@pytest.mark.parametrize("lam", [LAM_0, LAM_1])
def test_the_picture_has_the_cost_that_is_said_and_a_network_has_a_higher_one(lam):
    loss, photograph = small_loss(), some(1)[0]
    picture, costs = optimum(loss, photograph, style_of(loss, dynamic_style.STYLES[0]), lam)
    assert picture.shape == photograph.shape
    assert 0 <= picture.min() <= picture.max() <= 1
    assert cost(picture, lam) == pytest.approx(min(costs), rel=1e-3)
    assert costs[0] == pytest.approx(cost(photograph, lam), rel=1e-4)
    assert min(costs) < 0.9 * costs[0]
    with torch.no_grad():
        assert cost(shaken("style_fixed_0")(photograph[None])[0], lam) > min(costs)


def test_where_content_is_all_the_optimum_is_the_photograph():
    loss, photograph = small_loss(), some(1)[0]
    start = photograph + 0.1 * torch.randn(photograph.shape, generator=torch.Generator().manual_seed(0))
    style = style_of(loss, dynamic_style.STYLES[0])
    picture, costs = optimum(loss, photograph, style, 0.0, start, tolerance=1e-4)
    assert min(costs) < 0.02 * costs[0]
    assert (picture - photograph).abs().mean() < 0.5 * (start - photograph).abs().mean()


# Records ------------------------------------------------------------------------------------------------------------------


def test_a_cost_is_found_by_photograph_painting_and_weight(tmp_path):
    found = recorded_optima("these", "vgg", 256, tmp_path)
    assert found == Optima("these", "the built-in paintings", "vgg", 256)
    found.keep("a", "b", [LAM_0], [1.25])
    assert recorded_cost(found, "a", "b", LAM_0) == 1.25
    assert recorded_cost(found, "a", "b", LAM_1) is None


def test_the_authors_command_records_both_ends_picture_by_picture_and_continues(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record_optimum, "SIDE", SIDE)
    monkeypatch.setattr(record_optimum, "perceptual_loss", lambda config, run: small_loss())
    asked = []

    def stopped(loss, photograph, style, lam):
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(lam)
        return photograph, [2.0, 1.0 + len(asked)]

    monkeypatch.setattr(record_optimum, "optimum", stopped)
    with pytest.raises(KeyboardInterrupt):
        record_optimum.record("built_in", QUIET, tmp_path)
    (stored,) = tmp_path.glob("*.json")
    first = Optima.read(stored).costs
    monkeypatch.setattr(record_optimum, "optimum", lambda *_: (None, [7.0]))
    found = record_optimum.record("built_in", QUIET, tmp_path)
    assert asked == [LAM_0, LAM_1, LAM_0]
    assert [each["cost"] for each in found.costs] == [2.0, 2.0, 2.0, 7.0, 7.0, 7.0]
    assert found.costs[:3] == first
    assert [each["lam"] for each in found.costs] == 3 * [[LAM_0], [LAM_1]]
    names = [each["photograph"] for each in found.costs]
    assert names == [name for name in ("astronaut", "chelsea", "coffee") for _ in (0, 1)]
    assert Optima.read(stored) == found
    assert capsys.readouterr().out.count("'cost'") == 6


@pytest.mark.parametrize("path", sorted(place().glob("*.json")), ids=lambda path: path.stem)
def test_what_ships_is_of_trained_features_at_both_ends(path):
    record = Optima.read(path)
    assert ("bsds500/val" in record.photographs) == (path.stem == "bsds500")
    assert record.features.startswith("vgg19_imagenet")
    assert record.side == 256
    names = {each["photograph"] for each in record.costs}
    assert len(names) == 3
    for name in names:
        weak, strong = (recorded_cost(record, name, dynamic_style.STYLES[0], lam) for lam in (LAM_0, LAM_1))
        assert 0 < weak < strong < 40
