"""Minimising over pixels reaches what can be computed otherwise, and what was reached is recorded and found again."""

import json

import pytest
import torch
from PIL import Image
from small_painters import QUIET, SIDE, perceptual_loss, small_painter, small_paintings

from lossconditioning.datasets import photographs
from lossconditioning.painting import middle_square
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import record_optimum
from lossconditioning.systems.style_transfer.optimum import Optima, optimal_pictures, optimum, place, recorded_optima

DEFAULT = torch.tensor(style_transfer.DEFAULT)


@pytest.fixture(scope="module")
def photograph():
    return middle_square(photographs()["chelsea"], SIDE)


@pytest.fixture(scope="module")
def painting():
    return small_paintings()["poppy_field"]


def cost(loss, picture, photograph, painting, lam):
    styles = loss.style_targets(painting[None] / 255)
    terms = style_transfer.painted_terms(loss, picture[None], loss.content_targets(photograph[None]), styles)
    return style_transfer.objective(terms, lam).item()


def test_the_picture_has_the_cost_that_is_said_and_a_network_has_a_higher_one(photograph, painting):
    loss = perceptual_loss()
    picture, costs = optimum(loss, photograph, painting, DEFAULT)
    assert picture.shape == photograph.shape
    assert 0 <= picture.min() <= picture.max() <= 1
    assert cost(loss, picture, photograph, painting, DEFAULT) == pytest.approx(min(costs), rel=1e-3)
    assert costs[0] == pytest.approx(cost(loss, photograph, photograph, painting, DEFAULT), rel=1e-4)
    assert min(costs) < 0.5 * costs[0]
    with torch.no_grad():
        painted = small_painter()(photograph[None], torch.tensor([1]), DEFAULT[None])[0]
    assert cost(loss, painted, photograph, painting, DEFAULT) > min(costs)


def test_where_content_is_all_the_optimum_is_the_photograph(photograph, painting):
    lam = torch.tensor([1e-9, 1e-9, 1e-9, 1e-9, 1e3])
    start = (photograph + 0.1 * torch.randn(photograph.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    picture, costs = optimum(perceptual_loss(), photograph, painting, lam, start, tolerance=1e-4)
    assert min(costs) < 0.02 * costs[0]
    assert (picture - photograph).abs().mean() < 0.5 * (start - photograph).abs().mean()


def test_more_patience_reaches_a_lower_cost_and_a_limit_is_kept(photograph, painting):
    reached = [optimum(perceptual_loss(), photograph, painting, DEFAULT, tolerance=share)[1] for share in (0.3, 0.001)]
    assert min(reached[1]) < min(reached[0])
    assert len(reached[1]) > len(reached[0])
    short = optimum(perceptual_loss(), photograph, painting, DEFAULT, most=5)[1]
    assert len(short) <= 8  # a line search is finished


def test_what_is_at_its_optimum_already_stays(photograph, painting):
    still = torch.full_like(photograph, 0.5)
    lam = torch.tensor([1e-12, 1e-12, 1e-12, 1e-12, 2.0])
    picture, costs = optimum(perceptual_loss(), still, painting, lam)
    assert len(costs) < 30
    torch.testing.assert_close(picture, still, rtol=0, atol=0.02)


# Records ------------------------------------------------------------------------------------------------------------------

ONE = {"photograph": "a", "painting": "b", "lam": list(style_transfer.DEFAULT), "cost": 1.25, "evaluations": 80}


def test_records_are_found_by_pictures_and_features_alone(tmp_path):
    kept = Optima("these", "those", "vgg", 256, [ONE])
    (tmp_path / "these.json").write_text(kept.as_json())
    assert recorded_optima("these", "those", "vgg", 256, tmp_path) == kept
    for asked in (("others", "those", "vgg", 256), ("these", "those", "random", 256), ("these", "those", "vgg", 128)):
        assert recorded_optima(*asked, tmp_path) == Optima(*asked)
    assert kept.cost("a", "b", DEFAULT) == 1.25
    assert kept.cost("a", "c", DEFAULT) is None
    assert kept.cost("a", "b", torch.tensor(style_transfer.settings()["content_low"])) is None


def test_the_authors_command_records_picture_by_picture_and_continues(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record_optimum, "SIDE", SIDE)
    monkeypatch.setattr(record_optimum, "perceptual_loss", lambda config, run: perceptual_loss())
    asked = []

    def quick(loss, photograph, painting, lam, start):
        asked.append((lam.tolist(), start is None))
        return photograph, [2.0, 1.0 + len(asked)]

    monkeypatch.setattr(record_optimum, "optimum", quick)
    found = record_optimum.record("built_in", QUIET, pairs=1, with_settings=0, folder=tmp_path)
    assert [(each["photograph"], each["painting"]) for each in found.costs] == [("astronaut", "harbour_at_dawn")]
    found = record_optimum.record("built_in", QUIET, pairs=2, with_settings=2, folder=tmp_path)
    assert len(asked) == 1 + 10 + 11  # the first pair's default is known already, but its picture is not
    assert [first for _, first in asked] == [*[True] * 12, *[False] * 10]
    (stored,) = tmp_path.glob("*.json")
    assert json.loads(stored.read_text())["costs"] == found.costs
    assert found.costs[-1] == {**found.costs[-1], "photograph": "chelsea", "cost": 2.0, "evaluations": 2}
    pictures = optimal_pictures(tmp_path)
    assert list(pictures) == [("astronaut", "harbour_at_dawn"), ("chelsea", "poppy_field")]
    assert capsys.readouterr().out.count("'cost'") == 22


def test_photographs_that_are_not_ours_to_show_leave_no_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(record_optimum, "SIDE", SIDE)
    monkeypatch.setattr(record_optimum, "perceptual_loss", lambda config, run: perceptual_loss())
    monkeypatch.setattr(record_optimum, "optimum", lambda loss, photograph, *_: (photograph, [1.0]))
    record_optimum.record("bsds500", QUIET, pairs=1, with_settings=0, folder=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["bsds500.json"]


def test_what_ships_is_of_trained_features_and_the_pictures_of_built_in_photographs():
    found = {path.stem: Optima(**json.loads(path.read_text())) for path in place().glob("*.json")}
    assert "built_in" in found
    for name, record in found.items():
        assert record.features.startswith("vgg19_imagenet")
        assert record.side == 256
        assert ("bsds500/val" in record.photographs) == (name == "bsds500")
        assert all(0 < each["cost"] < 20 for each in record.costs)
        assert all(
            record.cost(each["photograph"], each["painting"], torch.tensor(each["lam"])) for each in record.costs
        )
    pictures = optimal_pictures()
    assert len(pictures) >= 3
    for (photograph, painting), picture in pictures.items():
        assert photograph in photographs()
        assert painting in small_paintings()
        assert picture.shape == (3, 256, 256)
    assert {file.stem for file in place().glob("*.jpg")} == {"-".join(pair) for pair in pictures}
    assert all(Image.open(file).mode == "RGB" for file in place().glob("*.jpg"))
