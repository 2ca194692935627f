"""Every kind of experiment of every system trains, survives interruption, and is published once."""

import hashlib
import json
import math
from dataclasses import replace

import pytest
import torch
from smallest import KINDS, SMOKE

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.systems import SYSTEMS
from lossconditioning.training.cards import load_published

AT_ONCE = 1e-7  # minutes: enough for one step


@pytest.fixture(params=KINDS, ids=" ".join)
def case(request, shelves):
    """A shelf, and an experiment on it."""
    name, kind = request.param
    return shelves(name), shelves(name).kinds[kind]


@pytest.fixture(params=SYSTEMS)
def shelf(request, shelves):
    return shelves(request.param)


def same(one, other) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items()) and len(one) == len(other)


def test_its_card_tells_what_was_trained_and_measured(case):
    shelf, config = case
    card, weights = load_published(shelf.folder, config.name, shelf.system.name)
    assert shelf.system.Config.from_json(card.config) == config
    assert (card.profile, card.seed, card.steps) == ("smoke", 0, config.steps)
    assert card.metrics
    assert all(math.isfinite(value) for value in card.metrics.values())
    assert card.data == shelf.system.data(config, shelf.run).source
    assert card.tolerance == shelf.system.tolerance
    assert (
        card.command
        == f"lossconditioning train {shelf.system.name} --only {config.name} --profile smoke --seed 0 --out DIR"
    )
    assert card.digest == hashlib.sha256((shelf.folder / f"{config.name}.safetensors").read_bytes()).hexdigest()
    assert all(weight.isfinite().all() for weight in weights.values())


def test_what_is_measured_is_what_is_stored(case):
    shelf, config = case
    trained = shelf.system.load(config.name, shelf.folder)
    again = shelf.system.measure(config, trained.model, shelf.data(config))
    assert dict(again) == pytest.approx(trained.card.metrics, rel=1e-5, abs=1e-6)
    assert not trained.model.training


def test_a_resumed_run_ends_bit_identical_to_one_never_interrupted(case, tmp_path):
    shelf, config = case
    made = shelf.made(config)
    straight, whole = shelf.system.fit(config, SMOKE, made=made)
    hurried = replace(SMOKE, minutes=AT_ONCE)
    stops = 0
    while True:
        model, loop = shelf.system.fit(config, hurried, tmp_path, made)
        if loop.done:
            break
        stops += 1
    assert stops >= min(1, config.steps - 1)
    assert whole.history[-1] == loop.history[-1]
    assert same(straight.state_dict(), model.state_dict())


def test_another_seed_trains_another_network(case):
    shelf, config = case
    made = shelf.made(config)
    models = [shelf.system.fit(config, replace(SMOKE, seed=seed), made=made)[0] for seed in (0, 1)]
    assert not same(*(model.state_dict() for model in models))


def written(file):
    """What changes when a file is written; reading it changes nothing of this."""
    found = file.stat()
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def test_what_is_finished_is_not_trained_again(shelf):
    files = sorted(shelf.folder.glob("*"))
    before = [written(file) for file in files]
    assert shelf.system.train_all(shelf.configs.values(), shelf.run) == len(shelf.configs)
    assert sorted(shelf.folder.glob("*")) == files
    assert [written(file) for file in files] == before


def test_another_seed_or_configuration_is_refused(shelf):
    config = next(iter(shelf.configs.values()))
    for run, changed in ((replace(shelf.run, seed=1), config), (shelf.run, replace(config, batch_size=3))):
        with pytest.raises(CheckpointError, match=r"another configuration \(profile smoke, seed 0\)"):
            shelf.system.train(changed, run)


def test_time_that_runs_out_is_said_and_the_same_call_continues(shelf, tmp_path):
    config = next(config for config in shelf.configs.values() if not config.needs)
    run = replace(shelf.run, out=tmp_path)
    tries = 1
    while not shelf.system.train(config, replace(run, minutes=AT_ONCE)):
        assert list((tmp_path / "unfinished" / config.name).glob("step-*.safetensors"))
        assert not (tmp_path / f"{config.name}.json").exists()
        tries += 1
    assert tries > 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{config.name}.json", f"{config.name}.safetensors"]
    stored = (path / f"{config.name}.safetensors" for path in (tmp_path, shelf.folder))
    first, second = (path.read_bytes() for path in stored)
    assert first == second


def test_an_experiment_without_what_it_needs_says_what_to_train_first(shelf, tmp_path):
    for config in shelf.configs.values():
        if config.needs:
            with pytest.raises(ReaderError, match=f"{config.name} builds on {config.needs[0]}, which is not in"):
                shelf.system.train(config, replace(shelf.run, out=tmp_path))
            with pytest.raises(ReaderError, match="Train that first: lossconditioning train"):
                shelf.system.fit(config, SMOKE)


def test_a_run_without_a_folder_is_refused(shelf):
    with pytest.raises(ReaderError, match=r"Run\(out=…\)"):
        shelf.system.train(next(iter(shelf.configs.values())), SMOKE)


def test_a_card_of_another_system_is_refused(shelf, tmp_path):
    name = next(iter(shelf.configs))
    for kind in ("json", "safetensors"):
        (tmp_path / f"{name}.{kind}").write_bytes((shelf.folder / f"{name}.{kind}").read_bytes())
    card = json.loads((tmp_path / f"{name}.json").read_text())
    (tmp_path / f"{name}.json").write_text(json.dumps({**card, "system": "another"}))
    with pytest.raises(CheckpointError, match="a checkpoint of 'another'"):
        shelf.system.load(name, tmp_path)
    with pytest.raises(CheckpointError, match="another system"):
        shelf.system.evaluate(tmp_path, SMOKE)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["toy", "dynamic_completion"])
def test_two_workers_train_what_one_does(name, shelves, tmp_path):
    shelf = shelves(name)
    run = replace(shelf.run, out=tmp_path)
    assert shelf.system.train_all(shelf.configs.values(), run, workers=2) == len(shelf.configs)
    for file in tmp_path.glob("*.safetensors"):
        assert file.read_bytes() == (shelf.folder / file.name).read_bytes()
