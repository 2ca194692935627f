"""Style transfer's training: λ of a batch, one step, whole runs, and what a card says of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from small_painters import QUIET, SIDE, SMALL, small_paintings

from lossconditioning import ReaderError
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.painting import Batch
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.training import config as training_config
from lossconditioning.training.randomness import reseed_torch

KINDS = {name: SMALL[name] for name in ("yoto", "specialist", "fixed_content_low")}
ALL = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
YOTO, FIXED = SMALL["yoto"], SMALL["fixed_content_low"]


def fit(config, run=QUIET):
    return style_transfer.fit(config, run)


def drawn(config, count, done=1.0):
    """λ of a batch of ``count`` pictures."""
    batch = Batch(torch.zeros(count, 3, SIDE, SIDE), None, None, (), None)
    torch.manual_seed(3)
    same, lam = style_transfer.draw(config, style_transfer.build(config, 0), batch, done)
    assert same is batch
    return lam


# One step -----------------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_batch_are_spread_evenly_over_the_prior():
    lam = drawn(YOTO, 16)
    assert lam.shape == (16, 5)
    low, high = torch.tensor(style_transfer.RANGES[YOTO.ranges]).T
    strata = (16 * (lam / low).log() / (high / low).log()).floor()
    for column in strata.T:
        assert column.sort().values.tolist() == list(range(16))
        assert column.tolist() != list(range(16))
    assert len({tuple(column.tolist()) for column in strata.T}) == 5


def test_the_specialists_batch_varies_the_weight_of_content_alone():
    lam = drawn(SMALL["specialist"], 16)
    assert lam[:, :4].tolist() == pytest.approx(np.tile(style_transfer.DEFAULT[:4], (16, 1)))
    strata = (16 * (lam[:, 4] / 0.1).log() / np.log(1000)).floor()
    assert strata.sort().values.tolist() == list(range(16))


def test_a_fixed_weight_models_weight_is_its_own():
    assert drawn(FIXED, 5).tolist() == pytest.approx(np.tile(FIXED.lam, (5, 1)))


@pytest.mark.parametrize("name", ["yoto", "specialist"])
def test_the_range_of_the_weights_opens_from_the_default_setting(name):
    config = replace(SMALL[name], opening=0.4)
    rows = [(drawn(config, 8, done) / torch.tensor(style_transfer.DEFAULT)).log() for done in (0.0, 0.1, 0.2, 0.4, 1.0)]
    assert rows[-1].abs().max() > 1
    for share, row in zip((0, 0.25, 0.5, 1, 1), rows, strict=True):
        torch.testing.assert_close(row, share * rows[-1], atol=1e-5, rtol=1e-5)


def test_training_opens_the_range_step_by_step():
    seen = []

    def draw(config, model, batch, done):
        seen.append(done)
        return style_transfer.draw(config, model, batch, done)

    replace(style_transfer.SYSTEM, draw=draw).fit(replace(YOTO, steps=4), QUIET)
    assert seen == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("balance", [0.0, 1.0])
@pytest.mark.parametrize("name", ["yoto", "fixed_content_low"])
def test_the_first_step_costs_the_mean_objective_divided_by_a_power_of_the_weights_sum(name, balance):
    config, run = (
        replace(SMALL[name], opening=0.0, balance=balance, batch_size=4, steps=1, crops=0),
        replace(QUIET, seed=2),
    )
    model, loop = fit(config, run)
    batch = style_transfer.experiment_data(config, run).batches(0)
    untrained = style_transfer.build(config, seed=2)
    reseed_torch(2000, 0)
    _, lam = style_transfer.draw(config, untrained, batch)
    untrained.styles.copy_(model.styles)
    with torch.no_grad():
        values = style_transfer.terms(untrained, batch, lam)
    costs = style_transfer.objective(values, lam) / (lam / torch.tensor(style_transfer.DEFAULT)).sum(1) ** balance
    torch.testing.assert_close(style_transfer.weigh(config, values, lam), costs)
    (row,) = loop.history
    assert row["loss"] == pytest.approx(costs.mean().item(), rel=1e-4)
    for term, value in values.items():
        assert row[term] == pytest.approx(value.mean().item(), rel=1e-4), term


def test_what_is_compared_with_are_the_targets_of_the_paintings_and_the_photographs():
    batch = style_transfer.experiment_data(replace(YOTO, crops=0), QUIET).batches(0)
    paintings = torch.stack(list(small_paintings().values()))[batch.style].float() / 255
    for target, expected in zip(batch.styles, batch.loss.style_targets(paintings), strict=True):
        torch.testing.assert_close(target, expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(batch.content, batch.loss.content_targets(batch.photographs))


def test_adam_forgets_as_slowly_as_the_configuration_says():
    optimizer, _ = style_transfer.optimise(replace(YOTO, beta_2=0.99), style_transfer.build(YOTO))
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.99)


# Runs ---------------------------------------------------------------------------------------------------------------------


@ALL
def test_thirty_steps_lower_what_the_same_settings_cost(config):
    config = replace(config, opening=0.0, batch_size=4, learning_rate=1e-2)
    costs = []
    for steps in (1, 30):
        model, _ = fit(replace(config, steps=steps))
        costs.append(
            style_transfer.measure(config, model.eval(), style_transfer.experiment_data(config, QUIET))["mean_cost"]
        )
    assert costs[1] < 0.85 * costs[0]


def test_half_precision_takes_nearly_the_same_steps(monkeypatch):
    monkeypatch.setattr(
        training_config, "bfloat16_pays", lambda: True
    )  # some processors do without instructions for it
    config = replace(YOTO, learning_rate=1e-5, crops=0, steps=2)  # so that the runs do not part
    (model, half), (_, single) = fit(replace(config, half=True)), fit(config)
    for a, b in zip(half.history, single.history, strict=True):
        for name in ("style_1", "style_4", "content"):
            assert a[name] == pytest.approx(b[name], rel=0.1)
            assert a[name] != b[name]
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_style_descriptions_are_kept_with_the_weights(trained):
    described = describe(small_paintings().values(), describer("vgg", "random")[0])
    assert described.shape == (14, 256)
    for name in KINDS:
        painter = style_transfer.load(name, trained).model
        torch.testing.assert_close(painter.styles, described, rtol=1e-3, atol=1e-3)


def folder_of(folder, count):
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")


def test_a_reader_may_train_on_pictures_and_styles_of_their_own(tmp_path):
    own = replace(QUIET, data=tmp_path / "own", out=tmp_path / "out")
    own.data.mkdir()
    folder_of(own.data / "photographs", 2)
    folder_of(own.data / "styles", 15)
    assert style_transfer.train(FIXED, own)
    trained = style_transfer.load(FIXED.name, own.out)
    assert "own, 2 photographs; paintings in styles" in trained.card.data
    known = describe(small_paintings().values(), describer("vgg", "random")[0])
    assert trained.model.styles.shape == known.shape
    assert not torch.allclose(trained.model.styles, known, rtol=0.1)
    assert style_transfer.measure(FIXED, trained.model, style_transfer.experiment_data(FIXED, own)) == pytest.approx(
        trained.card.metrics, rel=1e-5
    )


def test_too_few_paintings_to_learn_are_refused(tmp_path):
    folder_of(tmp_path / "photographs", 2)
    folder_of(tmp_path / "styles", 3)
    with pytest.raises(ReaderError, match=r"14 paintings; .* has 3"):
        fit(YOTO, replace(QUIET, data=tmp_path))


def in_small(**changes):
    """The paper's experiment, one step of one picture; schedule, optimizer and what is told as in A.3."""
    config = style_transfer.experiments("paper")["yoto"]
    small = {
        "width": 4,
        "blocks": 1,
        "side": 64,
        "batch_size": 1,
        "steps": 1,
        "pretrained": False,
        "described_by": "vgg",
    }
    model, loop = fit(replace(config, **small, **changes))
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert all(p.isfinite().all() for p in model.parameters())


def test_the_papers_profile_runs_in_small():
    in_small(style_layers=YOTO.style_layers, content_layer=YOTO.content_layer)


@pytest.mark.thorough
def test_the_papers_profile_runs_with_the_papers_layers():
    in_small()


# Cards --------------------------------------------------------------------------------------------------------------------


@ALL
def test_a_card_tells_what_a_network_costs_where_it_was_asked(config, trained):
    card = style_transfer.load(config.name, trained).card
    metrics = card.metrics
    assert "the built-in paintings; features of vgg16 with fixed random filters; measured on" in card.data
    assert card.data.startswith(STAND_IN)
    if config.kind == "fixed":
        means = {name: value for name, value in metrics.items() if name != "mean_cost"}
        assert set(means) == {*style_transfer.WEIGHTS, "total_variation"}
        assert metrics["mean_cost"] == pytest.approx(style_transfer.full_loss(means, torch.tensor(config.lam)))
    else:
        all_ten = list(style_transfer.settings())
        asked = ["default", *(all_ten if config.kind == "yoto" else ("content_low", "content_high"))]
        assert set(metrics) == {*(f"cost_{name}" for name in asked), "mean_cost"}
        assert metrics["mean_cost"] == pytest.approx(np.mean([metrics[f"cost_{name}"] for name in asked]))
