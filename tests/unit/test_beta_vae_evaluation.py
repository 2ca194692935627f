"""How the β-VAEs are measured, what that costs, and that the panel shows what it says."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning import CheckpointError, cli
from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, index_of
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae import figures
from lossconditioning.systems.beta_vae.claims import claims
from lossconditioning.systems.beta_vae.evaluation import card_metrics, fixed_noise
from lossconditioning.systems.beta_vae.pictures import HELD_OUT
from lossconditioning.systems.beta_vae.play import _START

SMOKE = beta_vae.experiments("smoke")
SIDE, LATENT = {"cifar10": 32, "shapes3d": 64}, {"cifar10": 64, "shapes3d": 10}
DATA = ["cifar10", "shapes3d"]


def held_out(data: str, count: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, 3, SIDE[data], SIDE[data]), dtype=torch.uint8, generator=draw)


def perturbed(name: str) -> torch.nn.Module:
    """An untrained network whose weights are far from where they start, so that β matters."""
    torch.manual_seed(0)
    model = beta_vae.build(SMOKE[name]).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return model


# Frontiers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", DATA)
def test_a_fixed_frontier_measures_every_member_at_its_own_beta(data):
    model, pictures = perturbed(f"{data}_fixed"), held_out(data)
    grid, noise = beta_vae.beta_grid(data, 3), fixed_noise(6, LATENT[data])
    found = beta_vae.frontier(model, pictures, grid)
    for m in range(3):
        alone = beta_vae.terms(model.member(m), beta_vae.as_float(pictures), None, noise)
        for name in ("reconstruction", "kl"):
            assert found[name].dtype == torch.float64
            assert found[name].shape == (3,)
            assert found[name][m].item() == pytest.approx(alone[name].double().mean().item(), rel=1e-5)


@pytest.mark.parametrize("data", DATA)
def test_a_conditional_frontier_is_told_every_beta(data):
    model, pictures, noise = perturbed(f"{data}_yoto"), held_out(data), fixed_noise(6, LATENT[data])
    grid = beta_vae.beta_grid(data, 3)
    found = beta_vae.frontier(model, pictures, grid)
    for index, beta in enumerate(grid):
        its = beta_vae.terms(model, beta_vae.as_float(pictures), beta.expand(6), noise)
        assert found["kl"][index].item() == pytest.approx(its["kl"].double().mean().item(), rel=1e-5)
    assert len(found["reconstruction"].unique()) == 3


@pytest.mark.parametrize("chunk", [1, 4, 6, 100])
@pytest.mark.parametrize("name", ["cifar10_fixed", "cifar10_yoto"])
def test_the_size_of_the_pieces_does_not_matter(chunk, name, monkeypatch):
    model, grid = perturbed(name), beta_vae.beta_grid("cifar10", 3)
    shares = torch.linspace(0, 1, 3)
    members = beta_vae.separate(perturbed("cifar10_fixed"))
    whole = beta_vae.frontier(model, held_out("cifar10"), grid)
    mixed = beta_vae.interpolation(members[0], members[-1], held_out("cifar10"), shares)
    monkeypatch.setitem(beta_vae.frontier.__wrapped__.__globals__, "_CHUNK", chunk)
    for term in whole:
        torch.testing.assert_close(
            beta_vae.frontier(model, held_out("cifar10"), grid)[term], whole[term], rtol=1e-5, atol=0
        )
        again = beta_vae.interpolation(members[0], members[-1], held_out("cifar10"), shares)
        torch.testing.assert_close(again[term], mixed[term], rtol=1e-5, atol=0)


def test_the_noise_is_the_same_for_every_model_and_leaves_the_global_one_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert torch.equal(fixed_noise(7, 5), fixed_noise(7, 5))
    assert torch.equal(torch.get_rng_state(), before)
    assert fixed_noise(2000, 5).std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("data", DATA)
def test_a_mixture_with_all_of_one_model_is_that_model(data):
    model = perturbed(f"{data}_fixed")
    members, grid = beta_vae.separate(model), beta_vae.beta_grid(data, 3)
    fixed = beta_vae.frontier(model, held_out(data), grid)
    mixed = beta_vae.interpolation(members[0], members[-1], held_out(data), torch.tensor([0.0, 0.5, 1.0]))
    for name in ("reconstruction", "kl"):
        assert mixed[name].shape == (3,)
        torch.testing.assert_close(mixed[name][[0, 2]], fixed[name][[0, 2]], rtol=1e-5, atol=1e-4)
        assert not torch.isclose(mixed[name][1], fixed[name][1], rtol=1e-6)


# Comparisons ------------------------------------------------------------------------------------------------------

GRID = torch.tensor([1.0, 2.0, 4.0])
SEPARATE = {
    "reconstruction": torch.tensor([0.0, 4.0, 12.0], dtype=torch.float64),
    "kl": torch.tensor([10.0, 7.0, 3.0], dtype=torch.float64),
}


def test_the_full_loss_weighs_the_divergence_with_beta():
    assert beta_vae.full_loss(SEPARATE, GRID).tolist() == [10, 18, 24]


def test_the_single_model_is_the_one_with_the_lowest_mean_loss():
    # Their losses at β = 1, 2, 4: (10, 20, 40), (11, 18, 32), (15, 18, 24).
    index, loss = beta_vae.single_model(SEPARATE, GRID)
    assert index == 2
    assert loss.tolist() == [15, 18, 24]


def test_a_failed_model_is_replaced_by_its_neighbour():
    failed = {**SEPARATE, "kl": torch.tensor([10.0, 20.0, 3.0], dtype=torch.float64)}
    assert beta_vae.full_loss(failed, GRID).tolist() == [10, 44, 24]
    assert beta_vae.best_of_all(failed, GRID).tolist() == [10, 18, 24]
    found = beta_vae.compare(SEPARATE, failed, GRID)
    assert found["share_as_good"] == 1
    assert (found["worst_gap"], found["mean_gap"]) == (0, pytest.approx(-26 / 3))
    assert found["gap_closed_best_of_all"] == pytest.approx(1)
    assert math.isnan(found["gap_closed"])


def test_compare_gives_the_numbers_one_gets_by_hand():
    ours = {**SEPARATE, "reconstruction": SEPARATE["reconstruction"] + torch.tensor([1.0, -0.25, 0.0])}
    found = beta_vae.compare(ours, SEPARATE, GRID)
    assert found == pytest.approx(
        {
            "gap_closed": 0.85,
            "gap_closed_best_of_all": 0.85,
            "mean_gap": 0.25,
            "share_as_good": 2 / 3,
            "worst_gap": 1.0,
            "worst_beta": 1.0,
        }
    )
    assert beta_vae.compare(SEPARATE, SEPARATE, GRID)["gap_closed"] == 1
    assert beta_vae.compare(SEPARATE, SEPARATE, GRID)["share_as_good"] == 1


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


@pytest.mark.parametrize("data", DATA)
def test_samples_change_with_beta_only_where_networks_do(data):
    grid = beta_vae.beta_grid(data, 3)
    members = beta_vae.separate(perturbed(f"{data}_fixed"))
    assert beta_vae.sample_change([members[0]] * 3, grid, count=8) == 0
    assert 0 < beta_vae.sample_change([perturbed(f"{data}_yoto")] * 3, grid, count=8) < math.inf
    assert beta_vae.sample_change(members, grid, count=8) > 0.5


def test_claims_are_made_where_their_numbers_are():
    assert claims({}) == []
    metrics = {f"{data}_gap_closed_yoto": 0.95 for data in DATA}
    assert [(claim.id, claim.reproduced) for claim in claims(metrics)] == [("beats_single_model", True)]
    worse = {**metrics, "cifar10_gap_closed_yoto": 0.8, "cifar10_gap_closed_interpolation": 0.1}
    assert [(claim.id, claim.reproduced) for claim in claims(worse)] == [
        ("beats_single_model", False),
        ("interpolation_gaussian", True),
    ]


@pytest.mark.parametrize("untrained", DATA)
def test_no_claim_is_reproduced_by_what_could_not_be_measured(untrained):
    keys = ("gap_closed_yoto", "gap_closed_wider", "gap_closed_yoto_twice_steps", "gap_closed_interpolation")
    metrics = {f"{data}_{key}": math.nan if data == untrained else 1.0 for data in DATA for key in keys}
    both = {"beats_single_model", "wider_is_better", "twice_the_steps"}
    assert {claim.id: claim.reproduced for claim in claims(metrics) if claim.id in both} == dict.fromkeys(both, False)


# Folders of checkpoints -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    here = tmp_path_factory.mktemp("data")
    numbers = np.random.default_rng(0)
    train, test = (numbers.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8) for count in (20, 8))
    np.savez(here / "cifar10.npz", x_train=train, x_test=test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HELD_OUT, "shapes3d", 8)
        yield here


@pytest.fixture(scope="module")
def trained(data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    for name in ("shapes3d_fixed", "shapes3d_yoto", "cifar10_fixed", "cifar10_yoto"):
        beta_vae.train(SMOKE[name], out=out, profile="smoke", progress=False, folder=data_folder)
    return out


def test_evaluate_measures_everything_in_a_folder(trained, data_folder):
    found = beta_vae.evaluate(trained, data_folder)
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
            card = beta_vae.load(f"{data}_{name}", trained).card
            for term in ("reconstruction_0", "kl_2"):
                assert found.metrics[f"{data}_{name}_{term}"] == pytest.approx(card.metrics[term], rel=1e-4)
    written = json.loads(json.dumps(found.as_json("beta_vae")))
    assert all(math.isfinite(value) for value in found.metrics.values())
    for data in DATA:  # networks that are hardly trained may have no gap to close, and then no number for it
        assert (f"{data}_gap_closed_yoto" in found.metrics) == (found.metrics[f"{data}_single_model_gap"] > 0)
    assert {"frontiers_match", "same_noise_same_picture"} <= {claim["id"] for claim in written["claims"]}


def test_the_command_line_prints_numbers_that_every_json_reader_takes(trained, data_folder, capsys):
    with pytest.raises(SystemExit) as leaving:
        cli.main(["evaluate", "beta_vae", "--json", "--checkpoint", str(trained), "--data", str(data_folder)])
    assert leaving.value.code == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["system"] == "beta_vae"
    assert "shapes3d_hypervolume_yoto" in found["metrics"]


def test_frontiers_and_sample_changes_do_not_need_a_gap_to_close(trained, data_folder):
    for data in DATA:
        fixed, yoto = (beta_vae.load(f"{data}_{name}", trained) for name in ("fixed", "yoto"))
        pictures, grid = beta_vae.pictures(data, data_folder).held_out, fixed.config.grid
        frontiers = {name: beta_vae.frontier(t.model, pictures, grid) for name, t in (("a", fixed), ("b", yoto))}
        assert all(0 <= share <= 1 for share in beta_vae.hypervolumes(frontiers).values())
        metrics = card_metrics(yoto.config, yoto.model, pictures)
        for name, values in frontiers["b"].items():
            assert [metrics[f"{name}_{index}"] for index in range(3)] == pytest.approx(values.tolist(), rel=1e-5)
        recorded = beta_vae.recorded_frontier(replace(yoto.card, metrics=metrics))
        assert recorded["kl"].tolist() == pytest.approx(frontiers["b"]["kl"].tolist(), rel=1e-5)


def test_a_folder_without_separate_models_can_not_be_compared(trained, tmp_path):
    for kind in ("json", "safetensors"):
        name = f"cifar10_yoto.{kind}"
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"no fixed-weight models.*--only shapes3d_fixed"):
        beta_vae.evaluate(tmp_path)
    with pytest.raises(CheckpointError, match="no fixed-weight models"):
        beta_vae.evaluate(tmp_path / "cifar10_yoto.safetensors")


def test_an_empty_folder_has_no_checkpoints(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match="no finished checkpoint of 'beta_vae'"):
            beta_vae.evaluate(folder)


def test_a_checkpoint_of_another_version_is_refused(trained, tmp_path):
    card = json.loads((trained / "cifar10_yoto.json").read_text())
    (tmp_path / "cifar10_yoto.safetensors").write_bytes((trained / "cifar10_yoto.safetensors").read_bytes())
    for edit in ({"hidden": 9}, {"depth": 3}):
        (tmp_path / "cifar10_yoto.json").write_text(json.dumps({**card, "config": {**card["config"], **edit}}))
        with pytest.raises(CheckpointError, match="does not build"):
            beta_vae.load("cifar10_yoto", tmp_path)


# Costs ------------------------------------------------------------------------------------------------------------


def test_multiply_adds_are_those_counted_by_hand():
    sizes = [(32, 3, 8), (16, 8, 16), (8, 16, 32), (4, 32, 64)]
    convolutions = 2 * sum(side**2 * before * after * 9 for side, before, after in sizes)
    linear = 1024 * 256 + 256 * 20 + 10 * 256 + 256 * 1024
    by_hand = 3 * (convolutions + linear) - 32**2 * 3 * 8 * 9  # pictures need no gradient
    config = beta_vae.Config("x", "shapes3d", "fixed", batch_size=2, betas=4)
    assert beta_vae.multiply_adds(config) == pytest.approx(2 * 4 * by_hand, rel=0.05)


@pytest.mark.parametrize("data", DATA)
def test_multiply_adds_grow_with_rows_and_conditioning_costs_little(data):
    fixed = beta_vae.multiply_adds(beta_vae.Config("x", data, "fixed", batch_size=1, betas=1))
    count = {n: beta_vae.multiply_adds(beta_vae.Config("x", data, batch_size=1, draws=n)) for n in (1, 3)}
    assert count[3] == 3 * count[1]
    assert fixed < count[1] < 1.3 * fixed
    assert beta_vae.multiply_adds(beta_vae.Config("x", data, batch_size=1, width=1.5)) > 1.8 * count[1]


def test_the_cost_table_is_relative_to_its_first_row(trained):
    cards = {name: beta_vae.load(f"cifar10_{name}", trained).card for name in ("fixed", "yoto")}
    table = beta_vae.cost_table(
        {name: replace(card, seconds=60.0 * n) for n, (name, card) in enumerate(cards.items(), 1)}
    )
    assert list(table.index) == ["fixed", "yoto"]
    assert table["work, relative"].iloc[0] == table["time, relative"].iloc[0] == 1
    assert table["time, relative"].iloc[1] == 2
    assert table["minutes"].tolist() == [1, 2]
    work = [beta_vae.multiply_adds(SMOKE[f"cifar10_{name}"]) for name in cards]
    assert table["work, relative"].iloc[1] == pytest.approx(work[1] / work[0], abs=0.006)
    assert table["steps"].tolist() == [3, 3]


# The panel --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage():
    model = perturbed("shapes3d_yoto")
    curve = beta_vae.frontier(model, held_out("shapes3d", 2), beta_vae.beta_grid("shapes3d", 3))
    return beta_vae.play(model, curve, curve), model


def test_the_panel_follows_beta_and_every_factor(stage):
    panel, _ = stage
    first = panel.set(beta=4.0, **_START)
    assert Image.open(io.BytesIO(first)).size[0] > 500
    assert panel.set(beta=400.0) != first
    assert panel.set(beta=4.0) == first
    for name, count in FACTORS.items():
        assert panel.set(**{name: (_START[name] + 2) % count}) != first
        assert panel.set(**{name: _START[name]}) == first


@pytest.mark.parametrize("beta", [0.5, 4.0, 2048.0])
def test_the_panels_numbers_are_those_of_the_picture_on_show(beta, stage):
    panel, model = stage
    factors = {**_START, "floor_hue": 2, "shape": 1}
    panel.set(beta=beta, **factors)
    shown = panel.readouts
    with torch.no_grad():
        picture = shapes3d()[index_of(torch.tensor([[factors[name] for name in FACTORS]]))]
        values = beta_vae.terms(model, picture.float() / 255, torch.tensor([beta]), torch.zeros(1, 10))
    rate, distortion = float(values["kl"]), float(values["reconstruction"])
    assert shown["rate, KL in nats"] == pytest.approx(rate, rel=1e-4)
    assert shown["distortion, −log p(x|z) in nats"] == pytest.approx(distortion, rel=1e-4)
    assert shown["objective"] == pytest.approx(distortion + beta * rate, rel=1e-4)


def test_the_panel_says_where_beta_was_not_trained(stage):
    panel, _ = stage
    for beta in (0.3, 3000.0):
        panel.set(beta=beta)
        assert "weight of the rate β lies outside the trained range [0.5, 2048]" in panel._text.value
    for beta in (0.5, 2048.0):
        panel.set(beta=beta)
        assert "outside" not in panel._text.value


# Figures ----------------------------------------------------------------------------------------------------------


def test_figures_show_every_curve_and_every_picture():
    later = {name: values + 0.5 for name, values in SEPARATE.items()}
    curves = {"separate": ("fixed", [SEPARATE, later]), "one network": ("conditional", [later])}
    made = figures.frontiers(curves, GRID, "made up")
    left, right = made.axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["separate", "one network"]
    assert right.lines[0].get_ydata().tolist() == pytest.approx([0, 0, 0])
    assert right.lines[1].get_ydata().tolist() == pytest.approx([0.5, 0.75, 1.25])
    rows = {"a": torch.rand(3, 3, 8, 8), "b": torch.rand(3, 3, 8, 8)}
    made = figures.picture_rows(rows, ["1", "2", "3"])
    shown = [image.get_array() for axis in made.axes for image in axis.get_images()]
    assert len(shown) == 6
    np.testing.assert_allclose(shown[4], rows["b"][1].permute(1, 2, 0))
    assert [axis.get_title() for axis in made.axes[:3]] == ["1", "2", "3"]
    plt.close("all")
