"""Two phases of training, networks and then blocks on them, into checkpoints that load back with their cards' numbers."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small_dynamic import (
    ALL,
    BLOCKS,
    KINDS,
    MAINS,
    NETWORK,
    NETWORKS,
    SMALL,
    assert_same_weights,
    fit,
    small_loss,
    small_stylisation,
)
from small_painters import SIDE

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.systems import dynamic_net
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net import training as both_phases
from lossconditioning.systems.dynamic_net.stylisation import task
from lossconditioning.systems.style_transfer.pictures import held_out_photographs, squares
from lossconditioning.training.cards import load_network


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_stylisation(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one experiment of every kind, trained for a few steps; blocks are asked for before their network."""
    folder = tmp_path_factory.mktemp("trained")
    configs = sorted(KINDS.values(), key=lambda config: config.kind)
    assert configs[0].kind == "blocks"
    assert dynamic_net.train_all(configs, out=folder, profile="smoke") == 4
    return folder


def load(name, folder):
    return load_network(
        folder, name, "dynamic_net", lambda card: stylisation.build(stylisation.Config.from_json(card.config))
    )


def test_all_are_trained_networks_first_and_what_is_finished_is_counted(trained):
    names = {config.name for config in KINDS.values()}
    assert {file.name for file in trained.iterdir()} == {f"{n}.{k}" for n in names for k in ("json", "safetensors")}


@pytest.fixture
def called(monkeypatch):
    """In place of training: which experiments were asked for in what order; "style_two" does not finish if told so."""
    found, stuck = [], set()

    def train_many(train, configs, **options):
        configs = list(configs)
        found.extend((config.name, options) for config in configs)
        return sum(config.name not in stuck for config in configs)

    monkeypatch.setattr(both_phases, "train_many", train_many)
    return found, stuck


def test_blocks_come_after_all_networks_whatever_the_order_asked_for(called, tmp_path):
    found, _ = called
    configs = reversed(stylisation.experiments("smoke").values())
    assert dynamic_net.train_all(configs, out=tmp_path, profile="smoke", seed=3, workers=2) == 17
    assert [name for name, _ in found] == [*reversed(NETWORKS), *reversed(MAINS)]
    for _, options in found:
        assert (options["seed"], options["workers"], options["profile"]) == (3, 2, "smoke")


def test_blocks_are_not_begun_before_the_networks_are_finished(called, tmp_path):
    found, stuck = called
    stuck.add("style_two")
    assert dynamic_net.train_all(stylisation.experiments("smoke").values(), out=tmp_path, profile="smoke") == 10
    assert [name for name, _ in found] == NETWORKS


def test_both_phases_share_one_time_budget(monkeypatch, tmp_path):
    given, now = [], [1000.0]

    def train_many(train, configs, *, minutes, **options):
        given.append(minutes)
        now[0] += 30
        return len(list(configs))

    for clock in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(f"time.{clock}", lambda: now[0])
    monkeypatch.setattr(both_phases, "train_many", train_many)
    dynamic_net.train_all([NETWORK, BLOCKS], out=tmp_path, profile="smoke", minutes=2)
    monkeypatch.undo()
    assert given == pytest.approx([2, 1.5])


@ALL
def test_a_finished_checkpoint_loads_back_and_gives_its_cards_numbers(config, trained):
    card, model = load(config.name, trained)
    assert stylisation.Config.from_json(card.config) == config
    main = stylisation.main_network(config, trained) if config.main else None
    expected, _ = fit(config, main=main) if main else fit(config)
    assert_same_weights(model, expected, rtol=2e-3, atol=1e-4)  # stored in half precision
    measure = stylisation.Measure.of(small_loss(), held_out_photographs(None, 2).pictures.values())
    again = stylisation.card_metrics(config, model, measure, main)
    assert again == pytest.approx(card.metrics, rel=1e-5)
    assert all(np.isfinite(value) for value in again.values())
    assert card.data.startswith(STAND_IN)
    assert "built-in paintings; features of vgg16 with fixed random filters; measured on the first 2 of" in card.data
    assert f"train dynamic_net --only {config.name} --profile smoke" in card.command
    assert "cost" in card.metrics
    assert card.tolerance.startswith("cost ")


def test_a_cards_numbers_are_means_over_the_held_out_photographs(trained):
    (_, main), (_, blocks) = load("style_fixed_0", trained), load("style_blocks", trained)
    loss, pictures = small_loss(), squares(held_out_photographs(None, 2).pictures.values(), SIDE)
    content, style = loss.content_targets(pictures), task.style_of(loss, stylisation.STYLES[0])

    def expected(painted, lam):
        values = {name: float(v.mean()) for name, v in stylisation.terms(loss, painted, content, style).items()}
        return pytest.approx({**values, "cost": values["content"] + lam * values["style"]}, rel=1e-4)

    measure = stylisation.Measure.of(loss, held_out_photographs(None, 2).pictures.values())
    with torch.no_grad():
        assert stylisation.card_metrics(NETWORK, main, measure) == expected(main(pictures), 0.8)
        tuned = DynamicNet(main, {"tuned": blocks})
        at_one = tuned(pictures, alpha=1.0)
        tuned.undo()
        assert stylisation.card_metrics(BLOCKS, blocks, measure, main) == expected(at_one, 40.0)
    assert not any(module._forward_hooks for module in main.modules())
    _, conditional = load("style_conditional", trained)
    found = stylisation.card_metrics(SMALL["style_conditional"], conditional, measure)
    costs = []
    for lam in stylisation.strengths():
        with torch.no_grad():
            values = stylisation.terms(loss, conditional(pictures, torch.tensor([lam, lam])), content, style)
        costs.append(float(stylisation.objective(values, lam).mean()))
    assert [found[f"cost_{i}"] for i in range(7)] == pytest.approx(costs, rel=1e-4)
    assert found["cost"] == pytest.approx(np.mean(costs), rel=1e-4)


def test_the_main_network_is_the_finished_one(trained):
    main = stylisation.main_network(BLOCKS, trained)
    assert not main.training
    assert_same_weights(main, load("style_fixed_0", trained)[1])


def test_blocks_without_their_network_say_what_to_train_first(tmp_path):
    train = partial(dynamic_net.train, BLOCKS, out=tmp_path, profile="smoke", progress=False)
    with pytest.raises(
        ReaderError, match=r"style_blocks are tuning blocks on the network style_fixed_0, which is not in"
    ) as error:
        train()
    assert f"lossconditioning train dynamic_net --only style_fixed_0 --out {tmp_path}" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_train_does_nothing_when_it_is_finished(trained):
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()}
    for config in KINDS.values():
        assert dynamic_net.train(config, out=trained, profile="smoke", progress=False)
        with pytest.raises(CheckpointError, match="another configuration"):
            dynamic_net.train(replace(config, steps=2), out=trained, profile="smoke", progress=False)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()} == before


def test_unfinished_blocks_leave_no_checkpoint_and_are_continued(tmp_path, trained):
    for kind in ("json", "safetensors"):
        (tmp_path / f"style_fixed_0.{kind}").write_bytes((trained / f"style_fixed_0.{kind}").read_bytes())
    options = {"out": tmp_path, "profile": "smoke", "progress": False}
    assert dynamic_net.train(BLOCKS, minutes=1e-9, **options) is False
    assert not (tmp_path / "style_blocks.json").exists()
    assert dynamic_net.train(BLOCKS, **options)
    file = "style_blocks.safetensors"
    assert (tmp_path / file).read_bytes() == (trained / file).read_bytes()
    assert not (tmp_path / "unfinished").exists()
