"""The painters between three losses that ship: size, cards, and the numbers that notebook and README rest on."""

import hashlib

import pytest
import torch

from lossconditioning.datasets import photographs
from lossconditioning.painting import squares
from lossconditioning.paths import shipped
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "mixed_domain"
EXPERIMENTS = mixed.experiments("laptop")
CARDS_ALONE = {name for name in EXPERIMENTS if name.endswith("_again")} | {"model_2"}
"""Experiments whose networks no picture and no recorded number needs: their cards are in data/records."""
SHIPPED = sorted({*EXPERIMENTS} - CARDS_ALONE)


def test_they_stay_below_twelve_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 12e6


def test_what_ships_is_what_notebook_and_evaluation_need():
    assert {file.name for file in FOLDER.iterdir()} == {
        f"{name}.{kind}" for name in SHIPPED for kind in ("json", "safetensors")
    }
    assert {file.stem for file in (shipped("records") / "mixed_domain").iterdir()} == CARDS_ALONE
    assert {*mixed.recorded()} == {*EXPERIMENTS}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_network_loads_and_is_what_its_profile_trains(name):
    loaded = mixed.load(name)
    assert loaded.config == EXPERIMENTS[name]
    assert (loaded.card.profile, loaded.card.steps) == ("laptop", EXPERIMENTS[name].steps)
    assert loaded.card.digest == hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", sorted(CARDS_ALONE))
def test_a_card_alone_is_that_of_its_profile(name):
    card = mixed.recorded()[name]
    assert mixed.Config.from_json(card.config) == EXPERIMENTS[name]
    assert card.steps == EXPERIMENTS[name].steps


def test_they_learned_from_real_pictures_and_trained_features():
    for card in cards(FOLDER, "mixed_domain"):
        assert "random" not in card.data
        domains = card.config["domains"]
        assert ("of monet2photo" in card.data) == bool({"photographs", "monet"} & {*domains})


def test_s_leads_from_the_photograph_to_two_kinds_of_paintings():
    model = mixed.load("play").model
    photos = squares(photographs().values(), 96)
    with torch.no_grad():
        made = [model(photos, torch.tensor(S).expand(len(photos), 3)) for S in mixed.CORNERS]
    away = [float((each - photos).abs().mean()) for each in made]
    assert away[0] < min(away[1:])  # nearest at the first corner
    assert float((made[1] - made[2]).abs().mean()) > 0.05  # two kinds
