"""The codecs that ship: their size, their cards, and the numbers that notebook and README rest on."""

import pytest

from lossconditioning.datasets import photographs
from lossconditioning.paths import shipped
from lossconditioning.systems import compression
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "compression"
CONDITIONAL = ("yoto", "yoto_wider_batch16")


def test_they_stay_below_sixteen_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 16e6


def test_a_card_is_either_shipped_with_its_network_or_recorded_without():
    with_network = {card.name for card in cards(FOLDER, "compression")}
    recorded = {card.name for card in cards(shipped("records") / "compression", "compression")}
    assert not with_network & recorded
    assert with_network | recorded == set(compression.experiments("laptop"))
    assert with_network == {*CONDITIONAL, *compression.fixed_names()}


@pytest.mark.parametrize("name", [*CONDITIONAL, *compression.fixed_names()])
def test_a_network_loads_and_is_what_its_profile_trains(name):
    assert compression.load(name).config == compression.experiments("laptop")[name]


@pytest.mark.parametrize("name", [*CONDITIONAL, "fixed_2"])
def test_files_of_photographs_are_as_small_as_the_model_says(name):
    codec, middle = compression.open_codec(name), float(compression.lambda_grid()[2])
    for picture in photographs().values():
        assert abs(compression.measure(codec, picture[:, :256, :320], middle)["size_error"]) < 0.01


def test_all_networks_were_measured_on_kodak():
    assert all("measured on kodak, 24 photographs" in card.data for card in compression.recorded().values())


def test_recorded_comparisons_reach_their_bounds():
    metrics = compression.recorded_evaluation().metrics
    assert metrics["bd_rate_yoto_wider_batch16"] <= 5
    assert metrics["bd_rate_yoto"] <= 20
    assert metrics["bd_rate_vs_jpeg"] < 0
    assert metrics["size_error"] <= 0.01


@pytest.mark.parametrize("name", ["fixed", *CONDITIONAL])
def test_the_recorded_evaluation_agrees_with_the_cards(name):
    card = compression.recorded_curve(compression.recorded(), name)
    record = compression.recorded_metrics_curve(compression.recorded_evaluation().metrics, name)
    for key, values in card.items():
        assert values.tolist() == pytest.approx(record[key].tolist(), rel=2e-3), key


def test_one_network_has_a_file_for_every_size():
    codec, picture = compression.open_codec("yoto"), photographs()["chelsea"][:, 20:276, 60:316]
    for size in (1500, 2000, 4000):
        found = compression.to_size(codec, picture, size)
        assert 0.99 * size <= len(found.data) <= size
    for decibels in (28.0, 30.0, 32.0):
        assert decibels <= compression.to_psnr(codec, picture, decibels).psnr <= decibels + 0.02
