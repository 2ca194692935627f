"""The painters and tuning blocks that ship: their size, their cards, and the numbers that notebook and README rest on."""

import numpy as np
import pytest
import torch

from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import photographs
from lossconditioning.painting import squares
from lossconditioning.paths import shipped
from lossconditioning.systems import dynamic_style

FOLDER = shipped("checkpoints") / "dynamic_style"


def test_they_stay_below_six_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 6e6


def test_every_compared_experiment_ships_with_its_card_and_nothing_else():
    assert {file.name for file in FOLDER.iterdir()} == {
        f"{name}.{kind}"
        for name, config in dynamic_style.experiments("laptop").items()
        for kind in ("json", "safetensors")
        if config.purpose == "comparison"
    }


def test_all_painters_were_trained_and_measured_on_the_same_pictures_with_trained_features():
    (data,) = {card.data for card in dynamic_style.recorded().values()}
    assert "bsds500/train, 200 photographs" in data
    assert "built-in paintings" in data
    assert "vgg19" in data
    assert "random" not in data
    assert "bsds500/val" in data


def test_recorded_numbers_reach_their_bounds():
    metrics = dynamic_style.recorded_evaluation().metrics
    assert metrics["style_monotonicity"] >= 0.98
    assert metrics["hypervolume_ratio_fixed"] >= 0.95
    assert metrics["hypervolume_ratio_interpolation"] > 1


def test_the_recorded_evaluation_agrees_with_the_cards():
    metrics, found = dynamic_style.recorded_evaluation().metrics, dynamic_style.recorded()
    for number in range(len(dynamic_style.lam_grid())):
        for term in ("content", "style"):
            own = found[f"style_fixed_{number}"].metrics[term]
            assert metrics[f"style_fixed_{term}_{number}"] == pytest.approx(own, rel=2e-3)
    for term in ("content", "style"):
        assert metrics[f"style_dynamic_{term}_10"] == pytest.approx(found["style_blocks"].metrics[term], rel=2e-3)


def test_the_grid_of_figure_3_is_recorded_and_its_corners_are_the_curves_ends():
    metrics = dynamic_style.recorded_evaluation().metrics
    for corner, end in ((0, 0), (999, 10)):
        for term in ("content", "style"):
            ours = metrics[f"style_grid_{term}_{corner}"]
            assert ours == pytest.approx(metrics[f"style_dynamic_{term}_{end}"], rel=1e-3)


def test_the_grid_says_what_the_notebook_says_of_it():
    """One block alone takes the style loss from 0.29 to 0.19, 0.23 or 0.26; unequal α gain at most 0.006."""
    metrics = dynamic_style.recorded_evaluation().metrics
    alone = [round(metrics[f"style_grid_style_{number}"], 2) for number in (0, 900, 90, 9, 999)]
    assert alone == [0.29, 0.19, 0.23, 0.26, 0.07]
    equal, grid = (
        np.array([[metrics[f"style_{who}_{term}_{i}"] for i in range(count)] for term in ("content", "style")])
        for who, count in (("dynamic", 11), ("grid", 1000))
    )
    assert (np.interp(grid[0], *equal) - grid[1]).max() < 0.0065


def test_alpha_does_what_it_says_without_any_trained_features_at_hand():
    """The further the blocks are turned on, the further the painting is from the photograph; at 0 nothing has changed."""
    painter, pictures = dynamic_style.load("style_fixed_0").model, squares(list(photographs().values()), 96)
    with torch.no_grad():
        plain = painter(pictures)
        with DynamicNet(painter, {"tuned": dynamic_style.load("style_blocks").model}) as dial:
            painted = [dial(pictures, alpha=alpha) for alpha in (0.0, 0.5, 1.0)]
    assert torch.equal(painted[0], plain)
    away = [(each - plain).square().mean().item() for each in painted]
    assert away[0] < away[1] < away[2]
