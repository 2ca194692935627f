"""The order in which experiments are trained, folders, and what all configurations share."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.systems import toy
from lossconditioning.training import Config, Run, System, protocol, workers
from lossconditioning.training.cards import Card, publish
from lossconditioning.training.experiments import in_waves, is_finished, make_folder


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


def finished(folder, config):
    card = Card("own", "x", config, "smoke", seed=0, steps=3, seconds=0.1, data="none", command="none")
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


def test_a_folder_that_can_not_be_made_is_said_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReaderError, match=r"folder .*file.* can not be made"):
        make_folder(tmp_path / "file" / "runs")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
