"""The order in which experiments are trained, folders, and what all configurations share."""

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.systems import toy
from lossconditioning.training import Config, Run, System, protocol, workers
from lossconditioning.training.cards import Card, publish, read_card
from lossconditioning.training.experiments import alone, in_waves, is_finished, make_folder


@dataclass(frozen=True)
class Own(Config):
    at: tuple[str, ...] = ("a", "b")
    batch_size: int = 2
    steps: int = 3
    learning_rate: float = 0.1
    asked: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return self.asked


def names(waves):
    return [[config.name for config in wave] for wave in waves]


def test_an_experiment_comes_after_all_it_needs():
    configs = [Own("c", asked=("b", "a")), Own("b", asked=("a",)), Own("a"), Own("d", asked=("elsewhere",))]
    assert names(in_waves(configs)) == [["a", "d"], ["b"], ["c"]]
    assert names(in_waves([])) == []


@pytest.mark.parametrize(
    "circle", [[Own("a", asked=("a",))], [Own("a", asked=("b",)), Own("b", asked=("a",)), Own("c")]]
)
def test_a_circle_is_refused(circle):
    with pytest.raises(ReaderError, match=r"a(, b)? need one another in a circle"):
        in_waves(circle)


def test_all_share_one_time_budget_each_wave_what_is_left(monkeypatch):
    clock, begun = SimpleNamespace(now=0.0, time=lambda: clock.now), []

    def a_minutes_training(system, config, run):
        begun.append((config.name, run.minutes))
        clock.now += 60
        return True

    monkeypatch.setattr(System, "train", a_minutes_training)
    for module in (protocol, workers):
        monkeypatch.setattr(module, "time", clock)
    configs = [Own("a"), Own("b"), Own("c", asked=("a",)), Own("d", asked=("c",))]
    assert toy.SYSTEM.train_all(configs, Run(minutes=3)) == 3
    assert begun == [("a", 3), ("b", 2), ("c", 1)]


def test_a_configuration_survives_json():
    config = Own("x", at=("up.1",))
    again = json.loads(json.dumps(config.as_json()))
    assert again == {
        "name": "x",
        "schedule": "constant",
        "average": 0.0,
        "repeat": 0,
        "purpose": "comparison",
        "at": ["up.1"],
        "batch_size": 2,
        "steps": 3,
        "learning_rate": 0.1,
        "asked": [],
    }
    assert Own.from_json(again) == config
    del again["repeat"]  # as in a card that was written before there was such a field
    assert Own.from_json(again) == config
    assert (config.repeat, config.average, config.clip, config.precision) == (0, 0.0, None, None)


def finished(folder, config, system="own", name="x"):
    card = Card(system, name, config, "smoke", seed=0, steps=3, seconds=0.1, data="none", command="none")
    publish(folder, card, {"weight": torch.zeros(1)})


def test_a_card_written_before_there_was_a_field_is_of_its_default(tmp_path):
    written = Own("x").as_json()
    del written["repeat"], written["schedule"]
    finished(tmp_path, written)
    assert is_finished("own", Own("x"), Run(out=tmp_path))
    with pytest.raises(CheckpointError, match="another configuration"):
        is_finished("own", Own("x", repeat=1), Run(out=tmp_path))


@pytest.mark.parametrize("changes", [{"depth": 3}, {"schedule": "none"}, {"steps": 4}], ids=str)
def test_a_card_of_other_fields_or_values_is_of_another_configuration(tmp_path, changes):
    finished(tmp_path, {**Own("x").as_json(), **changes})
    with pytest.raises(CheckpointError, match="another configuration"):
        is_finished("own", Own("x"), Run(out=tmp_path))


def damaged(file, how):
    if how == "missing":
        file.unlink()
    elif how == "a folder":
        file.unlink()
        file.mkdir()
    else:
        data = file.read_bytes()
        file.write_bytes({"truncated": data[:-3], "empty": b"", "one bit": data[:-1] + bytes([data[-1] ^ 1])}[how])


@pytest.mark.parametrize("how", ["missing", "truncated", "empty", "one bit", "a folder"])
def test_finished_weights_are_verified_before_they_count_as_finished(how, tmp_path):
    finished(tmp_path, Own("x").as_json())
    damaged(tmp_path / "x.safetensors", how)
    with pytest.raises(
        CheckpointError, match=r"x\.safetensors.*or delete the card, .*x\.json, and train it anew: none"
    ):
        is_finished("own", Own("x"), Run(out=tmp_path))
    (tmp_path / "x.json").unlink()
    assert not is_finished("own", Own("x"), Run(out=tmp_path))


SMOKE = toy.SYSTEM.experiments("smoke")["paper_sym"]


def test_a_second_training_of_an_experiment_in_one_folder_is_told_so(tmp_path):
    run = Run(out=tmp_path, profile="smoke", progress=False)
    other = replace(SMOKE, name="other")
    with alone("toy", SMOKE.name, tmp_path):
        with pytest.raises(
            ReaderError, match=r"toy paper_sym is being trained in .* by another process \(process \d+ on "
        ):
            toy.SYSTEM.train(SMOKE, run)
        assert toy.SYSTEM.train(other, run)  # which nobody trains
    assert toy.SYSTEM.train(SMOKE, run)
    with alone("toy", SMOKE.name, tmp_path):  # somebody looks after what is finished; so it is
        assert toy.SYSTEM.train(SMOKE, run)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["other.json", "other.safetensors", "paper_sym.json", "paper_sym.safetensors"]


def test_the_next_run_clears_what_killed_ones_left(tmp_path):
    run = Run(out=tmp_path, profile="smoke", progress=False)
    assert toy.SYSTEM.train(SMOKE, run)
    finished = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for leftover in (".paper_sym.lock", ".paper_sym.json.partial", ".paper_sym.safetensors.123.partial"):
        (tmp_path / leftover).write_bytes(b"half")
    (tmp_path / "unfinished" / "paper_sym").mkdir(parents=True)
    (tmp_path / "unfinished" / "paper_sym" / "step-000000004.safetensors").write_bytes(b"half")
    assert toy.SYSTEM.train(SMOKE, run)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == finished


def test_who_finishes_second_publishes_nothing(tmp_path, monkeypatch):
    run = Run(out=tmp_path, profile="smoke", progress=False)

    def meanwhile(config, model, data):  # where locks are not to be had
        finished(tmp_path, SMOKE.as_json(), system="toy", name="paper_sym")
        return toy.SYSTEM.measure(config, model, data)

    assert replace(toy.SYSTEM, measure=meanwhile).train(SMOKE, run)
    assert read_card(tmp_path / "paper_sym.json").command == "none"
    with pytest.raises(CheckpointError, match="seed 0"):
        toy.SYSTEM.train(SMOKE, replace(run, seed=1))


def test_a_run_that_is_asked_to_stop_saves_and_stops(tmp_path):
    run = Run(profile="smoke", progress=False, stop=lambda: True)
    _, loop = toy.SYSTEM.fit(SMOKE, run, tmp_path)
    assert (loop.step, loop.done) == (1, False)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]


def test_a_folder_that_can_not_be_made_is_said_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReaderError, match=r"folder .*file.* can not be made"):
        make_folder(tmp_path / "file" / "runs")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
