"""The encoders and translators that ship: size, cards, and the numbers that notebook and README rest on."""

import hashlib

import pytest
import torch

from lossconditioning.paths import shipped
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "staged_encoder"
EXPERIMENTS = staged.experiments("laptop")
SHIPPED = sorted(file.stem for file in FOLDER.glob("*.safetensors"))
CARDS_ALONE = sorted({*staged.recorded()} - {*SHIPPED})


def test_they_stay_below_fourteen_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 14e6


def test_what_the_notebook_shows_ships():
    assert {"encoder_valley", "encoder_valley_by_13", "valley_told", "valley_critic"} <= {*SHIPPED}
    for dataset in ("outlines", "valley", "facades"):
        assert {f"encoder_{dataset}", f"{dataset}_stage2", dataset, f"{dataset}_bicycle_v1"} <= {*SHIPPED}
    assert {file.stem for file in FOLDER.iterdir()} == {*SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_network_loads_and_is_what_its_profile_trains(name):
    loaded = staged.load(name)
    assert loaded.config == EXPERIMENTS[name]
    assert (loaded.card.profile, loaded.card.steps) == ("laptop", EXPERIMENTS[name].steps)
    assert loaded.card.digest == hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", CARDS_ALONE)
def test_a_card_alone_is_that_of_its_profile(name):
    card = staged.recorded()[name]
    assert staged.Config.from_json(card.config) == EXPERIMENTS[name]
    assert card.steps == EXPERIMENTS[name].steps


def test_translators_learned_from_trained_features():
    for card in cards(FOLDER, "staged_encoder"):
        if card.config["kind"] == "translator":
            assert "vgg19_imagenet" in card.data


@pytest.mark.parametrize("dataset", ["outlines", "valley", "facades"])
def test_stage_2_left_the_encoder_as_it_was_and_stage_3_did_not(dataset):
    first = staged.load(f"encoder_{dataset}").model.state_dict()
    second, third = (staged.load(name).model.encoder.state_dict() for name in (f"{dataset}_stage2", dataset))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_recorded_numbers_reach_their_bounds():
    metrics = {**staged.recall(staged.recorded()), **staged.recorded_evaluation().metrics}
    assert metrics["valley_neighbour_accuracy"] >= 0.9
    assert metrics["valley_neighbour_by_13"] < metrics["valley_neighbour_accuracy"] - 0.05
    for prefix in ("", "valley_", "facades_"):
        assert metrics[f"{prefix}lpips_stage3"] < metrics[f"{prefix}lpips_stage2"]
    assert metrics["valley_psnr_stage3"] >= metrics["valley_psnr_bicycle_v1"]
    assert metrics["valley_lpips_stage3"] < metrics["valley_lpips_bicycle_v1"]
    assert metrics["outside_mapper"] < metrics["outside_gaussian"]


def test_a_layout_takes_the_light_of_the_style():
    measured = staged.pairs_of("valley", "held_out", 64, 24)
    model, layouts, pictures = staged.load("valley").model, measured.layouts / 255, measured.pictures / 255
    with torch.no_grad():
        made = model(layouts, pictures.roll(-1, 0))
    light, asked, own = (each.mean((1, 2, 3)) for each in (made, pictures.roll(-1, 0), pictures))
    assert float((light - asked).abs().mean()) < 0.03
    assert float((light - own).abs().mean()) > 0.1
