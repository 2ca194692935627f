"""The painters that ship: their size, their cards, and the numbers that notebook and README rest on."""

import hashlib

import pytest
import torch

from lossconditioning.datasets import photographs
from lossconditioning.painting import squares
from lossconditioning.paths import shipped
from lossconditioning.systems import style_transfer
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "style_transfer"
EXPERIMENTS = style_transfer.experiments("laptop")


def test_they_stay_below_seventeen_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 17e6


def test_every_experiment_ships_with_its_card_and_nothing_else():
    assert {file.name for file in FOLDER.iterdir()} == {
        f"{name}.{kind}" for name in EXPERIMENTS for kind in ("json", "safetensors")
    }


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_network_loads_and_is_what_its_profile_trains(name):
    loaded = style_transfer.load(name)
    assert loaded.config == EXPERIMENTS[name]
    assert (loaded.card.profile, loaded.card.steps) == ("laptop", EXPERIMENTS[name].steps)
    assert loaded.card.digest == hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()
    assert loaded.model.styles.abs().sum(1).min() > 0


def test_all_were_trained_and_measured_on_the_same_pictures_with_trained_features():
    (data,) = {card.data for card in cards(FOLDER, "style_transfer")}
    assert "bsds500/train, 200 photographs" in data
    assert "the built-in paintings" in data
    assert "vgg19" in data
    assert "random" not in data
    assert "bsds500/val" in data


def test_all_know_the_styles_alike():
    described = style_transfer.load("yoto").model.styles
    for name in EXPERIMENTS:
        torch.testing.assert_close(style_transfer.load(name).model.styles, described)


def test_recorded_comparisons_reach_their_bounds():
    metrics = style_transfer.recorded_evaluation().metrics
    assert metrics["fig6a_gap"] <= 0.10
    assert metrics["fig6a_settings_below_baseline"] == 10
    assert metrics["fig6b_hypervolume_yoto"] >= 0.90
    assert metrics["fig6b_hypervolume_specialist"] >= 0.97
    assert metrics["fig6b_hypervolume_interpolation"] < metrics["fig6b_hypervolume_yoto"]
    assert metrics["monotonicity"] >= 0.95
    assert metrics["photographs"] == 14


def test_all_recorded_claims_but_one_are_reproduced_as_the_notebook_says():
    found = style_transfer.recorded_evaluation().claims
    assert len(found) == 7
    assert [claim.id for claim in found if not claim.reproduced] == ["content_and_third_style"]


def test_the_recorded_evaluation_agrees_with_the_cards():
    metrics, found = style_transfer.recorded_evaluation().metrics, style_transfer.recorded()
    for name, lam in style_transfer.settings().items():
        means = {key: value for key, value in found[f"fixed_{name}"].metrics.items() if key != "mean_cost"}
        cost = style_transfer.full_loss(means, torch.tensor(lam))
        assert metrics[f"fig6a_fixed_{name}"] == pytest.approx(cost, rel=2e-3)
        assert metrics[f"fig6a_yoto_{name}"] == pytest.approx(found["yoto"].metrics[f"cost_{name}"], rel=2e-3)


def test_the_weight_of_content_does_what_it_says():
    """Without any trained features at hand: the more it weighs, the nearer the painting is to the photograph."""
    painter = style_transfer.load("yoto").model
    pictures = squares(list(photographs().values()), 96)
    away = []
    for lam in style_transfer.content_grid():
        with torch.inference_mode():
            painted = painter(pictures, torch.arange(6), lam.expand(6, -1))
        away.append((painted - pictures).square().mean().item())
    assert away[0] > away[2] > away[4]
