"""The β-VAEs beside one another: gaps, hypervolumes, claims, and folders of finished ones."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_vaes import DATA

from lossconditioning import CheckpointError
from lossconditioning.evaluation import measured_claims
from lossconditioning.systems import beta_vae
from lossconditioning.training import Run
from lossconditioning.training.cards import publish

GRID = torch.tensor([1.0, 2.0, 4.0])
SEPARATE = {
    "reconstruction": torch.tensor([0.0, 4.0, 12.0], dtype=torch.float64),
    "kl": torch.tensor([10.0, 7.0, 3.0], dtype=torch.float64),
}

# Frontiers ----------------------------------------------------------------------------------------------------------------


def test_the_single_model_is_the_one_with_the_lowest_mean_loss():
    # Their losses at β = 1, 2, 4: (10, 20, 40), (11, 18, 32), (15, 18, 24).
    index, loss = beta_vae.single_model(SEPARATE, GRID)
    assert index == 2
    assert loss.tolist() == [15, 18, 24]


def test_a_failed_model_is_replaced_by_its_neighbour():
    failed = {**SEPARATE, "kl": torch.tensor([10.0, 20.0, 3.0], dtype=torch.float64)}
    assert beta_vae.full_loss(failed, GRID).tolist() == [10, 44, 24]
    assert beta_vae.best_of_all(failed, GRID).tolist() == [10, 18, 24]
    found = beta_vae.compare_frontiers(SEPARATE, failed, GRID)
    assert found["share_as_good"] == 1
    assert (found["worst_gap"], found["mean_gap"]) == (0, pytest.approx(-26 / 3))
    assert found["gap_closed_best_of_all"] == pytest.approx(1)
    assert math.isnan(found["gap_closed"])


def test_frontiers_compare_as_one_does_by_hand():
    ours = {**SEPARATE, "reconstruction": SEPARATE["reconstruction"] + torch.tensor([1.0, -0.25, 0.0])}
    assert beta_vae.compare_frontiers(ours, SEPARATE, GRID) == pytest.approx(
        {
            "gap_closed": 0.85,
            "gap_closed_best_of_all": 0.85,
            "mean_gap": 0.25,
            "share_as_good": 2 / 3,
            "worst_gap": 1.0,
            "worst_beta": 1.0,
        }
    )
    same = beta_vae.compare_frontiers(SEPARATE, SEPARATE, GRID)
    assert same["gap_closed"] == same["share_as_good"] == 1


def test_hypervolumes_are_shares_and_a_dominated_frontier_has_less():
    worse = {name: values + 1 for name, values in SEPARATE.items()}
    part = {name: values[1:2] for name, values in SEPARATE.items()}
    found = beta_vae.hypervolumes({"fixed": SEPARATE, "worse": worse, "part": part})
    assert all(0 <= value <= 1 for value in found.values())
    assert found["worse"] < found["fixed"]
    assert 0 < found["part"] < found["fixed"]


def test_a_hypervolume_is_what_one_gets_by_hand():
    points = {
        "reconstruction": torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64),
        "kl": torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64).expm1(),
    }
    ends = {name: values[[0, 2]] for name, values in points.items()}
    found = beta_vae.hypervolumes({"all": points, "ends": ends})
    assert found["all"] == pytest.approx((2.002**2 - 2 * 2 + 1) / 2.002**2, rel=1e-6)
    assert found["ends"] == pytest.approx((2.002**2 - 2 * 2) / 2.002**2, rel=1e-4)


# Claims -------------------------------------------------------------------------------------------------------------------


def claims(metrics, *experiments):
    """What is judged by these metrics, of these experiments on both data sets: id → reproduced."""
    names = {f"{data}_{name}" for data in DATA for name in experiments}
    return {claim.id: claim.reproduced for claim in measured_claims(beta_vae.CLAIMS, metrics, names)}


KEYS = (
    *("gap_closed_yoto", "gap_closed_best_of_all_yoto", "gap_closed_wider", "gap_closed_yoto_twice_steps"),
    *("hypervolume_yoto", "hypervolume_fixed", "sample_change_fixed"),
)
GOOD = {f"{data}_{key}": 1.0 for data in DATA for key in KEYS} | {
    **{f"{data}_sample_change_yoto": 0.4 for data in DATA},
    "shapes3d_gap_closed_interpolation": 1.0,
    "cifar10_gap_closed_interpolation": 0.7,
}


def test_claims_are_made_where_their_experiments_are():
    assert claims({}) == {}
    assert claims(GOOD, "fixed") == {"interpolation_bernoulli": True}
    main = ("frontiers_match", "beats_single_model", "same_noise_same_picture")
    mixed = ("interpolation_bernoulli", "interpolation_gaussian", "best_of_all")
    assert claims(GOOD, "fixed", "yoto") == dict.fromkeys((*main, *mixed), True)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("value", [0.8, math.nan])
def test_both_data_sets_have_to_bear_a_claim_out(data, value):
    for key, lost in (
        ("gap_closed_yoto", "beats_single_model"),
        ("gap_closed_best_of_all_yoto", "best_of_all"),
        ("gap_closed_wider", "wider_is_better"),
        ("gap_closed_yoto_twice_steps", "twice_the_steps"),
        ("hypervolume_yoto", "frontiers_match"),
        ("sample_change_yoto", "same_noise_same_picture"),
    ):
        found = claims({**GOOD, f"{data}_{key}": value}, "fixed", "yoto", "wider", "twice_steps")
        assert len(found) == 8
        assert not found[lost]
    assert all(claims(GOOD, "fixed", "yoto", "wider", "twice_steps").values())


PLAY = {
    "shapes3d_psnr": 30.5,
    "cifar10_psnr": 22.5,
    "shapes3d_shape_accuracy": 0.985,
    "shapes3d_shape_accuracy_8": 0.955,
}


def test_reconstructions_are_judged_where_there_are_play_networks():
    judged = ("play_shapes3d_psnr", "play_shapes3d_shape", "play_cifar10_psnr")
    assert not set(judged) & set(claims({**GOOD, **PLAY}, "fixed", "yoto"))
    found = claims({**GOOD, **PLAY}, "fixed", "yoto", "play")
    assert [found[name] for name in judged] == [True] * 3
    for key, lost in zip(PLAY, (judged[0], judged[2], judged[1], judged[1]), strict=True):
        found = claims({**GOOD, **PLAY, key: PLAY[key] * 0.97}, "fixed", "yoto", "play")
        assert {name for name in judged if not found[name]} == {lost}


def test_the_ablations_are_judged_by_what_their_cards_say():
    found = beta_vae.recorded()
    gaps = beta_vae.recall(found)
    assert {name.removeprefix("cifar10_recorded_gap_closed_") for name in gaps} == {
        *("half_steps", "uniform", "concatenation", "input", "linear", "narrow")
    }
    assert claims(gaps, "half_steps") == {}
    variants = ("fixed", "half_steps", "uniform", "concatenation", "input", "linear")
    judged = claims({**GOOD, **gaps}, *variants)
    assert (judged["prior_matters_most"], judged["input_underperforms"]) == (True, False)
    assert beta_vae.recall({name: card for name, card in found.items() if name != "cifar10_fixed"}) == {}


# Folders of checkpoints ---------------------------------------------------------------------------------------------------


def test_evaluate_measures_everything_in_a_folder(trained, folder):
    found = beta_vae.evaluate(trained, Run(profile="smoke", data=folder))
    for data in DATA:
        promised = [
            *(f"{key}_yoto" for key in ("mean_gap", "share_as_good", "worst_gap", "worst_beta")),
            *(f"hypervolume_{name}" for name in ("fixed", "yoto", "interpolation")),
            *("single_model_beta", "single_model_gap"),
            *("sample_change_fixed", "sample_change_yoto"),
            *(f"beta_{index}" for index in range(3)),
            *(f"{m}_{t}_{i}" for m in ("fixed", "yoto") for t in ("reconstruction", "kl") for i in range(3)),
        ]
        assert {f"{data}_{name}" for name in promised} <= set(found.metrics)
        for name in ("fixed", "yoto"):
            card = beta_vae.recorded(trained)[f"{data}_{name}"]
            for term in ("reconstruction_0", "kl_2"):
                assert found.metrics[f"{data}_{name}_{term}"] == pytest.approx(card.metrics[term], rel=1e-4)
        assert math.isfinite(found.metrics[f"{data}_psnr"])
        assert (f"{data}_shape_accuracy_8" in found.metrics) == (data == "shapes3d")
        # Networks that are hardly trained may have no gap to close, and then no number for it.
        assert (f"{data}_gap_closed_yoto" in found.metrics) == (found.metrics[f"{data}_single_model_gap"] > 0)


def test_reconstructions_are_those_of_the_play_network_where_it_is_finished(trained, folder, tmp_path):
    for name in ("cifar10_fixed", "cifar10_yoto"):
        for kind in ("json", "safetensors"):
            (tmp_path / f"{name}.{kind}").write_bytes((trained / f"{name}.{kind}").read_bytes())
    run = Run(profile="smoke", data=folder)
    before = beta_vae.evaluate(tmp_path, run).metrics
    play = beta_vae.load("cifar10_yoto", tmp_path)  # with other weights, as a network of another name
    play.model.decoder.load_state_dict({name: value + 0.1 for name, value in play.model.decoder.state_dict().items()})
    card = replace(
        play.card, name="cifar10_play", config={**play.card.config, "name": "cifar10_play", "purpose": "play"}
    )
    publish(tmp_path, card, play.model.state_dict())
    after = beta_vae.evaluate(tmp_path, run)
    pictures = beta_vae.pictures("cifar10", folder, few=True).held_out
    assert after.metrics["cifar10_psnr"] == pytest.approx(beta_vae.psnr(play.model, pictures), rel=1e-4)
    assert after.metrics["cifar10_psnr"] != before["cifar10_psnr"]
    assert {key: value for key, value in after.metrics.items() if key != "cifar10_psnr"} == pytest.approx(
        {key: value for key, value in before.items() if key != "cifar10_psnr"}
    )
    assert [claim.id for claim in after.claims if claim.id.startswith("play")] == ["play_cifar10_psnr"]


def test_one_data_set_is_measured_alone_and_without_training_pictures(trained, tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_test=np.zeros((4, 32, 32, 3), dtype=np.uint8))
    for kind in ("json", "safetensors"):
        (tmp_path / f"cifar10_fixed.{kind}").write_bytes((trained / f"cifar10_fixed.{kind}").read_bytes())
    found = beta_vae.evaluate(tmp_path, Run(data=tmp_path))
    assert all(name.startswith("cifar10_") for name in found.metrics)
    assert found.claims == []


def test_a_folder_without_separate_models_can_not_be_compared(trained, tmp_path):
    for kind in ("json", "safetensors"):
        name = f"cifar10_yoto.{kind}"
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with pytest.raises(
        CheckpointError, match=r"no fixed-weight models to compare cifar10_yoto .*--only shapes3d_fixed"
    ):
        beta_vae.evaluate(tmp_path)
    with pytest.raises(CheckpointError, match="no fixed-weight models"):
        beta_vae.evaluate(tmp_path / "cifar10_yoto.safetensors")


def test_a_checkpoint_of_another_version_is_refused(trained, tmp_path):
    card = json.loads((trained / "cifar10_yoto.json").read_text())
    (tmp_path / "cifar10_yoto.safetensors").write_bytes((trained / "cifar10_yoto.safetensors").read_bytes())
    for edit in ({"hidden": 9}, {"depth": 3}):
        (tmp_path / "cifar10_yoto.json").write_text(json.dumps({**card, "config": {**card["config"], **edit}}))
        with pytest.raises(CheckpointError, match="does not build"):
            beta_vae.load("cifar10_yoto", tmp_path)
