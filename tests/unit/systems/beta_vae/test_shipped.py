"""The β-VAEs that ship: their size, their cards, and the numbers that notebook and README rest on."""

import pytest
import torch

from lossconditioning.paths import shipped
from lossconditioning.systems import beta_vae
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "beta_vae"


def test_they_stay_below_eighteen_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 18e6


def test_a_card_is_either_shipped_with_its_network_or_recorded_without():
    with_network = {card.name for card in cards(FOLDER, "beta_vae")}
    recorded = {card.name for card in cards(shipped("records") / "beta_vae", "beta_vae")}
    assert not with_network & recorded
    assert with_network | recorded == set(beta_vae.experiments("laptop"))


@pytest.mark.parametrize("name", sorted(card.name for card in cards(FOLDER, "beta_vae")))
def test_a_network_loads(name):
    assert not beta_vae.load(name).model.training


def test_a_shipped_network_measures_what_its_card_says():
    trained, chosen = beta_vae.load("shapes3d_yoto"), [0, 4, 7]
    grid = trained.config.grid
    measured = beta_vae.frontier(trained.model, beta_vae.pictures("shapes3d").held_out, grid[chosen])
    card = beta_vae.recorded_frontier(trained.card)
    for term in ("reconstruction", "kl"):
        torch.testing.assert_close(measured[term], card[term][chosen], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("data", ["shapes3d", "cifar10"])
def test_recorded_gaps_reach_their_bounds(data):
    metrics = beta_vae.recorded_evaluation().metrics
    assert metrics[f"{data}_gap_closed_yoto"] >= 0.90
    assert metrics[f"{data}_gap_closed_wider"] >= 0.95
    assert metrics[f"{data}_gap_closed_yoto_twice_steps"] >= 1.0


@pytest.mark.parametrize("data", ["shapes3d", "cifar10"])
def test_the_recorded_evaluation_agrees_with_the_cards(data):
    found, metrics = beta_vae.recorded(), beta_vae.recorded_evaluation().metrics
    grid = beta_vae.Config.from_json(found[f"{data}_fixed"].config).grid
    fixed = beta_vae.recorded_frontier(found[f"{data}_fixed"])
    for name, key in (("yoto", "yoto"), ("wider", "wider"), ("twice_steps", "yoto_twice_steps")):
        values = beta_vae.compare_frontiers(beta_vae.recorded_frontier(found[f"{data}_{name}"]), fixed, grid)
        assert metrics[f"{data}_gap_closed_{key}"] == pytest.approx(values["gap_closed"], abs=1e-3)


def test_what_readers_play_with_is_as_good_as_it_was():
    metrics = beta_vae.recorded_evaluation().metrics
    assert metrics["shapes3d_shape_accuracy"] >= 0.98
    assert metrics["shapes3d_shape_accuracy_8"] >= 0.95
    assert metrics["shapes3d_psnr"] >= 25.5
    assert metrics["cifar10_psnr"] >= 19.3
