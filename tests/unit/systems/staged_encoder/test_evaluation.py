"""The paper's tables out of small networks: what is measured of whom, and no more than there are networks and data for."""

import math

import pytest
import torch
from small_staged import SMALL, SMOKE, as_if_trained, cards

from lossconditioning.evaluation import Claim
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder import comparisons, evaluation
from lossconditioning.systems.staged_encoder.data import measure_for
from lossconditioning.training import Run, Trained

OURS = ("stage2", "stage3")
RIVALS = ("bicycle_v1", "bicycle_v2")
VALLEY = ("valley_stage2", "valley", "valley_bicycle_v1", "valley_bicycle_v2")


@pytest.fixture(autouse=True, scope="module")
def quick():
    """A classifier that looks at a picture's mean alone, and few styles."""

    class Glance(torch.nn.Module):
        def __init__(self, weights):
            super().__init__()
            assert weights == "random"

        def forward(self, pictures):
            return torch.cat([pictures.mean((2, 3)), 3 - pictures.mean((2, 3))], 1) / 9

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "Classifier", Glance)
        patch.setattr("lossconditioning.systems.staged_encoder.measures.STYLES", 4)
        patch.setattr("lossconditioning.systems.staged_encoder.measures.LAYOUTS", 3)
        yield


@pytest.fixture(scope="module")
def models():
    return as_if_trained(*[name for name, config in SMALL.items() if not config.repeat and config.purpose != "play"])


@pytest.fixture(scope="module")
def valley():
    return measure_for(SMALL["valley"], SMOKE)


def some_of(models, *names):
    return {name: models[name] for name in names}


# Tables -------------------------------------------------------------------------------------------------------------------


def test_table_1_has_a_row_of_every_method_that_is_there(models, valley):
    found = evaluation.table_1(some_of(models, *VALLEY), valley, "valley")
    numbers = ("psnr", "lpips", "transfer_psnr", "transfer_lpips")
    expected = {f"{what}_{method}" for what in numbers for method in OURS + RIVALS}
    assert found.keys() == expected | {f"neighbour_{method}" for method in ("stage3", *RIVALS)}
    assert found["psnr_bicycle_v2"] == valley.reconstruction(models["valley_bicycle_v2"])["psnr"]
    assert found["transfer_lpips_stage3"] == valley.reconstruction(models["valley"])["transfer_lpips"]
    few = evaluation.table_1(some_of(models, "valley_stage2", "outlines"), valley, "valley")
    assert few.keys() == {f"{what}_stage2" for what in numbers}


def test_table_2_has_what_the_worst_of_other_encoders_costs(models, valley):
    both = some_of(models, "valley", "valley_by_outlines", "valley_by_outlines_stage2")
    found = evaluation.table_2(both, valley, "valley")
    assert found.keys() == {
        "transfer_gap_db",
        *(f"{what}_{stage}_by_outlines" for what in ("psnr", "lpips") for stage in OURS),
    }
    own = valley.reconstruction(models["valley"])["psnr"]
    assert found["transfer_gap_db"] == pytest.approx(own - found["psnr_stage3_by_outlines"])
    worst = {**both, "valley_by_facades": models["valley_bicycle_v1"]}
    gaps = [own - evaluation.table_2(worst, valley, "valley")[f"psnr_stage3_by_{o}"] for o in ("outlines", "facades")]
    assert evaluation.table_2(worst, valley, "valley")["transfer_gap_db"] == pytest.approx(max(gaps))
    assert "transfer_gap_db" not in evaluation.table_2(some_of(models, "valley_by_outlines"), valley, "valley")
    assert evaluation.table_2(some_of(models, "valley"), valley, "valley") == {}


def test_table_3_has_diversity_by_transfer_and_by_sampling(models, valley):
    found = evaluation.table_3(some_of(models, *VALLEY), valley, "valley", "random", 2)
    assert found.keys() == {
        "diversity_ratio",
        "outside_mapper",
        "outside_gaussian",
        *(f"{what}_{method}" for what in ("diversity_transfer", "score") for method in OURS + RIVALS),
        *(f"diversity_sampling_{method}" for method in ("stage3", *RIVALS)),
    }
    assert found["diversity_transfer_stage3"] == valley.diversity(models["valley"])
    ratio = found["diversity_transfer_stage3"] / found["diversity_transfer_bicycle_v1"]
    assert found["diversity_ratio"] == ratio
    assert all(0 <= found[f"outside_{way}"] <= 1 for way in ("mapper", "gaussian"))
    drawn = torch.randn(64, 8, generator=evaluation.generator(0))
    assert found["diversity_sampling_bicycle_v2"] == valley.diversity(models["valley_bicycle_v2"], drawn)
    assert all(1 <= found[f"score_{method}"] < 6 for method in OURS + RIVALS)
    alone = evaluation.table_3(some_of(models, "valley_bicycle_v1"), valley, "valley", "random", 2)
    assert alone.keys() == {f"{what}_bicycle_v1" for what in ("diversity_transfer", "diversity_sampling", "score")}


def test_the_frontier_goes_from_the_least_lambda_to_the_largest(models, valley):
    names = ("valley_told", "valley_critic", "valley_lively", "valley_stage2", "valley_faithful")
    told, heard = models["valley_told"], []
    hook = told.generator.register_forward_pre_hook(lambda _, inputs: heard.append(float(inputs[2][0])))
    found = comparisons.frontier(some_of(models, *names), valley)
    hook.remove()
    low, high = SMALL["valley_told"].lam
    assert sorted(set(heard)) == pytest.approx([low, low * 2, low * 4, low * 8, high])
    rows = [*(f"told_{{}}_{number}" for number in range(5)), "lively_{}", "fixed_{}", "faithful_{}"]
    assert found.keys() == {"told_span_db", *(row.format(w) for row in rows for w in ("psnr", "lpips", "realness"))}
    assert found["told_span_db"] == found["told_psnr_4"] - found["told_psnr_0"]
    assert found["told_psnr_4"] == valley.reconstruction(told, high)["psnr"]
    assert found["fixed_psnr"] == valley.reconstruction(models["valley_stage2"])["psnr"]
    assert comparisons.frontier(some_of(models, *names[:1], *names[2:]), valley) == {}  # without a critic


def test_sliders_are_judged_by_what_they_change_beside_their_own_factor(valley, monkeypatch):
    ways = [staged.Direction(factor, ("", ""), torch.zeros(8)) for factor in ("hour", "season", "weather")]
    moved = torch.tensor([[0.9, 0.2, 0.1], [0.2, 0.4, 0.5], [torch.nan] * 3])
    monkeypatch.setattr(comparisons, "directions", lambda *given: ways)
    monkeypatch.setattr(comparisons, "effects", lambda *given: moved)
    found = comparisons.sliders(staged.build(SMALL["valley"]), valley)  # hour, weather, season
    assert found == pytest.approx({"slider_focus": (0.9 / 0.2 + 0.5 / 0.4) / 2, "slider_apart": 0.5})
    moved[1] = torch.tensor([0.0, 0.01, 0.5])  # what changes in less than one picture counts as one
    assert comparisons.sliders(staged.build(SMALL["valley"]), valley)["slider_focus"] == pytest.approx((4.5 + 6) / 2)


# All together -------------------------------------------------------------------------------------------------------------


def trained(models):
    return {name: Trained(SMALL[name], None, model) for name, model in models.items()}


@pytest.fixture(scope="module")
def everything(models):
    return staged.compare(trained(models), SMOKE)


def test_the_evaluation_is_plain_numbers_and_judges_every_claim(everything, models):
    assert all(isinstance(value, float) and math.isfinite(value) for value in everything.values())
    recalled = staged.recall(
        cards([name for name in SMALL if not name.startswith("encoder")], {"psnr": 20.0, "lpips": 0.1})
    )
    claims = [statement.judged({**everything, **recalled}) for statement in staged.CLAIMS]
    assert all(isinstance(claim, Claim) for claim in claims)
    assert all(set(statement.of) <= set(staged.experiments("laptop")) for statement in staged.CLAIMS)
    outlines = measure_for(SMALL["outlines"], SMOKE)
    assert everything["psnr_stage3"] == outlines.reconstruction(models["outlines"])["psnr"]
    assert everything["neighbour_accuracy"] == outlines.neighbours(models["encoder_outlines"])["neighbour_accuracy"]
    assert "facades_psnr_stage3" in everything
    assert "facades_transfer_psnr_stage3" not in everything  # no truth is known


@pytest.mark.parametrize("number", range(len(staged.CLAIMS)), ids=[statement.id for statement in staged.CLAIMS])
def test_a_claim_has_its_numbers_wherever_its_networks_are(number, monkeypatch):
    """Without measuring anything: which numbers there are depends on which networks there are."""

    class Known:
        names, gallery, layouts = ("hour",), type("Gallery", (), {"pictures": None}), None

        def reconstruction(self, model, lam=None):
            return dict.fromkeys(("psnr", "lpips", "transfer_psnr", "transfer_lpips"), 1.0)

        def closeness(self, made, pictures=None):
            return dict.fromkeys(("psnr", "lpips"), 1.0)

        def neighbours(self, encoder):
            return dict.fromkeys(("neighbour_accuracy", "neighbour_chance"), 1.0)

        def diversity(self, model, codes=None):
            return 1.0

        def translate(self, model, lam=None):
            return torch.zeros(12, 3, 8, 8)

    monkeypatch.setattr(evaluation, "measure_for", lambda config, run: Known())
    monkeypatch.setattr(evaluation, "codes_of", lambda encoder, pictures: type("Codes", (), {"z": torch.randn(20, 8)}))
    monkeypatch.setattr(evaluation, "by_other_means", lambda *given: {})
    monkeypatch.setattr(evaluation, "sliders", lambda *given: dict.fromkeys(("slider_focus", "slider_apart"), 1.0))
    monkeypatch.setattr(comparisons, "realness", lambda *given: 1.0)
    statement = staged.CLAIMS[number]
    names = [*statement.of, *staged.compared(SMOKE)]
    for name in names:  # grows as it goes
        names += [need for need in SMALL[name].needs if need not in names]
    found = staged.compare(trained({name: staged.build(SMALL[name]) for name in names}), SMOKE)
    found |= staged.recall(cards(names, {"psnr": 20.0, "lpips": 0.1}))
    assert set(statement.needs) <= found.keys()


def test_an_encoder_alone_is_measured_too(models, valley):
    found = staged.compare(trained(some_of(models, "encoder_valley", "encoder_valley_by_13")), SMOKE)
    shares = {f"valley_{name}": value for name, value in valley.neighbours(models["encoder_valley"]).items()}
    by_13 = valley.neighbours(models["encoder_valley_by_13"])["neighbour_accuracy"]
    others = comparisons.by_other_means(SMALL["encoder_valley"], valley, SMOKE)
    assert set(others) == {f"neighbour_by_{name}" for name in ("colours", "style", "axes")}
    assert all(0 <= share <= 1 for share in others.values())
    named = {f"valley_{name}": value for name, value in others.items()}
    assert found == pytest.approx({**shares, **named, "valley_neighbour_by_13": by_13})


def test_facades_are_left_out_where_their_files_are_missing(models, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(evaluation, "measure_for", lambda config, run: asked.append(config.dataset))
    facades = trained(some_of(models, "encoder_facades", "facades_stage2", "facades"))
    run = Run(profile="laptop", data=tmp_path)
    assert staged.compare(facades, run) == {}
    assert not asked
    assert [evaluation.at_hand(dataset, run) for dataset in evaluation.SETS] == [True, True, False]
    assert evaluation.at_hand("facades", SMOKE)
    (tmp_path / "cmp_facades" / "test").mkdir(parents=True)
    assert not evaluation.at_hand("facades", run)  # codes are those of the pictures for training
    (tmp_path / "cmp_facades" / "train").mkdir()
    assert evaluation.at_hand("facades", run)


def test_there_is_nothing_to_compare_without_the_three_stages():
    assert list(staged.compared(SMOKE)) == ["encoder_outlines", "outlines_stage2", "outlines"]
