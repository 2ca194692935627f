"""A checkpoint is continued by its own training alone, without a config, too; and what can not be saved is said at once."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as schedulers

from lossconditioning import CheckpointError, Loop, ReaderError
from lossconditioning.training import load_state, save_state

STEPS = 20


class Training:
    """README's own form; every part can be another."""

    def __init__(
        self, lr=0.1, optimizer=torch.optim.Adam, groups=None, schedule=None, model=lambda: nn.Linear(3, 1), **more
    ):
        torch.manual_seed(0)
        self.model = model()
        options = {} if lr is None else {"lr": lr}
        self.optimizer = optimizer(groups(self.model) if groups else self.model.parameters(), **options, **more)
        self.state = {"model": self.model, "optimizer": self.optimizer}
        self.schedule = schedule(self.optimizer) if schedule else None
        if schedule:
            self.state["schedule"] = self.schedule

    def run(self, path, until=None, change=lambda step: None, **options) -> Loop:
        options = {"steps": STEPS, "every": 5, **options}
        loop = Loop(lambda t: torch.randn(4, 3), state=self.state, path=path, progress=False, **options)
        for x in loop:
            loss = self.model(x.to(self.model.weight.dtype)).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if self.schedule:
                self.schedule.step(*([loss.item()] if "ReduceLR" in type(self.schedule).__name__ else []))
            change(loop.step)
            if loop.step == until:
                break
        return loop


def cosine(steps):
    return lambda optimizer: schedulers.CosineAnnealingLR(optimizer, steps)


def warm(milestones):
    def build(optimizer):
        parts = [schedulers.LinearLR(optimizer, 0.1, total_iters=5), schedulers.MultiStepLR(optimizer, milestones)]
        return schedulers.SequentialLR(optimizer, parts, milestones=[5])

    return build


def rates(first):
    return lambda model: [{"params": [model.weight], "lr": first}, {"params": [model.bias]}]


@pytest.mark.parametrize("until", [None, 12], ids=["finished", "stopped"])
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {"seed": 1}, "seed is 0 there, 1 here"),
        ({}, {"lr": 0.2}, r"optimizer\.lr is 0\.1 there, 0\.2 here\."),
        ({}, {"lr": torch.tensor(0.1)}, r"optimizer\.lr is 0\.1 there, tensor"),
        ({}, {"betas": (0.8, 0.999)}, r"optimizer\.betas is \(0\.9, 0\.999\) there, \(0\.8, 0\.999\) here"),
        ({}, {"weight_decay": 0.1}, "optimizer.weight_decay"),
        ({}, {"optimizer": torch.optim.SGD}, "optimizer is 'Adam' there, 'SGD' here"),
        ({"groups": rates(0.1)}, {"groups": rates(0.3)}, r"optimizer\.param_groups\[0\]\.lr is 0\.1 there, 0\.3 here"),
        ({"schedule": cosine(20)}, {"schedule": cosine(40)}, "schedule.T_max is 20 there, 40 here"),
        ({"schedule": cosine(20)}, {"schedule": cosine(20), "lr": 0.2}, r"optimizer\.lr .* optimizer.*initial_lr"),
        ({"schedule": warm([8])}, {"schedule": warm([9])}, r"schedule\[1\]\.milestones is Counter\({8: 1}\) there"),
        ({}, {"model": lambda: nn.Linear(3, 2)}, "model does not fit"),
        ({}, {"model": lambda: nn.Linear(3, 1).double()}, "weight is torch.float32 there, torch.float64 here"),
    ],
)
def test_another_training_is_refused_and_nothing_of_it_changed(first, second, said, until, tmp_path):
    Training(**first).run(tmp_path, until)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    loop = {name: second[name] for name in ("seed",) if name in second}
    other = Training(**{name: value for name, value in second.items() if name not in loop})
    before = [parameter.clone() for parameter in other.model.parameters()]
    with pytest.raises(CheckpointError, match=rf"{said}.*To start anew, delete the folder or give another path"):
        other.run(tmp_path, **loop)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files
    assert all(torch.equal(*pair) for pair in zip(before, other.model.parameters(), strict=True))


def test_a_training_may_be_made_longer(tmp_path):
    whole, longer = Training(), Training()
    whole.run(tmp_path / "whole", steps=30)
    Training().run(tmp_path / "parts")
    assert longer.run(tmp_path / "parts", steps=30).resumed_from == STEPS
    assert all(torch.equal(*pair) for pair in zip(whole.model.parameters(), longer.model.parameters(), strict=True))
    with pytest.raises(CheckpointError, match="30 steps, more than the 20 asked for"):
        Training().run(tmp_path / "parts")


SCHEDULES = {
    "none": None,
    "cosine": cosine(20),
    "warm": warm([8]),
    "steps": lambda optimizer: schedulers.StepLR(optimizer, 6),
    "one cycle": lambda optimizer: schedulers.OneCycleLR(optimizer, 0.3, total_steps=20),
    "cyclic": lambda optimizer: schedulers.CyclicLR(optimizer, 0.1, 0.3, step_size_up=3, cycle_momentum=False),
    "restarts": lambda optimizer: schedulers.CosineAnnealingWarmRestarts(optimizer, 7),
    "polynomial": lambda optimizer: schedulers.PolynomialLR(optimizer, 20),
    "lambda": lambda optimizer: schedulers.LambdaLR(optimizer, lambda step: 0.9**step),
    "plateau": lambda optimizer: schedulers.ReduceLROnPlateau(optimizer, patience=100),
    "chained": lambda optimizer: schedulers.ChainedScheduler(
        [schedulers.ConstantLR(optimizer, total_iters=3), schedulers.ExponentialLR(optimizer, 0.9)]
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("rebuilt", [True, False])
def test_the_same_training_continues_also_from_the_same_objects(schedule, rebuilt, tmp_path):
    whole = Training(schedule=schedule)
    whole.run(None)
    training = Training(schedule=schedule)
    for until in (7, 13, None):  # between checkpoints; a cell that is run again may not make the optimizer anew
        if rebuilt:
            training = Training(schedule=schedule)
        loop = training.run(tmp_path, until)
    assert loop.done
    assert torch.equal(whole.model.weight, training.model.weight)
    assert training.run(tmp_path).done


def test_a_rate_that_the_body_lowers_is_no_other_training(tmp_path):
    def lowered(training):
        def change(step):
            training.optimizer.param_groups[0]["lr"] *= 0.9

        return change

    training, whole = Training(), Training()
    whole.run(None, change=lowered(whole))
    for until in (7, 13, None):
        training.run(tmp_path, until, change=lowered(training))
    assert torch.equal(whole.model.weight, training.model.weight)


def test_a_rate_set_by_hand_between_two_calls_is_another_training(tmp_path):
    training = Training()
    training.run(tmp_path)
    training.optimizer.param_groups[0]["lr"] = 0.01
    with pytest.raises(CheckpointError, match=r"param_groups\[0\]\.lr is 0\.1 there, 0\.01 here"):
        training.run(tmp_path)


def test_how_an_optimizer_computes_is_not_what(tmp_path):
    Training(foreach=True).run(tmp_path, until=12)
    assert Training(foreach=False).run(tmp_path).resumed_from == 10


def test_a_checkpoint_of_an_earlier_version_has_no_identity_and_is_continued(tmp_path):
    Training().run(tmp_path, until=7)
    (file,) = tmp_path.iterdir()
    saved = load_state(file)
    del saved["identity"]
    save_state(file, saved)
    assert Training().run(tmp_path).resumed_from == 5


def test_a_configuration_is_equal_to_itself(tmp_path):
    config = {
        "nan": math.nan,
        "tensor": torch.ones(3),
        "array": np.ones(3),
        "number": np.float32(0.1),
        "pair": (1, [2]),
    }
    Training().run(tmp_path, until=7, config=config)
    assert Training().run(tmp_path, until=7, config=config).resumed_from == 5
    with pytest.raises(
        CheckpointError, match=r"tensor is tensor\(\[1., 1., 1.\]\) there, tensor\(\[0., 0., 0.\]\) here"
    ):
        Training().run(tmp_path, config={**config, "tensor": torch.zeros(3)})


UNWRITABLE = {"path": Path("data"), "object": {"deep": [object()]}, "class": nn.Linear, "tuple as key": {(1, 2): 3}}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_configuration_that_can_not_be_stored_is_refused_before_the_loop(value, tmp_path):
    with pytest.raises(ReaderError, match="config/what"):
        Loop(lambda t: t, steps=3, state={}, path=tmp_path / "runs", config={"what": value})
    assert not (tmp_path / "runs").exists()
    Loop(lambda t: t, steps=3, state={}, config={"what": value})  # where nothing is stored, anything will do


class Sampler:
    """State that is an object; from the first step on, or from the second."""

    def __init__(self, late):
        self.seen = 0 if late else object()

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, saved):
        self.seen = saved["seen"]


@pytest.mark.parametrize("late", [False, True])
def test_state_that_can_not_be_stored_is_found_at_the_start(late, tmp_path):
    sampler = Sampler(late)
    loop = Loop(lambda t: t, steps=1000, state={"sampler": sampler}, path=tmp_path, progress=False)
    with pytest.raises(CheckpointError, match="state/sampler/seen is a object"):
        [setattr(sampler, "seen", object()) for _ in loop]
    assert loop.step == int(late)
    assert not list(tmp_path.iterdir())


def test_a_lambda_in_a_scheduler_is_found_at_the_start(tmp_path):
    training = Training(schedule=cosine(20))
    training.schedule.smoother = lambda rate: rate
    with pytest.raises(CheckpointError, match="state/schedule/smoother is a function"):
        training.run(tmp_path)
    assert training.optimizer.state == {}


def test_a_lazy_layer_is_saved_once_it_has_its_size(tmp_path):
    def run(until):
        model = nn.LazyLinear(1)
        for x in (
            loop := Loop(
                lambda t: torch.ones(2, 3), steps=9, every=2, state={"m": model}, path=tmp_path, progress=False
            )
        ):
            model(x)
            if loop.step == until:
                break
        return loop, model.weight

    first, second = run(5), run(None)
    assert second[0].resumed_from == 4
    assert torch.equal(first[1], second[1])
