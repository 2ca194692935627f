"""One hypernetwork held against separate SinGANs: who is measured on what, numbers by hand, and what is left out."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_hyper import SMALL, SMOKE, shaken

from lossconditioning.datasets.single_images import FOLDERS, NAME
from lossconditioning.evaluation import Claim, FirstLayer
from lossconditioning.systems.hyper_singan import evaluation, recipes
from lossconditioning.systems.hyper_singan.claims import CLAIMS
from lossconditioning.systems.hyper_singan.data import pictures_of
from lossconditioning.systems.hyper_singan.measures import Measure
from lossconditioning.systems.hyper_singan.recollection import recall
from lossconditioning.training import Run, Trained
from lossconditioning.training.cards import Card

SCORES = ("sifid", "msifid", "diversity")
SETS = ("places", "lsun")


@pytest.fixture(scope="module")
def layer():
    return FirstLayer("random")


def as_if_trained(*names, seconds=120.0):
    """Name → the experiment's network, its weights moved at random, and a card of the time that it took."""
    found = {}
    for number, name in enumerate(names):
        card = Card("hyper_singan", name, {}, "smoke", 0, 1, seconds * (1 + number), "", "")
        found[name] = Trained(SMALL[name], card, shaken(recipes.build(SMALL[name]), seed=number).eval())
    return found


@pytest.fixture(scope="module")
def trained():
    return as_if_trained(
        "dataset", "singan_0", "singan_1", "single_0", "single_1", "batch_4", "shared", "places_dataset"
    )


@pytest.fixture
def asked(monkeypatch):
    """Who was scored on which pictures, and of how many samples; the scores are the number of the call, 1, 2, …"""
    calls = []

    def scores(measure, model, numbers=None):
        calls.append((model, measure.pictures, None if numbers is None else list(numbers), measure.samples))
        return {name: float(len(calls)) * factor for name, factor in zip(SCORES, (1, 2, 4), strict=True)}

    monkeypatch.setattr(Measure, "scores", scores)
    return calls


# Table 1 ------------------------------------------------------------------------------------------------------------------


def test_singans_are_measured_on_their_own_picture_and_the_hypernetwork_on_all_of_these(
    trained, asked, layer, monkeypatch
):
    timed = []
    monkeypatch.setattr(evaluation, "minutes_of_training", lambda configs, run, rounds: timed.append(configs) or [2, 5])
    found = evaluation.table_1(trained, SMOKE, "", layer, 3)
    learned = pictures_of(SMALL["dataset"], SMOKE)
    names = ["dataset", "singan_0", "singan_1", "single_0", "single_1"]
    assert [model for model, *_ in asked] == [trained[name].model for name in names]
    assert all(samples == 3 for *_, samples in asked)
    assert torch.equal(asked[0][1], learned)
    assert asked[0][2] == [0, 1]
    for (_, pictures, numbers, _), number in zip(asked[1:], (0, 1, 0, 1), strict=True):
        assert torch.equal(pictures, learned[number : number + 1])
        assert numbers is None
    # Calls 2 and 3 were of SinGANs, 4 and 5 of hypernetworks for one picture.
    assert {name: found[name] for name in SCORES} == {"sifid": 1, "msifid": 2, "diversity": 4}
    assert [found[f"{name}_separate"] for name in SCORES] == [2.5, 5, 10]
    assert [found[f"{name}_single"] for name in SCORES] == [4.5, 9, 18]
    assert [found[f"{name}_ratio"] for name in SCORES] == pytest.approx([0.4] * 3)
    assert found["minutes"] == 2 / 4  # of four pictures
    assert found["minutes_separate"] == 5
    assert timed == [[trained[name].config for name in ("dataset", "singan_0")]]
    assert found["minutes_per_image_ratio"] == pytest.approx(0.1)
    assert len(found) == 3 * 4 + 2 + 1


def test_only_pictures_that_have_a_singan_are_compared(trained, asked, layer):
    found = evaluation.table_1({name: trained[name] for name in ("dataset", "singan_1")}, SMOKE, "", layer, 3)
    assert asked[0][2] == [1]
    assert torch.equal(asked[1][1], pictures_of(SMALL["dataset"], SMOKE)[1:2])
    assert found["sifid_ratio"] == 1 / 2
    assert not [name for name in found if name.endswith("_single")]


def test_without_singans_all_pictures_are_scored_and_there_is_no_ratio(trained, asked, layer):
    found = evaluation.table_1({"dataset": trained["dataset"]}, SMOKE, "", layer, 3)
    assert asked[0][2] is None
    assert found.keys() == {*SCORES}


def test_scores_are_those_of_the_measure(trained, layer):
    found = evaluation.table_1({name: trained[name] for name in ("dataset", "singan_1")}, SMOKE, "", layer, 2)
    config, learned = SMALL["dataset"], pictures_of(SMALL["dataset"], SMOKE)
    ours = Measure(learned, config.seen, layer, 2).scores(trained["dataset"].model, [1])
    theirs = Measure(learned[1:2], config.seen, layer, 2).scores(trained["singan_1"].model)
    for name in SCORES:
        assert found[name] == pytest.approx(ours[name])
        assert found[f"{name}_separate"] == pytest.approx(theirs[name])
        assert found[f"{name}_ratio"] == pytest.approx(ours[name] / theirs[name])


# Unseen pictures, leakage -------------------------------------------------------------------------------------------------


def test_unseen_pictures_are_those_that_nobody_learned(trained, asked, layer):
    found = evaluation.unseen(trained["dataset"], SMOKE, layer, 7)
    ((model, pictures, numbers, samples),) = asked
    assert model is trained["dataset"].model
    assert torch.equal(pictures, pictures_of(SMALL["dataset"], SMOKE, "test")[: evaluation.JUDGED])
    assert (numbers, samples) == (None, 7)
    assert found == {"unseen_sifid": 1, "unseen_msifid": 2, "unseen_diversity": 4}


def test_leakage_has_a_ratio_where_both_networks_are_there(trained, layer, monkeypatch):
    shares = {trained["shared"].model: 0.3, trained["batch_4"].model: 0.05}
    monkeypatch.setattr(Measure, "leakage", lambda measure, model, samples: shares[model])
    both = evaluation.leaking(trained, SMOKE, layer)
    assert both == pytest.approx({"leakage_hyper": 0.05, "leakage_shared": 0.3, "leakage_ratio": 6})
    shares[trained["batch_4"].model] = 0.0
    assert evaluation.leaking(trained, SMOKE, layer)["leakage_ratio"] == pytest.approx(300)
    assert evaluation.leaking({"shared": trained["shared"]}, SMOKE, layer) == {"leakage_shared": 0.3}
    assert evaluation.leaking({}, SMOKE, layer) == {}


# Collapse -----------------------------------------------------------------------------------------------------------------


def test_a_collapse_is_the_last_tenth_of_two_descents(trained, monkeypatch):
    seen = []

    def descend(config, data, **options):
        seen.append((config, options))
        factor = 1.0 if config.discriminator == "hyper" else 0.1
        return [{"scores": factor * step, "norm": factor * (40 - step), "apart": 0.0} for step in range(20)]

    monkeypatch.setattr(evaluation, "descend", descend)
    found = evaluation.collapsing(trained["dataset"], replace(SMOKE, profile="laptop"))
    assert found == pytest.approx(
        {
            "collapse_scores_separate": 18.5,  # of steps 18 and 19
            "collapse_norm_separate": 21 / 40,
            "collapse_scores_shared": 1.85,
            "collapse_norm_shared": 21 / 40,
        }
    )
    assert [config.discriminator for config, _ in seen] == ["hyper", "same embedding"]
    assert all(options == evaluation.DESCENT and not config.normalised for config, options in seen)


# Published samples --------------------------------------------------------------------------------------------------------


def published(root, better, worse):
    """Three pictures of each set, and samples: one method's near the pictures, the other's noise."""
    draw = torch.Generator().manual_seed(0)
    for name in SETS:
        for number in range(3):
            real = torch.randint(60, 180, (1, 3, 6, 8), generator=draw).float()
            real = torch.nn.functional.interpolate(real, (24, 32), mode="bilinear")[0]
            noise = torch.randn(3, 24, 32, generator=draw)
            for split, much in ((f"{name}50", 0), (f"{name}50_{better}", 1), (f"{name}50_{worse}", 40)):
                place = root / NAME / FOLDERS[split]
                place.mkdir(parents=True, exist_ok=True)
                picture = (real + much * noise).clamp(0, 255).byte().permute(1, 2, 0).numpy()
                Image.fromarray(picture).save(place / f"{number}.png")
    return Run(profile="laptop", data=root, progress=False)


def test_the_score_orders_two_methods_or_does_not(tmp_path, layer):
    found = evaluation.score_orders(layer, published(tmp_path / "right", "consingan", "singan"))
    assert found.keys() == {f"score_{name}_{method}" for name in SETS for method in ("singan", "consingan")} | {
        "score_orders_singan_consingan"
    }
    assert all(found[f"score_{name}_consingan"] < found[f"score_{name}_singan"] for name in SETS)
    assert found["score_orders_singan_consingan"] == 1
    wrong = evaluation.score_orders(layer, published(tmp_path / "wrong", "singan", "consingan"))
    assert wrong["score_orders_singan_consingan"] == 0


@pytest.mark.parametrize("missing", ["places50", "lsun50_singan", "lsun50_consingan"])
def test_without_one_of_the_sets_there_is_no_order(tmp_path, layer, missing):
    run = published(tmp_path, "consingan", "singan")
    (tmp_path / NAME / FOLDERS[missing]).rename(tmp_path / "elsewhere")
    assert evaluation.score_orders(layer, run) == {}
    assert evaluation.score_orders(layer, replace(run, profile="smoke")) == {}


def data_folder():
    """Where the real pictures, samples and SqueezeNet's weights are, or None: none of them ships."""
    folder = Path(os.environ.get("LOSSCONDITIONING_DATA", "nowhere"))
    there = (folder / NAME / FOLDERS["lsun50_consingan"]).is_dir() and list((folder / "weights").glob("squeezenet1_1*"))
    return folder if there else None


@pytest.mark.skipif(
    data_folder() is None, reason="the real pictures and samples, or SqueezeNet's weights, are not at hand"
)
def test_the_score_orders_published_samples_as_the_paper_does(monkeypatch):
    monkeypatch.setattr(evaluation, "RANKED", 5)
    trained = FirstLayer(data_folder() / "weights")
    found = evaluation.score_orders(trained, Run(profile="laptop", data=data_folder()))
    assert found["score_orders_singan_consingan"] == 1
    assert all(0 < found[f"score_{name}_consingan"] < 0.7 * found[f"score_{name}_singan"] for name in SETS)


def test_real_pictures_are_at_hand_where_their_folder_is(tmp_path):
    run = Run(profile="laptop", data=tmp_path)
    (tmp_path / NAME / FOLDERS["lsun50"]).mkdir(parents=True)
    assert [evaluation.at_hand(name, run) for name in ("scenery", "places50", "lsun50")] == [True, False, True]
    assert evaluation.at_hand("places50", replace(run, profile="smoke"))


# All together -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(trained):
    return evaluation.compare(trained, SMOKE)


def cards():
    """Cards of all experiments, as full as they can be."""
    metrics = {f"{part}{name}": 0.1 for name in SCORES for part in ("", "unseen_")} | {"error_1": 0.1}
    return {name: Card("hyper_singan", name, {}, "laptop", 0, 1, 1.0, "", "", metrics) for name in SMALL}


def test_the_evaluation_is_plain_numbers_and_judges_every_claim(everything):
    assert all(isinstance(value, float) and math.isfinite(value) for value in everything.values())
    promised = {f"places_{name}" for name in SCORES} | {f"unseen_{name}" for name in SCORES}
    promised |= {"sifid_ratio", "minutes_per_image_ratio", "leakage_ratio"}
    promised |= {f"collapse_{what}_{kind}" for what in ("scores", "norm") for kind in ("separate", "shared")}
    assert promised <= everything.keys()
    assert "places_sifid_ratio" not in everything  # has no SinGANs
    claims = [statement.judged({**everything, **recall(cards())}) for statement in CLAIMS]
    assert all(isinstance(claim, Claim) for claim in claims)
    assert len({statement.id for statement in CLAIMS}) == len(CLAIMS)
    assert all(set(statement.of) <= set(recipes.experiments("laptop")) for statement in CLAIMS)


def test_what_networks_or_data_are_missing_for_is_left_out(trained, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation, "collapsing", lambda item, run: {})
    monkeypatch.setattr(evaluation, "weights_for", lambda *given: "random")
    run = Run(profile="laptop", progress=False, data=tmp_path)
    few = {name: trained[name] for name in (*evaluation.compared(run), "places_dataset")}
    found = evaluation.compare(few, run)
    assert [model for model, *_ in asked] == [few[name].model for name in ("dataset", "singan_0", "dataset")]
    assert [samples for *_, samples in asked] == [100] * 3  # the best of as many, learned or unseen
    assert {"sifid_ratio", "unseen_sifid"} <= found.keys()
    assert not [name for name in found if name.startswith(("places_", "lsun_", "leakage", "score_"))]
