"""The codecs that ship: their size, their files, and the numbers that notebook and README rest on."""

import base64

import pytest
from small_codecs import corner

from lossconditioning.datasets import photographs
from lossconditioning.evaluation import as_curve
from lossconditioning.paths import shipped
from lossconditioning.systems import compression
from lossconditioning.training.cards import cards

FOLDER = shipped("checkpoints") / "compression"
CONDITIONAL = ("yoto", "yoto_wider_batch16")
IDS = {
    "yoto": "73b932c19afd60e5",
    "yoto_wider_batch16": "75c49e35d6cf3288",
    "fixed_0": "3df81d97ed22d4e3",
    "fixed_1": "30b33dcdc4a4a505",
    "fixed_2": "81a946d6ce87aa31",
    "fixed_3": "2bb5cdc2a15d8b90",
    "fixed_4": "627e3de83049630e",
}
"""What files call their models; it never changes, or files that readers have could not be read."""
FILES = (  # of yoto, yoto_wider_batch16 and fixed_0: 48×40 pixels, λ = 0.0012
    "TENJQwFzuTLBmv1g5TAAKABSSZ06TAAAABiMSlCw5/1wqgYa+YgKuNE5t/GWBg5y+ve1ypi7+OCXb4SYVR82SeLjv/UxYBKvtINpQ/aLnD35frfSBIgx"
    "pJQ0g6c2g6wG0YD9HxSx3PTKKDY2WakNLII=",
    "TENJQwF1xJ411s8yiDAAKABSSZ06RAAAAE67CN/khDETJTRFCgYHy414s/Quu4T+Kh6uO1wgOf3xAEH0YOaOgfJctVgQmEODQeoYpCSX+ZAz+mLTjPjw"
    "liw/SZIt09YSqDFJaEIDDwTV",
    "TENJQwE9+B2X7SLU4zAAKABSSZ06QAAAABrjvwlmrGNJFPy1AVZ+oucXN66vKlN/8pFa7OP0J+zyVMOR05piQVFLCRW5xMdpbVyp+YkC/bubbwkkgepK"
    "TCJ0NQhK9tN5fInUD34=",
)


def test_they_stay_below_sixteen_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 16e6


def test_a_card_is_either_shipped_with_its_network_or_recorded_without():
    with_network = {card.name for card in cards(FOLDER, "compression")}
    recorded = {card.name for card in cards(shipped("records") / "compression", "compression")}
    assert not with_network & recorded
    assert with_network | recorded == set(compression.experiments("laptop"))
    assert with_network == {*CONDITIONAL, *compression.FIXED_NAMES}


@pytest.mark.parametrize("name", [*CONDITIONAL, *compression.FIXED_NAMES])
def test_a_network_loads_and_is_what_its_profile_trains(name):
    assert compression.load(name).config == compression.experiments("laptop")[name]


@pytest.mark.parametrize("name", IDS)
def test_a_models_name_in_files_stays(name):
    assert compression.open_codec(name).model_id.hex() == IDS[name]


@pytest.mark.parametrize("file", FILES, ids=["yoto", "wider", "fixed"])
def test_files_that_were_written_once_are_read(file):
    """Their checksums say that the symbols are the same; the picture is about the one that was compressed."""
    found = compression.quality(
        corner(40, 48, "china"), compression.decompress(base64.b64decode(file)), similarity=False
    )
    assert found["psnr"] > 18


@pytest.mark.parametrize("name", [*CONDITIONAL, "fixed_2"])
def test_files_of_photographs_are_as_small_as_the_model_says(name):
    codec, grid = compression.open_codec(name), compression.lam_grid(3).tolist()
    for number, picture in enumerate(photographs().values()):  # at each λ two of them
        lam = grid[1] if name == "fixed_2" else grid[number % 3]
        assert abs(compression.measure_file(codec, picture[:, :256, :320], lam)["size_error"]) < 0.01


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
    record = as_curve(compression.recorded_evaluation().metrics, name, compression.NAMES)
    for key, values in card.items():
        assert values.tolist() == pytest.approx(record[key].tolist(), rel=2e-3), key


def test_one_network_has_a_file_for_every_size():
    codec, picture = compression.open_codec("yoto"), photographs()["chelsea"][:, 20:212, 60:252]
    for size in (1000, 2500):
        found = compression.to_size(codec, picture, size)
        assert 0.99 * size <= len(found.data) <= size
    for decibels in (28.0, 31.0):
        assert decibels <= compression.to_psnr(codec, picture, decibels).psnr <= decibels + 0.02
