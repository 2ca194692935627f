"""Style transfer's training: one step at a time, resumed as uninterrupted, into checkpoints that load back."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from small_painters import SIDE, SMALL, perceptual_loss, small_pictures

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.datasets import photographs
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import training
from lossconditioning.systems.style_transfer.measures import card_metrics
from lossconditioning.systems.style_transfer.pictures import crops
from lossconditioning.systems.style_transfer.training import batches, draw_weights, optimizer_and_schedule
from lossconditioning.training.randomness import reseed_torch

KINDS = {name: SMALL[name] for name in ("yoto", "specialist", "fixed_content_low")}
ALL = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
YOTO, FIXED = SMALL["yoto"], SMALL["fixed_content_low"]
STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_pictures(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one model of every kind, trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    assert style_transfer.train_all(KINDS.values(), out=folder, profile="smoke") == 3
    return folder


def fit(config, **options):
    return style_transfer.fit(config, progress=False, **options)


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


# One step -----------------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_batch_are_spread_evenly_over_the_prior():
    torch.manual_seed(0)
    lam = draw_weights(YOTO, 16)
    assert lam.shape == (16, 5)
    low, high = torch.tensor(style_transfer.RANGES[YOTO.ranges]).T
    strata = (16 * (lam / low).log() / (high / low).log()).floor()
    for column in strata.T:
        assert column.sort().values.tolist() == list(range(16))
        assert column.tolist() != list(range(16))
    assert len({tuple(column.tolist()) for column in strata.T}) == 5


def test_the_specialists_batch_varies_the_weight_of_content_alone():
    lam = draw_weights(SMALL["specialist"], 16)
    assert lam[:, :4].tolist() == pytest.approx(np.tile(style_transfer.DEFAULT[:4], (16, 1)))
    strata = (16 * (lam[:, 4] / 0.1).log() / np.log(1000)).floor()
    assert strata.sort().values.tolist() == list(range(16))


def test_a_fixed_weight_models_weight_is_its_own():
    assert draw_weights(FIXED, 5).tolist() == pytest.approx(np.tile(FIXED.lam, (5, 1)))


def test_the_range_of_the_weights_opens_from_the_default_setting():
    config = replace(YOTO, opening=0.4)
    drawn = []
    for progress in (0.0, 0.1, 0.2, 0.4, 1.0):
        torch.manual_seed(3)
        drawn.append((draw_weights(config, 8, progress) / torch.tensor(style_transfer.DEFAULT)).log())
    whole = drawn[-1]
    assert whole.abs().max() > 1
    for share, rows in zip((0, 0.25, 0.5, 1, 1), drawn, strict=True):
        torch.testing.assert_close(rows, share * whole, atol=1e-5, rtol=1e-5)


def test_training_opens_the_range_step_by_step(monkeypatch):
    seen = []
    monkeypatch.setattr(
        training, "draw_weights", lambda config, count, progress: seen.append(progress) or draw_weights(config, count)
    )
    fit(replace(YOTO, steps=4, batch_size=2), seed=0)
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_a_pool_of_crops_is_drawn_from_again_and_again():
    loss, photos = perceptual_loss(), tuple(photographs().values())
    pool = crops(photos, SIDE, YOTO.crops, seed=5)
    make = batches(replace(YOTO, batch_size=4), photos, loss, seed=5)
    numbers, styles = set(), set()
    for step in range(12):
        batch = make(step)
        for photograph, content in zip(batch.photographs, batch.content, strict=True):
            (number,) = (i for i, crop in enumerate(pool) if torch.equal(crop, photograph))
            numbers.add(number)
            # Kept in half precision.
            torch.testing.assert_close(content, loss.content_targets(photograph[None])[0], rtol=1e-2, atol=1e-2)
        styles |= set(batch.style.tolist())
    assert len(numbers) == YOTO.crops
    assert len(styles) > 10
    assert styles <= set(range(14))
    assert torch.equal(make(3).photographs, make(3).photographs)


def test_without_a_pool_every_step_has_crops_of_its_own():
    loss, photos = perceptual_loss(), tuple(photographs().values())
    make = batches(replace(YOTO, crops=0), photos, loss, seed=5)
    for step in (0, 1, 7):
        batch = make(step)
        assert torch.equal(batch.photographs, crops(photos, SIDE, 2, seed=5, first=2 * step))
        assert torch.equal(batch.content, loss.content_targets(batch.photographs))
    assert not torch.equal(make(0).photographs, make(1).photographs)


@pytest.mark.parametrize("balance", [0.0, 1.0])
@pytest.mark.parametrize("name", ["yoto", "fixed_content_low"])
def test_the_first_step_costs_the_mean_objective_divided_by_a_power_of_the_weights_sum(name, balance):
    config = replace(SMALL[name], opening=0.0, balance=balance, batch_size=4, steps=1, crops=0)
    model, loop = fit(config, seed=2)
    loss = perceptual_loss()
    batch = batches(config, tuple(photographs().values()), loss, 2000)(0)
    reseed_torch(2000, 0)
    lam = draw_weights(config, 4)
    untrained = style_transfer.build(config, seed=2)
    untrained.styles.copy_(model.styles)
    paintings = torch.stack(list(style_transfer.styles().values())).float() / 255
    styles = tuple(gram[batch.style] for gram in loss.style_targets(paintings))
    with torch.no_grad():
        painted = untrained(batch.photographs, batch.style, lam)
        values = style_transfer.terms(loss, painted, batch.content, styles)
    costs = style_transfer.objective(values, lam) / (lam / torch.tensor(style_transfer.DEFAULT)).sum(1) ** balance
    (row,) = loop.history
    assert row["loss"] == pytest.approx(costs.mean().item(), rel=1e-4)
    for term, value in values.items():
        assert row[term] == pytest.approx(value.mean().item(), rel=1e-4), term


def rates(config, steps):
    optimizer, schedule = optimizer_and_schedule(config, torch.nn.Linear(1, 1))
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_the_papers_learning_rate_is_constant():
    assert set(rates(replace(YOTO, schedule="constant", steps=50, learning_rate=1e-5), 60)) == {1e-5}


def test_a_cosine_warms_up_over_a_hundredth_and_ends_at_zero():
    found = rates(replace(YOTO, schedule="cosine", steps=1000, learning_rate=1e-3), 1010)
    assert found[:3] == pytest.approx([1e-4, 2e-4, 3e-4], rel=1e-3)
    assert max(found) == found[9] == pytest.approx(1e-3, rel=1e-3)
    assert all(later < sooner for sooner, later in itertools.pairwise(found[9:1001]))
    assert found[1000:] == pytest.approx([0.0] * 10, abs=1e-15)


# Runs ---------------------------------------------------------------------------------------------------------------------


@ALL
def test_a_stopped_training_continues_bit_identically(config, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


def test_another_seed_trains_another_network():
    (one, loop), (other, _) = fit(YOTO, seed=0), fit(YOTO, seed=1)
    assert not torch.equal(one.network[0].convolution.weight, other.network[0].convolution.weight)
    assert all(np.isfinite(value) for row in loop.history for value in row.values())


@ALL
def test_a_hundred_steps_lower_what_the_same_settings_cost(config):
    config = replace(config, opening=0.0, batch_size=4, learning_rate=1e-2)
    photographs_, styles = list(photographs().values())[:4], style_transfer.styles()
    costs = []
    for steps in (1, 100):
        model, _ = fit(replace(config, steps=steps))
        costs.append(card_metrics(config, model.eval(), perceptual_loss(), photographs_, styles)["mean_cost"])
    assert costs[1] < 0.85 * costs[0]


def test_half_precision_takes_nearly_the_same_steps():
    config = replace(YOTO, learning_rate=1e-5, crops=0)  # so that the runs do not part
    (model, half), (_, single) = fit(replace(config, half=True)), fit(config)
    for a, b in zip(half.history, single.history, strict=True):
        for name in ("style_1", "style_4", "content"):
            assert a[name] == pytest.approx(b[name], rel=0.1)
            assert a[name] != b[name]
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_style_descriptions_are_kept_with_the_weights(trained):
    described = style_transfer.describe(style_transfer.styles().values(), style_transfer.describer("vgg", "random")[0])
    assert described.shape == (14, 256)
    for name in KINDS:
        painter = style_transfer.load(name, trained).model
        torch.testing.assert_close(painter.styles, described, rtol=1e-3, atol=1e-3)


def test_a_reader_may_train_on_pictures_and_styles_of_their_own(tmp_path):
    for folder, count in (("photographs", 2), ("styles", 14)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number:02d}.png")
    own = {"folder": tmp_path / "photographs", "style_folder": tmp_path / "styles"}
    model, _ = fit(replace(YOTO, steps=1), **own)
    other, _ = fit(replace(YOTO, steps=1))
    assert not torch.equal(model.styles, other.styles)
    assert style_transfer.train(FIXED, out=tmp_path / "out", profile="smoke", progress=False, **own)
    data = style_transfer.load(FIXED.name, tmp_path / "out").card.data
    assert "photographs, 2 photographs; paintings in styles" in data


def test_too_few_paintings_to_learn_are_refused(tmp_path):
    for number in range(3):
        Image.new("RGB", (40, 40), (80 * number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(ReaderError, match=r"14 paintings; .* has 3"):
        fit(YOTO, style_folder=tmp_path)


def test_the_papers_profile_runs_in_small():
    """One step, one picture; the losses, their layers, the schedule and what is told as in A.3."""
    config = style_transfer.experiments("paper")["yoto"]
    config = replace(config, width=4, blocks=1, side=64, batch_size=1, steps=1, pretrained=False, described_by="vgg")
    model, loop = fit(config)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert all(p.isfinite().all() for p in model.parameters())


def test_the_losses_are_those_of_the_configuration():
    layers = ("relu2_1", "relu1_1", "relu1_2", "relu2_2")
    loss = style_transfer.perceptual_loss(replace(YOTO, style_layers=layers, content_layer="relu3_1"))
    assert loss.features.layers == (*layers, "relu3_1")
    assert (loss.style, loss.content) == (layers, "relu3_1")
    assert loss.features.source == "vgg16 with fixed random filters"


# Checkpoints --------------------------------------------------------------------------------------------------------------


@ALL
def test_train_writes_a_checkpoint_that_loads_back(config, trained):
    loaded = style_transfer.load(config.name, trained)
    assert loaded.config == config
    assert_same_weights(loaded.model, fit(config)[0], rtol=2e-3, atol=1e-4)
    assert "the built-in paintings; features of vgg16 with fixed random filters; measured on" in loaded.card.data
    assert loaded.card.data.startswith(STAND_IN)
    assert f"train style_transfer --only {config.name} --profile smoke" in loaded.card.command
    metrics = loaded.card.metrics
    if config.kind == "fixed":
        means = {name: value for name, value in metrics.items() if name != "mean_cost"}
        assert set(means) == {*style_transfer.WEIGHTS, "total_variation"}
        assert metrics["mean_cost"] == pytest.approx(style_transfer.full_loss(means, torch.tensor(config.lam)))
    else:
        asked = (
            ["default", *style_transfer.settings()]
            if config.kind == "yoto"
            else ["default", "content_low", "content_high"]
        )
        assert set(metrics) == {*(f"cost_{name}" for name in asked), "mean_cost"}
        assert metrics["mean_cost"] == pytest.approx(np.mean([metrics[f"cost_{name}"] for name in asked]))


def test_what_the_card_says_is_what_the_stored_weights_give(trained):
    loaded = style_transfer.load("yoto", trained)
    held_out = style_transfer.held_out_photographs(None, 2).pictures.values()
    again = card_metrics(YOTO, loaded.model, perceptual_loss(), held_out, style_transfer.styles())
    assert again == pytest.approx(loaded.card.metrics, rel=1e-5)


def test_train_does_nothing_when_it_is_finished(trained):
    options = {"out": trained, "profile": "smoke", "progress": False}
    assert {file.name for file in trained.iterdir()} == {
        f"{name}.{kind}" for name in KINDS for kind in ("json", "safetensors")
    }
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()}
    assert style_transfer.train(YOTO, **options)
    for other in ({"config": replace(YOTO, steps=2)}, {"seed": 1}):
        with pytest.raises(CheckpointError, match="another configuration"):
            style_transfer.train(**{"config": YOTO, **options, **other})
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()} == before


def test_an_unfinished_training_leaves_no_checkpoint_and_is_continued(tmp_path, trained):
    options = {"out": tmp_path, "profile": "smoke", "progress": False}
    assert style_transfer.train(FIXED, minutes=1e-9, **options) is False
    assert [path.name for path in tmp_path.iterdir()] == ["unfinished"]
    assert style_transfer.train(FIXED, **options)
    file = f"{FIXED.name}.safetensors"
    assert (tmp_path / file).read_bytes() == (trained / file).read_bytes()
    assert not (tmp_path / "unfinished").exists()
